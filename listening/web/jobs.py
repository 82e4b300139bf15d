"""Long work that goes on while people look at other pages, and that they find again.

A job runs in a thread of this server and is kept as a note of the store, so that other servers
show it too. A server that works on one says so every few seconds; a job of which nothing was heard
for longer was interrupted, with its server.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from pydantic import TypeAdapter, ValidationError

from listening.app import App
from listening.errors import ConfigError, ListeningError
from listening.protocols import Progress, Store
from listening.web.people import Person, inside

KIND = "job"  # of note
WORKERS = 3
MOST_WAITING = 50
KEPT = 100  # that have ended
TICK = 1.0  # seconds between two looks at what is to be saved
BEAT = timedelta(seconds=5)
SILENT = timedelta(seconds=20)  # so long after its last beat a job is taken to be interrupted

Work = Callable[[Progress], str]
_log = logging.getLogger(__name__)


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        return self not in {State.WAITING, State.RUNNING}


@dataclass(frozen=True, slots=True)
class Again:
    """The form that starts the same job again: where it is posted to, and its fields."""

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``done`` of ``total`` (None: nobody can tell); ``result`` is the path to look at afterwards.

    ``heard`` is the last sign of the server that works on it.
    """

    id: str
    kind: str
    title: str
    by: str
    asked: datetime
    heard: datetime
    state: State = State.WAITING
    begun: datetime | None = None
    ended: datetime | None = None
    done: int = 0
    total: int | None = None
    result: str | None = None
    error: str | None = None
    again: Again | None = None

    def seen_at(self, now: datetime) -> Job:
        """As it is by ``now``: interrupted, where nothing was heard of it for long."""
        if self.state.is_over or now - self.heard <= SILENT:
            return self
        return replace(self, state=State.INTERRUPTED, ended=self.heard)


class Cancelled(Exception):  # noqa: N818 - no error: somebody wanted it
    """Raised by the Progress of a job that is to stop."""


@dataclass(slots=True)
class _Live:
    """A job of this server. Its thread changes ``done``, and all else who holds the lock."""

    job: Job
    work: Work
    revision: int = 1
    done: int = 0
    stop: State | None = None  # what it shall have ended as

    def progress(self, more: int) -> None:
        if self.stop:
            raise Cancelled
        self.done += more

    @property
    def now(self) -> Job:
        return replace(self.job, done=self.done)


