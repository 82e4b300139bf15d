"""Synthetic brands with known truth: what the alert benchmarks are run on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from listening.alerts.detect import Counts
from listening.alerts.tail import negative_binomial

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
SIZES = (0.2, 1.0, 5.0, 25.0)  # negative texts an hour
DISPERSIONS = (1.0, 3.0)  # variance over mean, of the hours
FACTORS = (2, 3, 5, 10)
LENGTHS = (1, 6, 24)  # hours
WEEKS, WARM = 26, 4
SHARE = 0.25  # of the texts that are negative
WEEKEND, SATURDAY = 0.6, 5
DRIFT = 0.03  # standard deviation of a day's step of the logarithm of the level
LEAST = 3  # counts: the guard of the peers
APART = 14 * 24  # hours from one injected event to the next


class Event(NamedTuple):
    brand: int
    start: int
    end: int
    factor: int


@dataclass(frozen=True)
class Streams:
    """Arrays are (hour, brand); the counts are of texts, ``copies`` of negative ones further."""

    size: Array
    dispersion: Array
    negative: Array
    others: Array
    copies: Array
    complete: Flags
    events: tuple[Event, ...]
    mean: Array  # what was to be expected, events apart
    places: npt.NDArray[np.int64]  # of the brands among those they were chosen from

    def buckets(self) -> Iterator[Counts]:
        for hour in range(len(self.negative)):
            raw = self.negative[hour] + self.copies[hour]
            yield Counts(
                START + timedelta(hours=hour),
                raw,
                raw + self.others[hour],
                self.copies[hour],
                self.complete[hour],
            )

    def cells(self) -> Iterator[tuple[float, float, npt.NDArray[np.int64]]]:
        for size in SIZES:
            for dispersion in DISPERSIONS:
                yield (
                    size,
                    dispersion,
                    np.nonzero((self.size == size) & (self.dispersion == dispersion))[0],
                )

    def some(self, each: int) -> Streams:
        """The first ``each`` brands of every cell."""
        chosen = np.concatenate([brands[:each] for _, _, brands in self.cells()])
        at = {int(brand): place for place, brand in enumerate(chosen)}
        events = [
            event._replace(brand=at[event.brand]) for event in self.events if event.brand in at
        ]
        return Streams(
            self.size[chosen],
            self.dispersion[chosen],
            self.negative[:, chosen],
            self.others[:, chosen],
            self.copies[:, chosen],
            self.complete[:, chosen],
            tuple(events),
            self.mean[:, chosen],
            chosen,
        )


def ceiling(streams: Streams) -> Array:
    """The score of one who knows mean and dispersion: more than any detector of counts can."""
    sums = [
        np.cumsum(np.vstack([np.zeros((1, streams.size.size)), each]), axis=0)
        for each in (streams.negative, streams.mean)
    ]
    wide = np.broadcast_to(np.maximum(streams.dispersion, 1.001), streams.mean.shape)
    best = np.zeros_like(streams.mean)
    for span in (1, 3, 8, 24):
        seen, mean = (each[span:] - each[:-span] for each in sums)
        at = np.nonzero((seen > mean + 1e-6) & (seen >= LEAST))
        chance = -negative_binomial(seen[at], np.maximum(mean[at], 1e-9), wide[span - 1 :][at])
        here = best[span - 1 :]
        here[at] = np.maximum(here[at], chance)
    return best


def make(each: int, seed: int, *, events: bool, surges: bool = False) -> Streams:
    """``each`` brands of every size and dispersion; ``surges`` multiply all texts, not a share."""
    rng = np.random.default_rng(seed)
    size = np.repeat(SIZES, len(DISPERSIONS) * each)
    dispersion = np.tile(np.repeat(DISPERSIONS, each), len(SIZES))
    mean = size * _shape(rng, size.size)
    injected = _events(rng, size.size) if events else ()
    times = np.ones_like(mean)
    for event in injected:
        times[event.start : event.end, event.brand] = event.factor
    complete = _complete(rng, mean.shape)
    others = mean * (1 / SHARE - 1) * (times if surges else 1)
    return Streams(
        size,
        dispersion,
        _draw(rng, mean * times, dispersion) * complete,
        _draw(rng, others, dispersion) * complete,
        _copies(rng, mean.shape) * complete,
        complete,
        injected,
        mean * complete,
        np.arange(size.size),
    )


def _shape(rng: np.random.Generator, brands: int) -> Array:
    """Day, weekend and a slow walk, with a mean near 1; each brand wakes at its own hour."""
    hours = np.arange(WEEKS * 7 * 24)
    awake = 1 - 0.8 * np.cos(2 * np.pi * (hours[:, None] - rng.uniform(0, 24, brands)) / 24)
    weekend = np.where(hours // 24 % 7 >= SATURDAY, WEEKEND, 1.0) / (1 - 2 / 7 * (1 - WEEKEND))
    steps = rng.normal(0, DRIFT / np.sqrt(24), (hours.size, brands))
    walk = np.cumsum(steps, axis=0)
    return np.asarray(awake * weekend[:, None] * np.exp(walk - walk.mean(axis=0)))


def _draw(rng: np.random.Generator, mean: Array, dispersion: Array) -> Array:
    """Negative binomial with variance ``dispersion`` times the mean; Poisson at 1."""
    wider = np.maximum(dispersion - 1, 1e-9)
    rate = np.where(dispersion > 1, rng.gamma(np.maximum(mean / wider, 1e-9)) * wider, mean)
    return rng.poisson(rate).astype(float)


def _complete(rng: np.random.Generator, shape: tuple[int, ...]) -> Flags:
    """An outage of collection of 1 to 12 hours every two weeks."""
    complete = np.ones(shape, bool)
    for hour, brand in np.argwhere(rng.random(shape) < 1 / (14 * 24)):
        complete[hour : hour + rng.integers(1, 13), brand] = False
    return complete


def _copies(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A negative text is shared 10 to 100 times within three hours, every four weeks."""
    copies = np.zeros(shape)
    for hour, brand in np.argwhere(rng.random(shape) < 1 / (28 * 24)):
        often = rng.integers(10, 101)
        copies[hour : hour + 3, brand] += rng.multinomial(often, (0.5, 0.3, 0.2))[: shape[0] - hour]
    return copies


def _events(rng: np.random.Generator, brands: int) -> tuple[Event, ...]:
    starts = range(WARM * 7 * 24, WEEKS * 7 * 24 - APART, APART)
    return tuple(
        Event(brand, at, at + int(rng.choice(LENGTHS)), int(rng.choice(FACTORS)))
        for brand in range(brands)
        for at in (start + int(rng.integers(48, APART - 48)) for start in starts)
    )
