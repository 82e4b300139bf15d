"""What a bucket should hold: a level, times an hour-of-day ratio, times a day-of-week ratio.

Each is a discounted sum of counts over a discounted sum of what was expected without it, so that
learning a bucket costs the same however long the history. Thirty-two numbers, not a table of 168
hours of the week: a brand with a complaint a day has no data for that.

Arrays are (channel, brand) or (channel, slot, brand); the channels are the negative texts and the
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from listening.alerts.tail import Array, Flags

CHANNELS, HOURS, DAYS = 2, 24, 7
DAY = timedelta(days=1)

LEVEL_HALF_LIFE = timedelta(days=2), timedelta(days=14)
WALK = 0.03  # by what share a level moves in a day
SEASON_HALF_LIFE = timedelta(days=56)
FAST_HALF_LIFE = timedelta(days=1)
LEAST_HALF_LIFE = 14  # buckets: what a brand with daily counts needs
PRIOR = 12.0  # counts by which a ratio is held to its neighbours'
OWN = 0.5  # counts before the first
CLIP = 4.0  # standard deviations above which a count teaches no more


class Place(NamedTuple):
    """Which hour and day of the week a bucket is; None where its width makes that no matter."""

    hour: int | None
    day: int | None

    @classmethod
    def of(cls, start: datetime, width: timedelta) -> Place:
        return cls(
            start.hour if width < DAY else None,
            start.weekday() if width <= DAY else None,
        )


class Forecast(NamedTuple):
    """``mean`` of the bucket; the ratios it is made of; the relative variance of each estimate."""

    mean: Array
    hour: Array
    day: Array
    unsure_level: Array
    unsure_hour: Array
    unsure_day: Array


@dataclass(frozen=True, slots=True)
class Baseline:
    """Sums of counts and of exposures. ``level`` is counts over buckets, ``fast`` its last day."""

    level: Array  # (2, channel, brand): counts, exposure
    fast: Array
    hours: Array  # (2, channel, 24, brand)
    days: Array  # (2, channel, 7, brand)

    @classmethod
    def empty(cls, brands: int) -> Baseline:
        return cls(
            np.zeros((2, CHANNELS, brands)),
            np.zeros((2, CHANNELS, brands)),
            np.zeros((2, CHANNELS, HOURS, brands)),
            np.zeros((2, CHANNELS, DAYS, brands)),
        )

    def rate(self, siblings: Siblings) -> Array:
        """Counts a bucket, season apart; pulled to the siblings' as one count would."""
        level: Array = self.level[0] + siblings.counts
        exposure: Array = self.level[1] + siblings.exposure
        return level / exposure

    def forecast(self, place: Place, siblings: Siblings) -> Forecast:
        hour, unsure_hour = self._hour(place.hour, siblings)
        day, unsure_day = self._ratio(self.days, place.day, siblings.days)
        mean = self.rate(siblings) * hour * day
        unsure = 1 / (self.level[0] + siblings.counts)
        return Forecast(mean, hour, day, unsure, unsure_hour, unsure_day)

    def _hour(self, hour: int | None, siblings: Siblings) -> tuple[Array, Array]:
        if hour is None:
            return self._ratio(self.hours, None, siblings.hours)
        around = [(hour + step) % HOURS for step in (-2, -1, -1, 1, 1, 2)]
        near, expected = self.hours[:, :, around].sum(axis=2)
        held = (near + PRIOR * siblings.hours[:, hour]) / (expected + PRIOR)
        counts, expected = self.hours[:, :, hour]
        return (counts + PRIOR * held) / (expected + PRIOR), 1 / (expected + PRIOR)

    def _ratio(self, sums: Array, slot: int | None, held: Array) -> tuple[Array, Array]:
        if slot is None:
            return np.ones_like(self.level[0]), np.zeros_like(self.level[0])
        counts, expected = sums[:, :, slot]
        return (counts + PRIOR * held[:, slot]) / (expected + PRIOR), 1 / (expected + PRIOR)

    def learn(self, place: Place, pace: Pace, said: Forecast, lesson: Lesson) -> None:
        """Take a bucket in, in place."""
        season, counts = said.hour * said.day, lesson.counts
        level = pace.level(said.mean / season, lesson.dispersion)
        _take(self.level, level, lesson.level, counts, season)
        _take(self.fast, pace.fast, lesson.here, lesson.every, season)
        if place.hour is not None:
            hours, without = self.hours[:, :, place.hour], said.mean / said.hour
            _take(hours, pace.hour, lesson.season, counts, without)
        if place.day is not None:
            days, without = self.days[:, :, place.day], said.mean / said.day
            _take(days, pace.day, lesson.season, counts, without)

    def jump(self, which: Flags, trust: float) -> Array:
        """Make the last day's level the level of brands ``which``; by how much it changed.

        It is then worth ``trust`` buckets, so that the new level settles fast.
        """
        old = self.level[0] / np.maximum(self.level[1], 1e-9)
        new = self.fast[0] / np.maximum(self.fast[1], 1e-9)
        self.level[0] = np.where(which, new * trust, self.level[0])
        self.level[1] = np.where(which, trust, self.level[1])
        return np.where(which, (new + 1e-9) / (old + 1e-9), 1.0)


