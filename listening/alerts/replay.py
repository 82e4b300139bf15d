"""The detector over a store's counts, from where it stood some buckets ago.

Stored counts are the truth: what came late, was scored again or erased changes them, so the newest
buckets are gone through again each time, from a checkpoint before them.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

import numpy as np

from listening.alerts import detect
from listening.alerts.alert import Finding, Outcome
from listening.alerts.detect import KINDS, NO_DATA, Setting, Verdict
from listening.alerts.rules import Rule
from listening.alerts.state import State
from listening.alerts.stories import MOST, copies, newest
from listening.alerts.tail import Array, Flags
from listening.alerts.watch import Scope, Watch, is_scored
from listening.records import Bucket, Filter, Label, Window

LONGEST = timedelta(days=400)  # of history


class Judged(NamedTuple):
    scope: Scope
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The detector's state after some bucket; ``start`` is that of the first it ever saw."""

    setting: str
    start: datetime
    scopes: tuple[Scope, ...]
    state: State

    def to_json(self) -> str:
        packed = base64.b64encode(self.state.to_bytes()).decode()
        return json.dumps([self.setting, self.start.isoformat(), self.scopes, packed])

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """None for what another version wrote: the history is then gone through again."""
        try:
            setting, start, scopes, packed = json.loads(text)
            state = State.from_bytes(base64.b64decode(packed))
        except (ValueError, KeyError):
            return None
        return cls(setting, datetime.fromisoformat(start), tuple(map(tuple, scopes)), state)


def setting_of(rule: Rule) -> Setting:
    return Setting(
        width=rule.bucket.span,
        false_alarms=rule.false_alarms,
        windows=rule.windows,
        least_count=rule.least_count,
        least_excess=rule.least_excess,
        least_ratio=rule.least_ratio,
        surges=rule.surges,
    )


@dataclass
class Replay:
    """Goes through the buckets up to ``until``; afterwards ``checkpoint`` is what to go on from."""

    watch: Watch
    until: datetime
    before: Checkpoint | None = None
    checkpoint: Checkpoint | None = field(init=False, default=None)

    def judged(self, since: datetime) -> Iterator[Judged]:
        """What is thought of every bucket that ends after ``since``, in order."""
        watch = self.watch
        kept = self._kept()
        start = kept.start if kept else self._first()
        if start is None:
            return
        scopes = watch.scopes(Window(since=start, until=self.until))
        known = kept.scopes if kept else ()
        scopes = (*known, *(scope for scope in scopes if scope not in known))
        state = self._state(kept, scopes, start)
        last = state.last
        starts = watch.starts(watch.end(last) if last else start, self.until)
        run = _Run(watch, scopes, state)
        for begun, verdict in run.through(starts, self.until):
            if watch.end(begun) > since:
                yield from _judged(watch, scopes, begun, run.state, verdict)
        self.checkpoint = Checkpoint(repr(setting_of(watch.rule)), start, scopes, run.oldest)

    def _kept(self) -> Checkpoint | None:
        """Where to go on from, unless what is asked has changed or the time to come is past."""
        kept = self.before
        if kept is None or kept.setting != repr(setting_of(self.watch.rule)):
            return None
        return None if kept.state.last is None or kept.state.last >= self.until else kept

    def _first(self) -> datetime | None:
        first = self.watch.first()
        if first is None or first >= self.until:
            return None
        return max(first, self.watch.floor(self.until - LONGEST))

    def _state(self, kept: Checkpoint | None, scopes: Sequence[Scope], start: datetime) -> State:
        spans = setting_of(self.watch.rule).spans
        new = scopes[len(kept.scopes) :] if kept else scopes
        empty = State.empty(len(new), spans, [0] * len(new))
        if kept is None:
            return empty
        if not new or kept.state.last is None:
            return kept.state
        until = self.watch.end(kept.state.last)
        run = _Run(self.watch, tuple(new), empty)
        for _ in run.through(self.watch.starts(start, until), until):
            pass
        return kept.state.joined(run.state)


class _Step(NamedTuple):
    state: State  # before it
    counts: detect.Counts


