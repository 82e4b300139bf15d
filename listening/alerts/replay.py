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
from listening.alerts.watch import HOUR, Scope, Watch, is_scored
from listening.records import Bucket, Filter, Label, Window
from listening.views.figures import wilson

LONGEST = timedelta(days=400)  # of history
BEFORE = timedelta(days=28)
STRAYS = 20  # items: a brand with fewer is not yet collected
Z_999 = 3.2905  # of the 24 looks at a first day hardly one is beyond it by chance
COMPARED = 30  # texts of other brands that say which share of negative ones is usual
CATCH_UP = timedelta(days=2)  # texts that come so late are judged; an alarm older is no news


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
        self.checkpoint = Checkpoint(repr(setting_of(watch.rule)), start, scopes, run.settled)

    def _kept(self) -> Checkpoint | None:
        """Where to go on from, unless what is asked has changed or the time to come is past."""
        kept = self.before
        if kept is None or kept.setting != repr(setting_of(self.watch.rule)):
            return None
        if kept.state.last is None or kept.state.last >= self.until:
            return None
        first = self._first()
        return None if first is not None and first < kept.start else kept  # it was back-filled

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
    """``state`` is that after the last bucket, ``settled`` one that late texts change no more."""

    watch: Watch
    scopes: tuple[Scope, ...]
    state: State
    steps: deque[_Step] = field(init=False)
    setting: Setting = field(init=False)
    settled: State = field(init=False)
    seen: Array = field(init=False)  # items, of those that have not begun
    usual: Array = field(init=False)  # negative texts and all, by brand

    def __post_init__(self) -> None:
        self.settled = self.state
        self.seen = np.zeros(len(self.scopes))
        self.usual = np.zeros((2, len(self.scopes)))
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
        gaps, late = self.watch.gaps(starts, until), until - CATCH_UP
        self._look_back(starts[0])
        since = [self.watch.missing_from(scope) for scope in self.scopes]
        for some, counts in self.watch.chunks(starts, len(self.scopes), until):
            for start in some:
                end = self.watch.end(start)
                there = np.array([missing is None or end <= missing for missing in since])
                one = self._counts(start, counts.get(start, {}), there & (start not in gaps))
                yield start, self._take(one)
                if end <= late and self.steps:
                    self.settled = self.oldest

    def _look_back(self, start: datetime) -> None:
        """What came of each brand before the first bucket."""
        places = {scope: place for place, scope in enumerate(self.scopes)}
        before = Window(since=start - BEFORE, until=start)
        for bucket in self.watch.totals(before):
            if (place := places.get(bucket.key)) is not None:
                self.seen[place] = bucket.count
                self.usual[:, place] = _texts(bucket)

    def _counts(
        self, start: datetime, found: Mapping[Scope, Bucket], there: Flags
    ) -> detect.Counts:
        negative, total = np.zeros((2, len(self.scopes)))
        here = self.state.age > 0  # a brand that was not yet collected is not a quiet one
        for place, scope in enumerate(self.scopes):
            if bucket := found.get(scope):
                negative[place], total[place] = _texts(bucket)
                self.seen[place] += bucket.count
                here[place] = is_scored(bucket) and self.seen[place] >= STRAYS
        local = start.astimezone(ZoneInfo(self.watch.rule.zone))
        return detect.Counts(local, negative, total, np.zeros_like(negative), here & there)

    def _take(self, counts: detect.Counts) -> Verdict:
        self.steps.append(_Step(self.state, counts))
        self.state, verdict = detect.step(self.state, counts, self.setting)
        alarming = np.nonzero(verdict.fires & (verdict.phase != NO_DATA))[0]
        repeated = {int(place): self._copies(int(place)) for place in alarming}
        if any(each.any() for each in repeated.values()):
            verdict = self._again(repeated)
        verdict = self._compared(verdict, counts)
        if counts.total is not None:
            self.usual += (counts.negative, counts.total)
        return verdict

    def _compared(self, verdict: Verdict, counts: detect.Counts) -> Verdict:
        """Without the alarms of brands that have no past where the others are spoken of alike.

        A collection begins with a surge, which is none of the brand's.
        """
        young = np.nonzero(verdict.fires & (verdict.phase == detect.LEARNING))[0]
        fires, kind = verdict.fires.copy(), verdict.kind.copy()
        for place in young:
            bad, every = self.usual.sum(axis=1) - self.usual[:, place]
            if counts.total is None or every < COMPARED:
                continue
            low, _ = wilson(int(counts.negative[place]), int(counts.total[place]), Z_999)
            # Odds, for a share that is high already cannot be half as high again.
            if low * (every - bad) < self.setting.least_ratio * bad * (1 - low):
                fires[place], kind[place] = False, 0
        return verdict._replace(fires=fires, kind=kind)

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


def _texts(bucket: Bucket) -> tuple[int, int]:
    """The negative ones and all."""
    return bucket.labels.get(Label.NEGATIVE, 0), sum(bucket.labels.values())


def negatives(watch: Watch, scope: Scope, window: Window) -> Filter:
    return replace(watch.narrowed(scope, window), label=(Label.NEGATIVE,))


def _judged(
    watch: Watch, scopes: Sequence[Scope], start: datetime, state: State, verdict: Verdict
) -> Iterator[Judged]:
    end = watch.end(start)
    for place, scope in enumerate(scopes):
        if state.age[place] or verdict.phase[place] != NO_DATA:
            since = watch.back(start, int(verdict.window[place]) - 1)
            yield Judged(scope, _outcome(verdict, place, since, end))


def _outcome(verdict: Verdict, place: int, since: datetime, at: datetime) -> Outcome:
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
        hours=(at - since) / HOUR,
    )
