"""The days on which more was complained than usual: a description for a report, not an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, lgamma, log
from statistics import median

from listening.records import Bucket, Label
from listening.views.figures import wilson

CERTAINTY = 0.01  # chance of any false spike in a quiet report
LEAST_DAYS = 7
LEAST_NEGATIVE = 5
LEAST_EXCESS = 5.0
LEAST_RATIO = 2.0


@dataclass(frozen=True, slots=True)
class Day:
    """``texts`` are those scored negative, neutral or positive."""

    day: date
    negative: int
    texts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """Days in a row, ``start`` to ``end`` inclusive, with far more negative texts than usual.

    ``expected`` is the usual number for as many days. ``share`` and ``share_usual`` are the
    negative shares of the texts in percent, during the spike and on the brand's other days.
    """

    start: date
    end: date
    negative: int
    texts: int
    expected: float
    share: float
    share_usual: float

    @property
    def excess(self) -> float:
        return self.negative - self.expected


def spikes(days: Sequence[Day]) -> list[Spike]:
    """The unusual days of one brand, every day of the period given in order, most excess first.

    The usual number is the median day. A day is unusual when its count is beyond the tail of a
    negative binomial with that mean and the days' own robust spread (divided by the number of
    days looked at), at least twice and five more than usual, and when its negative share is
    above the usual one, so that mere interest is no crisis. Below a week there is no usual.
    """
    if len(days) < LEAST_DAYS:
        return []
    usual, spread = _usual(days)
    unusual = [day for day in days if _many(day.negative, usual, spread, len(days))]
    others = [day for day in days if day not in unusual]
    negative, texts = _sums(others)
    share = negative / texts if texts else 0.0
    unusual = [day for day in unusual if wilson(day.negative, day.texts)[0] > share]
    merged = [_spike(run, usual, share) for run in _runs(unusual)]
    return sorted(merged, key=lambda spike: -spike.excess)


def days_of(buckets: Sequence[Bucket], since: date, until: date) -> list[Day]:
    """Buckets by day made a gapless series; ``until`` is exclusive."""
    counts = {bucket.key[-1]: bucket.labels for bucket in buckets}
    known = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
    found = []
    for ahead in range((until - since).days):
        day = since + timedelta(days=ahead)
        labels = counts.get(day.isoformat(), {})
        texts = sum(labels.get(label, 0) for label in known)
        found.append(Day(day, labels.get(Label.NEGATIVE, 0), texts))
    return found


def tail(count: int, expected: float, dispersion: float) -> float:
    """P(X >= count), X negative binomial with variance ``dispersion`` times its mean.

    At a dispersion of 1 it is Poisson.
    """
    # Below 1.001 the negative binomial's own parameters overflow, and it is Poisson anyway.
    size = expected / max(dispersion - 1, 0.001)
    fail, success = log(size / (size + expected)), log(expected / (size + expected))

    def chance(k: int) -> float:
        ways = lgamma(k + size) - lgamma(size) - lgamma(k + 1)
        return exp(ways + size * fail + k * success)

    if count <= expected:
        return max(0.0, 1 - sum(chance(k) for k in range(count)))
    found, k = 0.0, count
    while (more := chance(k)) > found * 1e-12:
        found += more
        k += 1
    return found


def _usual(days: Sequence[Day]) -> tuple[float, float]:
    """The median day, at least half a text, and the robust variance over it, at least 1."""
    counts = [day.negative for day in days]
    middle = max(0.5, median(counts))
    deviation = 1.4826 * median(abs(count - middle) for count in counts)
    return middle, max(1.0, deviation**2 / middle)


def _many(count: int, usual: float, spread: float, days: int) -> bool:
    enough = count >= max(LEAST_NEGATIVE, usual + LEAST_EXCESS, usual * LEAST_RATIO)
    return enough and tail(count, usual, spread) < CERTAINTY / days


def _runs(days: Sequence[Day]) -> list[list[Day]]:
    runs: list[list[Day]] = []
    for day in days:
        if runs and day.day - runs[-1][-1].day == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _sums(days: Sequence[Day]) -> tuple[int, int]:
    return sum(day.negative for day in days), sum(day.texts for day in days)


def _spike(run: Sequence[Day], usual: float, share: float) -> Spike:
    negative, texts = _sums(run)
    return Spike(
        start=run[0].day,
        end=run[-1].day,
        negative=negative,
        texts=texts,
        expected=usual * len(run),
        share=100 * negative / texts,
        share_usual=100 * share,
    )
