"""The days on which more was complained than usual: a description for a report, not an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import exp, lgamma, log
from statistics import variance

from listening.records import Bucket, Label
from listening.views.figures import wilson

CERTAINTY = 0.01
LEAST_DAYS = 7
LEAST_NEGATIVE = 5
LEAST_EXCESS = 5.0
LEAST_RATIO = 2.0
LEAST_USUAL = 0.5  # texts a day; without it the first complaints about a quiet brand are a crisis


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
    negative shares of the texts in percent, during the spike and on the brand's other days, None
    when nothing was said on them.
    """

    start: date
    end: date
    negative: int
    texts: int
    expected: float
    share: float
    share_usual: float | None

    @property
    def excess(self) -> float:
        return self.negative - self.expected


def spikes(days: Sequence[Day]) -> list[Spike]:
    """The unusual days of one brand, every day of the period given in order, most excess first.

    A day is unusual when its negative texts are at least five, twice and five more than usual,
    and so many would come by chance (negative binomial, mean and variance of the days further
    away than a week) on less than one day in a hundred; a spike has a day less likely than one
    period in a hundred. Its negative share must be above that of the other days too: mere
    interest is no crisis. Below a week of days there is no usual.
    """
    if len(days) < LEAST_DAYS:
        return []
    sums = [0, *accumulate(day.negative for day in days)]
    odds = [_odds(days, sums, place) for place in range(len(days))]
    unusual = [place for place, chance in enumerate(odds) if chance < CERTAINTY]
    runs = [
        [days[place] for place in run]
        for run in _runs(unusual)
        if min(odds[place] for place in run) < CERTAINTY / len(days)
    ]
    inside = {day.day for run in runs for day in run}
    others = [day for day in days if day.day not in inside]
    found = [_spike(run, others) for run in runs if _worse(run, others)]
    return sorted(found, key=lambda spike: -spike.excess)


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


def _odds(days: Sequence[Day], sums: Sequence[int], place: int) -> float:
    """How likely so many negative texts are on the day at ``place``; 1 when they are not many.

    ``sums`` are those of the days before each: most days are told by them alone.
    """
    count = days[place].negative
    # A spike of several days must not be measured against itself.
    apart = min(7, len(days) // 6)
    first, end = max(0, place - apart), min(len(days), place + apart + 1)
    mean = (sums[-1] - sums[end] + sums[first]) / (len(days) - end + first)
    usual = max(LEAST_USUAL, mean)
    if count < max(LEAST_NEGATIVE, usual + LEAST_EXCESS, usual * LEAST_RATIO):
        return 1.0
    others = [day.negative for day in (*days[:first], *days[end:])]
    dispersion = max(1.0, variance(others, mean) / usual) * (1 + 1 / len(others))
    return tail(count, usual, dispersion)


def _runs(places: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        if runs and place - runs[-1][-1] == 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _sums(days: Sequence[Day]) -> tuple[int, int]:
    return sum(day.negative for day in days), sum(day.texts for day in days)


def _worse(run: Sequence[Day], others: Sequence[Day]) -> bool:
    negative, texts = _sums(others)
    return wilson(*_sums(run))[0] > (negative / texts if texts else 0)


def _spike(run: Sequence[Day], others: Sequence[Day]) -> Spike:
    negative, texts = _sums(run)
    usual_negative, usual_texts = _sums(others)
    return Spike(
        start=run[0].day,
        end=run[-1].day,
        negative=negative,
        texts=texts,
        expected=usual_negative / len(others) * len(run),
        share=100 * negative / texts,
        share_usual=100 * usual_negative / usual_texts if usual_texts else None,
    )
