"""Whether what is said about a brand in a bucket of time is worse than chance explains.

A pure state machine over stored counts, all brands of a rule at once: ``step`` takes one bucket of
time, ``replay`` many. The same counts give the same verdicts, whether they come one at a time or
again from a checkpoint after a late revision. START HERE, then
``season`` (what to expect), ``windows`` (how far it varies), ``excess``, ``promise``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from listening.alerts.excess import Excess, Guards, excess
from listening.alerts.season import CLIP, DAY, Forecast, Lesson, Pace, Place, Siblings
from listening.alerts.state import State
from listening.alerts.tail import Array, Flags
from listening.alerts.windows import NEGATIVE, SHARE

Places = npt.NDArray[np.int64]
MONTH = timedelta(days=30)
LASTING = timedelta(days=3)  # far off for so long, and for 14 buckets, is the new normal
LEAST_LASTING = 14
OUTBREAK = 0.3  # in 30 days: what chance causes so rarely is not learnt from
OVERLAP = 2.0  # looks that a window gives when it moves on by less than its length: measured
CAUTION = 3.0  # by so much fewer false alarms are allowed before there is a history: measured
Z_80 = 1.2815515655446004


class Kind(StrEnum):
    """What an excess of negative texts is; with ``NONE`` there is none."""

    NONE = "none"
    VOLUME_SURGE = "volume surge"
    SENTIMENT_SHIFT = "sentiment shift"
    NEGATIVE_SPIKE = "negative spike"


KINDS = tuple(Kind)
_, SURGE, SHIFT, SPIKE = range(4)


class Phase(StrEnum):
    """How far a verdict rests on the brand's own past; no data is never all quiet."""

    LEARNING = "learning"
    PRIOR = "prior"
    FULL = "full"
    NO_DATA = "no data"


PHASES = tuple(Phase)
LEARNING, PRIOR, FULL, NO_DATA = range(4)
# Until when a phase lasts: a span of data, and at least so many buckets.
PHASE_ENDS = ((timedelta(days=1), 7), (timedelta(days=14), 28))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is asked for.

    ``false_alarms`` is how many alarms in 30 days chance may cause on one brand; alarms less than
    a day apart (a week, with daily buckets) are one. ``windows`` are in buckets; by default those
    of 1, 3, 8 and 24 hours, or of 1, 3 and 7 days. An alarm needs
    ``least_count`` texts, ``least_excess`` more than expected, and ``least_ratio`` times as many
    or a higher negative share. ``surges`` alarms on mere volume too. While it learns, only
    ``sudden`` texts in a bucket, ``sudden_share`` of all, alarm; none does in buckets of a day or
    longer, for those first ones are the start of collection.
    """

    width: timedelta = timedelta(hours=1)
    false_alarms: float = 1.0
    windows: tuple[int, ...] = ()
    least_count: int = 5
    least_excess: float = 3.0
    least_ratio: float = 1.5
    surges: bool = False
    sudden: int = 20
    sudden_share: float = 0.4

    @property
    def spans(self) -> tuple[int, ...]:
        if self.windows:
            return tuple(sorted(self.windows))
        if self.width >= DAY:
            return (1, 3, 7)
        hours = timedelta(hours=1) / self.width
        return tuple(sorted({max(1, round(span * hours)) for span in (1, 3, 8, 24)}))

    @property
    def block(self) -> int:
        """Buckets within which alarms are one."""
        return round(DAY / self.width) if self.width < DAY else 7

    @property
    def looks(self) -> float:
        """How often a block is looked at anew: windows that overlap see much the same."""
        shortest = self.spans[0]
        return self.block / shortest * (1 if shortest == 1 else OVERLAP)

    @property
    def per_month(self) -> float:
        return MONTH / self.width


class Counts(NamedTuple):
    """One bucket of time of every brand, arrays of one number a brand.

    ``start`` is zone-aware, in the zone whose hours and weekdays the brands live by. ``total`` is
    the texts of any sentiment, None where only the negative ones are known. ``copies`` are those
    of the negative texts that repeat another; they are not counted. Where ``complete`` is False
    the collection failed, and the counts are not read.
    """

    start: datetime
    negative: Array
    total: Array | None = None
    copies: Array | None = None
    complete: Flags | None = None


class Verdict(NamedTuple):
    """One bucket's, arrays of one value a brand.

    ``false_alarms`` is how many alarms so strong chance would cause in 30 days, and ``p`` the same
    a bucket; ``score`` is its -log10 before calibration. ``observed`` and ``expected`` with its
    80 % interval are those of the last ``window`` buckets. ``kind`` and ``phase`` are places in
    ``KINDS`` and ``PHASES``. Where there is no data ``fires`` and ``kind`` stay what they were and
    the numbers are NaN. ``accepted`` says that a lasting change became the new normal.
    """

    start: datetime
    score: Array
    p: Array
    false_alarms: Array
    observed: Array
    expected: Array
    low: Array
    high: Array
    window: Places
    kind: Places
    phase: Places
    fires: Flags
    accepted: Flags


def step(state: State, counts: Counts, setting: Setting) -> tuple[State, Verdict]:
    """The state after one more bucket, and what to think of it.

    Buckets between the last and this one that were skipped had no data. A ValueError says that
    this one is no later than the last: go back to a state from before it and replay.
    """
    return _advance(state.copy(), counts, setting)


def replay(
    state: State, buckets: Iterable[Counts], setting: Setting
) -> Iterator[tuple[State, Verdict]]:
    """``step`` over many, faster; a state it gave is only good until the next, or ``copy`` it."""
    state = state.copy()
    for counts in buckets:
        state, verdict = _advance(state, counts, setting)
        yield state, verdict


def _advance(state: State, counts: Counts, setting: Setting) -> tuple[State, Verdict]:
    """``state``'s arrays are changed in place."""
    for start in _skipped(state, counts.start, setting):
        empty = np.zeros(state.age.size)
        gap = Counts(start, empty, complete=empty > 0)
        state, _ = _take(state, gap, setting)
    return _take(state, counts, setting)