@dataclass(frozen=True)
class Jobs:
    """The jobs over one app's store, of which this server works on those that it started.

    At most ``WORKERS`` run at a time, and one of a kind: another waits. Each thread has a
    connection of its own, since the stores are made for threads.
    """

    app: App
    _live: dict[str, _Live] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)  # kinds
    _threads: list[threading.Thread] = field(default_factory=list)
    _moved: threading.Condition = field(default_factory=threading.Condition)
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def _store(self) -> Store:
        return self.app.store

    def start(  # noqa: PLR0913 - options, by keyword
        self,
        kind: str,
        title: str,
        by: Person,
        work: Work,
        *,
        total: int | None = None,
        again: Again | None = None,
    ) -> str:
        """Have ``work`` done in a thread; returns the job's id, whose page is ``/jobs/{id}``.

        ``work`` is given its Progress, which raises when somebody cancels the job, and returns
        the path to look at afterwards. What it has written by then stays. ``again``: what starts
        the same job anew. Raises ConfigError where too many jobs wait.
        """
        now = datetime.now(UTC)
        job = Job(
            id=secrets.token_hex(5),
            kind=kind,
            title=title,
            by=by.name,
            asked=now,
            heard=now,
            total=total,
            again=again,
        )
        with self._moved:
            if sum(one.job.state is State.WAITING for one in self._live.values()) >= MOST_WAITING:
                raise ConfigError(f"{MOST_WAITING} jobs wait already; cancel some, or wait")
            self._prune()
            self._store.save_note(KIND, job.id, _encoded(job), revision=0)
            self._live[job.id] = _Live(job, work)
            self._hire()
            self._moved.notify_all()
        return job.id

    def cancel(self, id_: str) -> Job:
        """Stop a job at its next sign of progress; one that is over stays as it is.

        Raises ConfigError where another server works on it.
        """
        with self._moved:
            if live := self._live.get(id_):
                self._stop(live, State.CANCELLED)
                return live.now
        job = self.get(id_)
        if job.state.is_over:
            return job
        raise ConfigError(f"job {id_} runs in another server of this store; cancel it there")

    def get(self, id_: str) -> Job:
        """Raises ConfigError where there is none."""
        for job in self.all():
            if job.id == id_:
                return job
        raise ConfigError(f"there is no job {id_}, or it is long over; see the list of jobs")

    def all(self) -> list[Job]:
        """Newest first."""
        now = datetime.now(UTC)
        found = {key: job.seen_at(now) for key, job in self._kept().items()}
        found |= {key: live.now for key, live in [*self._live.items()]}
        return sorted(found.values(), key=lambda job: job.asked, reverse=True)

    def close(self) -> None:
        """Interrupt what runs here: the server ends."""
        with self._moved:
            self._closed.set()
            for live in [*self._live.values()]:
                self._stop(live, State.INTERRUPTED)
                self._end(live, State.INTERRUPTED)  # its thread may not live to say so
            self._moved.notify_all()

    def _kept(self) -> dict[str, Job]:
        notes = self._store.notes(KIND)
        return {key: job for key, note in notes.items() if (job := _decoded(note.value))}

    def _prune(self) -> None:
        """A note cannot be taken away, but made empty."""
        now = datetime.now(UTC)
        over = [job for job in self._kept().values() if job.seen_at(now).state.is_over]
        notes = self._store.notes(KIND)
        for job in sorted(over, key=lambda job: job.asked, reverse=True)[KEPT:]:
            self._store.save_note(KIND, job.id, "", revision=notes[job.id].revision)

    def _stop(self, live: _Live, state: State) -> None:
        live.stop = live.stop or state
        if live.job.state is State.WAITING:
            self._end(live, state)

    def _hire(self) -> None:
        if not self._threads:
            loops = [self._tick, *[self._loop] * WORKERS]
            # Daemons: work that shows no progress must not keep a server from ending.
            for loop in loops:
                self._threads.append(threading.Thread(target=loop, daemon=True))
                self._threads[-1].start()

    def _loop(self) -> None:
        while live := self._next():
            ended = _outcome(live)
            with self._moved:
                self._busy.discard(live.job.kind)
                self._end(live, **ended)
                self._moved.notify_all()

    def _next(self) -> _Live | None:
        """The job that may run now, waited for; None when the server ends."""
        with self._moved:
            while not self._closed.is_set():
                for live in self._live.values():
                    if live.job.state is State.WAITING and live.job.kind not in self._busy:
                        self._busy.add(live.job.kind)
                        now = datetime.now(UTC)
                        self._save(live, replace(live.job, state=State.RUNNING, begun=now))
                        return live
                self._moved.wait()
        return None

    def _tick(self) -> None:
        """Save what has moved, and say of the others that they are worked on."""
        while not self._closed.wait(TICK):
            with self._moved:
                now = datetime.now(UTC)
                for live in [*self._live.values()]:
                    unsaved = live.done != live.job.done or live.job.state.is_over
                    if unsaved or now - live.job.heard >= BEAT:
                        self._save(live, live.job)

    def _end(self, live: _Live, state: State, **more: str) -> None:
        if live.job.state.is_over:  # the server ends, and has said so already
            return
        ended = datetime.now(UTC)
        self._save(live, replace(live.job, state=state, ended=ended, **more))  # type: ignore[arg-type]  # result or error

    def _save(self, live: _Live, job: Job) -> None:
        job = replace(job, done=live.done, heard=datetime.now(UTC))
        try:
            if self._store.save_note(KIND, job.id, _encoded(job), revision=live.revision):
                live.revision += 1
            saved = True
        except ListeningError as error:  # the next beat tries again
            _log.warning("job %s is not saved yet: %s", job.id, error)
            saved = False
        live.job = job
        if saved and job.state.is_over:
            self._live.pop(job.id, None)


def _outcome(live: _Live) -> dict[str, Any]:
    try:
        return {"state": State.DONE, "result": inside(live.work(live.progress))}
    except Cancelled:
        return {"state": live.stop or State.CANCELLED}
    except ListeningError as error:
        return {"state": State.FAILED, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it was, its page must say so
        _log.exception("job %s: %s", live.job.id, live.job.title)
        said = f"this is a fault of Listening: {error!r}; the log of the server says more"
        return {"state": State.FAILED, "error": said}


@cache
def _jobs() -> TypeAdapter[Job]:
    return TypeAdapter(Job)


def _encoded(job: Job) -> str:
    return _jobs().dump_json(job).decode()


def _decoded(value: str) -> Job | None:
    """None where it was made empty, or by another version that keeps other things."""
    try:
        return _jobs().validate_json(value)
    except ValidationError:
        return None


def shape(job: Job) -> dict[str, Any]:
    """As the API gives it; docs/web.md describes it."""
    return _jobs().dump_python(job, mode="json")  # type: ignore[no-any-return]  # a record is an object


def _of(request: Request) -> Jobs:
    return cast("Jobs", request.app.state.jobs)


Jobs_ = Annotated[Jobs, Depends(_of)]