@dataclass
class _Run:
    """``state`` is that after the last bucket; ``oldest`` that before those of a whole window."""

    watch: Watch
    scopes: tuple[Scope, ...]
    state: State
    steps: deque[_Step] = field(init=False)
    setting: Setting = field(init=False)

    def __post_init__(self) -> None:
        self.setting = setting_of(self.watch.rule)
        self.steps = deque(maxlen=self.setting.spans[-1])

    @property
    def oldest(self) -> State:
        return self.steps[0].state if self.steps else self.state

    def through(
        self, starts: Sequence[datetime], until: datetime
    ) -> Iterator[tuple[datetime, Verdict]]:
        if not starts or not self.scopes:
            return
        counts = self.watch.counts(starts, len(self.scopes), until)
        gaps = self.watch.gaps(starts, until)
        since = [self.watch.missing_from(scope) for scope in self.scopes]
        for start in starts:
            end = self.watch.end(start)
            there = np.array([missing is None or end <= missing for missing in since])
            one = self._counts(start, counts.get(start, {}), there & (start not in gaps))
            yield start, self._take(one)

    def _counts(
        self, start: datetime, found: Mapping[Scope, Bucket], there: Flags
    ) -> detect.Counts:
        negative, total = np.zeros((2, len(self.scopes)))
        here = self.state.age > 0  # a brand that was not yet collected is not a quiet one
        for place, scope in enumerate(self.scopes):
            if bucket := found.get(scope):
                negative[place] = bucket.labels.get(Label.NEGATIVE, 0)
                total[place] = sum(bucket.labels.values())
                here[place] = is_scored(bucket)
        local = start.astimezone(ZoneInfo(self.watch.rule.zone))
        return detect.Counts(local, negative, total, np.zeros_like(negative), here & there)

    def _take(self, counts: detect.Counts) -> Verdict:
        self.steps.append(_Step(self.state, counts))
        self.state, verdict = detect.step(self.state, counts, self.setting)
        alarming = np.nonzero(verdict.fires & (verdict.phase != NO_DATA))[0]
        repeated = {int(place): self._copies(int(place)) for place in alarming}
        if not any(each.any() for each in repeated.values()):
            return verdict
        return self._again(repeated)

    def _copies(self, place: int) -> Array:
        """How many texts of each step repeat one of the window before them, and so are no news."""
        starts = [step.counts.start for step in self.steps]
        window = Window(since=starts[0], until=self.watch.end(starts[-1]))
        negative = np.array([step.counts.negative[place] for step in self.steps])
        where = negatives(self.watch, self.scopes[place], window)
        hits = newest(self.watch.store, where)
        found = copies(hits)
        if len(hits) == MOST:
            return np.asarray(negative * (len(found) / len(hits)))
        times = [hit.feedback.created_at for hit in found]
        at = np.searchsorted(
            [start.timestamp() for start in starts], [each.timestamp() for each in times], "right"
        )
        each = np.bincount(at, minlength=len(starts) + 1)[1:].astype(float)
        return np.asarray(np.minimum(each, negative))

    def _again(self, repeated: Mapping[int, Array]) -> Verdict:
        """The steps that are still at hand, each story counted once."""
        steps, self.state = list(self.steps), self.oldest
        self.steps.clear()
        for number, step in enumerate(steps):
            again = step.counts.copies
            assert again is not None  # noqa: S101 - made so above
            again = again.copy()
            for place, each in repeated.items():
                again[place] = each[number]
            counts = step.counts._replace(copies=again)
            self.steps.append(_Step(self.state, counts))
            self.state, verdict = detect.step(self.state, counts, self.setting)
        return verdict


def negatives(watch: Watch, scope: Scope, window: Window) -> Filter:
    return replace(watch.narrowed(scope, window), label=(Label.NEGATIVE,))


def _judged(
    watch: Watch, scopes: Sequence[Scope], start: datetime, state: State, verdict: Verdict
) -> Iterator[Judged]:
    end = watch.end(start)
    for place, scope in enumerate(scopes):
        if state.age[place] or verdict.phase[place] != NO_DATA:
            yield Judged(scope, outcome(verdict, place, end, watch.width))


def outcome(verdict: Verdict, place: int, at: datetime, width: timedelta) -> Outcome:
    phase = verdict.phase[place]
    if phase == NO_DATA:
        return Outcome(at=at, finding=Finding.NO_DATA, error="nothing was collected, or not scored")
    fires = bool(verdict.fires[place])
    quiet = Finding.LEARNING if phase == detect.LEARNING else Finding.QUIET
    return Outcome(
        at=at,
        finding=Finding.HIGH if fires else quiet,
        kind=KINDS[verdict.kind[place]].value if fires else "",
        observed=float(verdict.observed[place]),
        expected=float(verdict.expected[place]),
        low=float(verdict.low[place]),
        high=float(verdict.high[place]),
        p=float(verdict.p[place]),
        hours=float(verdict.window[place]) * width / timedelta(hours=1),
    )