def _skipped(state: State, start: datetime, setting: Setting) -> Iterator[datetime]:
    if state.last is None:
        return
    ahead = round((start.astimezone(UTC) - state.last.astimezone(UTC)) / setting.width)
    if ahead < 1:
        raise ValueError(
            f"the bucket {start} is not after {state.last}, the last that was evaluated;"
            " replay from a state from before it"
        )
    # After a whole window without data nothing is left in it: further empty buckets say no more.
    for back in range(min(ahead - 1, max(setting.spans[-1], setting.block)), 0, -1):
        yield start - back * setting.width


def _take(state: State, counts: Counts, setting: Setting) -> tuple[State, Verdict]:
    look = _look(state, counts, setting)
    verdict = _judge(state, look, setting)
    _learn(state, look, verdict, setting)
    return _moved_on(state, look, verdict, setting)


class _Look(NamedTuple):
    """A bucket beside what was expected of it."""

    start: datetime
    place: Place
    here: Flags
    phase: Places
    seen: Array
    said: Forecast
    unsure: Array
    dispersion: Array
    excess: Excess

    @property
    def known(self) -> Flags:
        """Where there is a history to judge by."""
        known: Flags = (self.phase == PRIOR) | (self.phase == FULL)  # np.isin is slower by far
        return known

    def paging(self, setting: Setting) -> Array:
        """The scores of what is worth an alarm, by window and brand."""
        return np.where(self.excess.worse | setting.surges, self.excess.score, 0)


def _look(state: State, counts: Counts, setting: Setting) -> _Look:
    here = np.ones(state.age.size, bool)
    if counts.complete is not None:
        here = np.asarray(counts.complete, dtype=bool)
    windows, spans = state.windows, setting.spans
    place = Place.of(counts.start, setting.width)
    seen, said = _channels(counts, here), state.baseline.forecast(place, state.held)
    windows.roll(state.tick, spans, seen, np.where(here, said.mean, 0))
    unsure, dispersion = windows.unsure(spans, said), windows.dispersion(spans)
    dispersion[:, :SHARE] *= 1 + windows.sums[:, 1] * unsure
    guards = Guards(setting.least_count, setting.least_excess, setting.least_ratio)
    found = excess(windows.sums, dispersion, guards, shared=counts.total is not None)
    phase = np.where(here, _phase(state.age, setting), NO_DATA)
    return _Look(counts.start, place, here, phase, seen, said, unsure, dispersion, found)


def _channels(counts: Counts, here: Flags) -> Array:
    """Negative and other texts, (channel, brand), each story once."""
    negative = np.asarray(counts.negative, dtype=float)
    others = np.zeros_like(negative) if counts.total is None else counts.total - negative
    once = negative if counts.copies is None else negative - counts.copies
    return np.where(here, np.stack([once, others]), 0)


def _phase(age: Array, setting: Setting) -> Places:
    ends = [max(least, span / setting.width) for span, least in PHASE_ENDS]
    return np.searchsorted(ends, age, side="right")


def _judge(state: State, look: _Look, setting: Setting) -> Verdict:
    every, paging = look.excess.score, look.paging(setting)
    cautious = np.where(look.phase == PRIOR, CAUTION, 1.0)
    rates = [_monthly(state, score.max(axis=0), setting) for score in (paging, every)]
    paged, surged = (look.known & (rate * cautious <= setting.false_alarms) for rate in rates)
    sudden = (look.phase == LEARNING) & _sudden(state.windows.sums[0, 0], setting)
    window = np.where(paged, paging, every).argmax(axis=0)
    at = window, np.arange(window.size)
    kind = np.where(look.excess.worse[at], np.where(look.excess.talk[at], SPIKE, SHIFT), SURGE)
    kind = np.where(sudden, SPIKE, np.where(paged | surged, kind, 0))

    gone = look.phase == NO_DATA
    mean = state.windows.sums[:, 1, NEGATIVE][at]
    low, high = _interval(mean, look.dispersion[:, NEGATIVE][at])
    alarms = np.where(paged, *rates)

    def judged(numbers: Array) -> Array:
        return np.where(look.known, numbers, np.nan)

    return Verdict(
        start=look.start,
        score=judged(every[at]),
        p=judged(np.minimum(alarms / setting.per_month, 1)),
        false_alarms=judged(alarms),
        observed=np.where(gone, np.nan, state.windows.sums[:, 0, NEGATIVE][at]),
        expected=judged(mean),
        low=judged(low),
        high=judged(high),
        window=np.asarray(setting.spans)[window],
        kind=np.where(gone, state.kind, kind).astype(np.int64),
        phase=look.phase,
        fires=np.where(gone, state.firing > 0, paged | sudden),
        accepted=np.zeros(window.size, bool),
    )