class Lesson(NamedTuple):
    """``every`` count, and the ``counts`` and ``dispersion`` that teach; which brands' and what.

    ``here`` are all that have the bucket; ``level`` and ``season`` those that learn these.
    """

    every: Array
    counts: Array
    dispersion: Array
    here: Flags
    level: Flags
    season: Flags


class Pace(NamedTuple):
    """By which factor a sum shrinks each time that it is added to."""

    level_most: float
    level_least: float
    width: float
    fast: float
    hour: float
    day: float

    def level(self, rate: Array, dispersion: Array) -> Array:
        """Of a level that is forgotten as fast as it walks away, and no faster than it is learnt.

        The steady state of a Kalman filter whose gain a day is ``WALK`` times the root of the
        information of a day.
        """
        gain = WALK * np.sqrt(rate / dispersion / self.width)
        return np.clip(np.exp(-gain * self.width), self.level_most, self.level_least)

    @classmethod
    def of(cls, width: timedelta) -> Pace:
        def factor(half_life: timedelta, step: timedelta) -> float:
            return float(0.5 ** (1 / max(LEAST_HALF_LIFE, half_life / step)))

        # A slot's sums shrink on its own visits only, of which there are so many in a day or week.
        visits_of_hour = max(1.0, DAY / HOURS / width)
        visits_of_day = max(1.0, DAY / width)
        return cls(
            factor(LEVEL_HALF_LIFE[0], width),
            factor(LEVEL_HALF_LIFE[1], width),
            width / DAY,
            float(0.5 ** (width / max(FAST_HALF_LIFE, width))),
            float(0.5 ** (DAY / SEASON_HALF_LIFE / visits_of_hour)),
            float(0.5 ** (DAYS * DAY / SEASON_HALF_LIFE / visits_of_day)),
        )


def _take(sums: Array, pace: float | Array, here: Flags, counts: Array, exposure: Array) -> None:
    """Discount the sums of the brands whose bucket is ``here`` and add it."""
    sums *= np.where(here, pace, 1.0)
    sums[0] += np.where(here, counts, 0)
    sums[1] += np.where(here, exposure, 0)


@dataclass(frozen=True, slots=True)
class Siblings:
    """What a brand is held to before it has a history of its own, arrays as in ``Baseline``."""

    counts: Array
    exposure: Array
    hours: Array
    days: Array

    @classmethod
    def none(cls, brands: int) -> Siblings:
        return cls(
            np.full((CHANNELS, brands), OWN),
            np.ones((CHANNELS, brands)),
            np.ones((CHANNELS, HOURS, brands)),
            np.ones((CHANNELS, DAYS, brands)),
        )

    @classmethod
    def of(cls, baseline: Baseline, groups: Array, mature: Array) -> Siblings:
        """Each brand's group taken together, of its members that have a history (``mature``)."""
        found = cls.none(groups.size)
        for group in np.unique(groups[groups >= 0]):
            old = (groups == group) & mature
            if not old.any():
                continue
            young = groups == group
            level = baseline.level[:, :, old]
            mean = (level[0] / level[1]).mean(axis=1)
            found.counts[:, young] = 1  # one count's worth: a level known to a factor of e
            found.exposure[:, young] = 1 / np.maximum(mean, 1e-6)[:, None]
            for held, sums in ((found.hours, baseline.hours), (found.days, baseline.days)):
                counts, expected = sums[:, :, :, old].sum(axis=3)
                held[:, :, young] = ((counts + PRIOR) / (expected + PRIOR))[:, :, None]
        return found
