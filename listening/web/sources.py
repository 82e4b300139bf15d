"""The page of sources: how each stream is, what came of it, what was set aside; and its buttons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Form
from fastapi import Query as In
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from listening import status
from listening.app import App
from listening.errors import ConfigError, ListeningError
from listening.pipeline import EVERYTHING, Stream
from listening.protocols import Progress
from listening.records import Filter, Rejected
from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.jobs import Again, Jobs, Jobs_, Work, shape
from listening.web.jobs_pages import started
from listening.web.locale import _
from listening.web.pages import Frame
from listening.web.people import Person, Role, Visitor, needs
from listening.web.reading import Reading
from listening.web.render import page
from listening.web.volume import volumes

MOST_ROWS = 20  # shown of one reason
MOST_GROUPS = 50
TOGETHER = 500  # rows tried again at once
HERE = "/sources"

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/sources", tags=["sources"])
ANALYST, ADMIN = [needs(Role.ANALYST)], [needs(Role.ADMIN)]


class Aside(NamedTuple):
    """Rows of one stream that were set aside for one reason; ``group`` names them."""

    group: str
    stream: str
    reason: str
    rows: Mapping[str, Rejected]

    @property
    def shown(self) -> Sequence[Rejected]:
        return [*self.rows.values()][-MOST_ROWS:][::-1]


class Which(BaseModel):
    """``stream`` of the settings; without one, all."""

    stream: str = ""


class What(BaseModel):
    q: str = Field(default="", description="Query, in the query language; empty finds everything.")


class Reason(BaseModel):
    """``group`` as ``/api/sources`` names it; without one, everything that is set aside."""

    group: str = ""


@router.get(HERE)
def sources(app: Reading, person: Visitor) -> Response:
    found = app.status()
    names = [source.name for source in found.sources]
    groups = aside(app)
    return page(
        "sources.html",
        frame=Frame(HERE, Asked()),
        asked=Asked(),
        status=found,
        volumes=dict(zip(names, volumes(app.store, names, app.settings.zone), strict=True)),
        known={*names},
        aside=groups[:MOST_GROUPS],
        more=len(groups) - MOST_GROUPS,
        zone=app.settings.zone,
        at=datetime.fromisoformat,
        may=person.role.covers(Role.ANALYST),
        is_admin=person.role.covers(Role.ADMIN),
    )


@calls.get("")
def api_sources(app: Reading) -> Response:
    """How each stream is, what came of each source in six weeks, and what was set aside."""
    found = app.status()
    names = [source.name for source in found.sources]
    return Json(
        {
            "streams": [asdict(stream) for stream in found.streams],
            "sources": [
                {
                    "name": one.source,
                    "days": [{**asdict(day), "day": f"{day.day}"} for day in one.days],
                }
                for one in volumes(app.store, names, app.settings.zone)
            ],
            "aside": [
                {"group": a.group, "stream": a.stream, "reason": a.reason, "rows": len(a.rows)}
                for a in aside(app)
            ],
        }
    )


def aside(app: App) -> list[Aside]:
    """By stream and reason, the most rows first."""
    found: dict[tuple[str, str], dict[str, Rejected]] = {}
    for number, row in app.store.quarantine().items():
        found.setdefault((row.stream, row.reason), {})[number] = row
    groups = [Aside(_group(*key), *key, rows) for key, rows in found.items()]
    return sorted(groups, key=lambda one: (-len(one.rows), one.stream, one.reason))


def _group(stream: str, reason: str) -> str:
    whole = f"{stream}\0{reason}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def _rows(app: App, group: str) -> list[str]:
    if not group:
        return [*app.store.quarantine()]
    for one in aside(app):
        if one.group == group:
            return [*one.rows]
    raise ConfigError("nothing is set aside for that reason any more; look at the page again")


# What is started


def ingest(app: App, jobs: Jobs, by: Person, asked: Which) -> str:
    streams = app.settings.streams
    if asked.stream and asked.stream not in streams:
        raise ConfigError(f"there is no stream {asked.stream!r} in the settings")
    if not streams:
        raise ConfigError("the settings have no streams; write some with: listening init")
    names = [asked.stream] if asked.stream else [*streams]
    title = _("Ingest %(stream)s", stream=asked.stream) if asked.stream else _("Ingest all streams")
    again = Again(f"{HERE}/ingest", asked.model_dump())
    return jobs.start("ingest", title, by, _ingesting(app, names), again=again)


def _ingesting(app: App, names: Sequence[str]) -> Work:
    def work(progress: Progress) -> str:
        failures = []
        for name in names:
            try:
                app.ingest(_stream(app, name), window=EVERYTHING, dry_run=False, progress=progress)
            except ListeningError as error:  # one stream's trouble must not stop the others
                failures.append(f"{name}: {error}")
        if failures:
            raise ConfigError("; ".join(failures))
        return f"{HERE}#streams"

    return work


def _stream(app: App, name: str) -> Stream:
    try:
        return app.stream(name)
    except ListeningError as error:
        status.failed(app.store, name, error)
        raise


def score(app: App, jobs: Jobs, by: Person) -> str:
    waiting = sum(bucket.unscored for bucket in app.store.aggregate(Filter(), by=[]))

    def work(progress: Progress) -> str:
        app.score(limit=None, progress=progress)
        return HERE

    again = Again(f"{HERE}/score")
    return jobs.start("score", _("Score what waits"), by, work, total=waiting, again=again)


def rescore(app: App, jobs: Jobs, by: Person, asked: What) -> str:
    """The query is read before the job begins: who mistyped it sees so at once."""
    buckets = app.store.aggregate(app.where(asked.q), by=[])
    texts = sum(bucket.unscored + sum(bucket.labels.values()) for bucket in buckets)

    def work(progress: Progress) -> str:
        app.rescore(asked.q, limit=None, dry_run=False, progress=progress)
        return Asked(q=asked.q).mentions()

    title = _("Score again: %(query)s", query=asked.q.strip() or _("everything"))
    again = Again(f"{HERE}/rescore", asked.model_dump())
    return jobs.start("score", title, by, work, total=texts, again=again)


def retry(app: App, jobs: Jobs, by: Person, asked: Reason) -> str:
    rows = _rows(app, asked.group)
    if not rows:
        raise ConfigError("nothing is set aside")

    def work(progress: Progress) -> str:
        for start in range(0, len(rows), TOGETHER):
            some = rows[start : start + TOGETHER]
            app.retry(some, {})
            progress(len(some))
        return f"{HERE}#aside"

    again = Again(f"{HERE}/retry", asked.model_dump())
    title = _("Try again what was set aside")
    return jobs.start("ingest", title, by, work, total=len(rows), again=again)


def discard(app: App, asked: Reason) -> int:
    """Take rows out of the quarantine for good; returns how many."""
    rows = _rows(app, asked.group)
    app.store.release(rows)
    return len(rows)


@router.post(f"{HERE}/ingest", dependencies=ANALYST)
def post_ingest(
    app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[Which, Form()]
) -> Response:
    return started(ingest(app, jobs, by, asked))


@router.post(f"{HERE}/score", dependencies=ANALYST)
def post_score(app: Reading, jobs: Jobs_, by: Visitor) -> Response:
    return started(score(app, jobs, by))


@router.post(f"{HERE}/rescore", dependencies=ANALYST)
def post_rescore(
    app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[What, Form()]
) -> Response:
    return started(rescore(app, jobs, by, asked))


@router.post(f"{HERE}/retry", dependencies=ANALYST)
def post_retry(
    app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[Reason, Form()]
) -> Response:
    return started(retry(app, jobs, by, asked))


@router.post(f"{HERE}/discard", dependencies=ADMIN)
def post_discard(app: Reading, asked: Annotated[Reason, Form()]) -> Response:
    discard(app, asked)
    return RedirectResponse(f"{HERE}#aside", 303)


def _begun(jobs: Jobs, id_: str) -> Response:
    return Json(shape(jobs.get(id_)), 202)


@calls.post("/ingest", status_code=202, dependencies=ANALYST)
def api_ingest(app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[Which, In()]) -> Response:
    """Start to pull a stream, or all; answers with the job."""
    return _begun(jobs, ingest(app, jobs, by, asked))


@calls.post("/score", status_code=202, dependencies=ANALYST)
def api_score(app: Reading, jobs: Jobs_, by: Visitor) -> Response:
    """Start to score what the model has not scored yet; answers with the job."""
    return _begun(jobs, score(app, jobs, by))


@calls.post("/rescore", status_code=202, dependencies=ANALYST)
def api_rescore(app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[What, In()]) -> Response:
    """Start to score again all that a query finds; answers with the job."""
    return _begun(jobs, rescore(app, jobs, by, asked))


@calls.post("/retry", status_code=202, dependencies=ANALYST)
def api_retry(app: Reading, jobs: Jobs_, by: Visitor, asked: Annotated[Reason, In()]) -> Response:
    """Start to read again what was set aside; answers with the job."""
    return _begun(jobs, retry(app, jobs, by, asked))


@calls.post("/discard", dependencies=ADMIN)
def api_discard(app: Reading, asked: Annotated[Reason, In()]) -> Response:
    """Take what was set aside away for good."""
    return Json({"discarded": discard(app, asked)})