def _monthly(state: State, score: Array, setting: Setting) -> Array:
    return state.promise.alarms(score, setting.looks) * setting.per_month / setting.block


def _sudden(seen: Array, setting: Setting) -> Flags:
    negative, every = seen[NEGATIVE], seen.sum(axis=0)
    many: Flags = negative >= np.maximum(setting.sudden, setting.sudden_share * every)
    return many & (setting.width < DAY)


def _interval(mean: Array, dispersion: Array) -> tuple[Array, Array]:
    """The middle 80 %: the gamma of the same mean and variance, by Wilson and Hilferty (1931)."""
    small = dispersion / np.maximum(mean, 1e-9) / 9
    low, high = (mean * np.maximum(1 - small + z * np.sqrt(small), 0) ** 3 for z in (-Z_80, Z_80))
    return low, high


def _learn(state: State, look: _Look, verdict: Verdict, setting: Setting) -> None:
    """Take the bucket in, save where it is an outbreak: that is not what is usual."""
    usual = look.here & ~(verdict.false_alarms < OUTBREAK)
    taught = usual & look.known
    wide = look.dispersion[0, :SHARE]
    most = look.said.mean + CLIP * (np.sqrt(look.said.mean * wide) + wide)
    counts = np.where(look.known, np.minimum(look.seen, most), look.seen)
    lesson = Lesson(look.seen, counts, wide, look.here, usual, taught)
    state.baseline.learn(look.place, Pace.of(setting.width), look.said, lesson)
    state.windows.learn(setting.spans, setting.width, look.unsure, taught)


def _moved_on(
    state: State, look: _Look, verdict: Verdict, setting: Setting
) -> tuple[State, Verdict]:
    """The promise, the new normal and the siblings brought up to date."""
    alarms = setting.false_alarms / setting.per_month * setting.block
    state.promise.note(look.paging(setting).max(axis=0), verdict.kind > 0, look.known)
    accepted = _accepted(state, look, alarms, setting)
    state.age[:] += look.here
    state.firing[:], state.kind[:] = verdict.fires, verdict.kind
    held = state.held
    if (state.tick + 1) % setting.block == 0:
        state.promise.close(alarms, setting.looks, setting.block)
        mature = _phase(state.age, setting) == FULL
        held = Siblings.of(state.baseline, state.siblings, mature)
    moved = replace(state, tick=state.tick + 1, last=look.start, held=held)
    return moved, verdict._replace(accepted=accepted)


def _accepted(state: State, look: _Look, alarms: float, setting: Setting) -> Flags:
    """Where what was far off for so long is the new normal; made so, in place."""
    seen, mean = state.windows.sums[-1, :, NEGATIVE]
    wide = np.sqrt(mean * look.dispersion[-1, NEGATIVE])
    # A brand that falls silent altogether may have lost its collection: that is no new normal.
    low = (seen < mean / 2) & (mean - seen > CLIP * wide) & (seen > 0)
    high = look.excess.score[-1] >= state.promise.score_for(alarms, setting.looks)
    for runs, far in ((state.high_for, high), (state.low_for, low)):
        runs[:] = np.where(look.here, np.where(far & look.known, runs + 1, 0), runs)
    lasting = max(LEAST_LASTING, LASTING / setting.width)
    accepted: Flags = np.maximum(state.high_for, state.low_for) > lasting
    if accepted.any():
        state.windows.restart(accepted, state.baseline.jump(accepted, lasting), lasting)
        state.high_for[accepted] = state.low_for[accepted] = 0
    return accepted


def discoveries(p: Array, rate: float = 0.1) -> Flags:
    """Which of several brands' ``p`` of one bucket are more than the chance of so many tests.

    At most ``rate`` of those found are expected to be chance (Benjamini & Hochberg 1995). For one
    person who is alarmed for all of them; the other way is ``false_alarms`` over their number.
    """
    known = np.nonzero(np.isfinite(p))[0]
    order = known[np.argsort(p[known])]
    passed = np.nonzero(p[order] <= rate * np.arange(1, order.size + 1) / max(order.size, 1))[0]
    found = np.zeros(p.shape, bool)
    found[order[: passed[-1] + 1 if passed.size else 0]] = True
    return found
