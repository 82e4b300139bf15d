"""Counts and expectations of the last so many buckets, and how much wider than Poisson they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from listening.alerts.season import CHANNELS, LEAST_HALF_LIFE, SEASON_HALF_LIFE, Forecast
from listening.alerts.tail import Array, Flags

NEGATIVE, OTHERS, SHARE = range(3)
USUAL_DISPERSION = 1.5  # before there is any history
LEAST_DISPERSION = 1.02  # at 1 the negative binomial is Poisson and its own numbers overflow
TRUST, TRUST_SPAN = 12.0, 4.0  # buckets of it, and more the more a window's repeat each other
WINSOR = 5.0  # standard deviations above which a deviation teaches no more


@dataclass(frozen=True, slots=True)
class Windows:
    """``ring`` and ``sums`` hold counts and means; ``spread`` squared deviations and buckets."""

    ring: Array  # (longest window, 2, channel, brand)
    sums: Array  # (window, 2, channel, brand)
    spread: Array  # (2, window, channel and share, brand)

    @classmethod
    def empty(cls, spans: Sequence[int], brands: int) -> Windows:
        return cls(
            np.zeros((spans[-1], 2, CHANNELS, brands)),
            np.zeros((len(spans), 2, CHANNELS, brands)),
            np.zeros((2, len(spans), CHANNELS + 1, brands)),
        )

    def roll(self, tick: int, spans: Sequence[int], counts: Array, means: Array) -> None:
        """Bucket number ``tick`` comes in and older ones leave, in place; what is missing is 0."""
        longest = spans[-1]
        for place, span in enumerate(spans):
            if tick >= span:
                self.sums[place] -= self.ring[(tick - span) % longest]
        self.ring[tick % longest, 0], self.ring[tick % longest, 1] = counts, means
        self.sums[:] += self.ring[tick % longest]
        np.maximum(self.sums, 0, out=self.sums)  # what rounding leaves

    def restart(self, which: Flags, factor: Array, trust: float) -> None:
        """A new normal, in place: means ``factor`` times as high, dispersions to be learnt anew.

        What is known of these counts for ``trust`` buckets from now on.
        """
        self.ring[:, 1] *= factor
        self.sums[:, 1] *= factor
        held = np.minimum(1, trust / np.maximum(self.spread[1], 1e-9))
        self.spread[:] *= np.where(which, held, 1)

    def unsure(self, spans: Sequence[int], said: Forecast) -> Array:
        """The relative variance of each window's mean, at dispersion 1; (window, channel, brand).

        The hours of a window err independently of each other.
        """
        hours = np.minimum(spans, 24)[:, None, None]
        return said.unsure_level + said.unsure_hour / hours + said.unsure_day

    def dispersion(self, spans: Sequence[int]) -> Array:
        """Variance over mean; (window, channel and share, brand)."""
        found = np.empty_like(self.spread[0])
        held: Array | float = USUAL_DISPERSION
        for place, span in enumerate(spans):
            # Hours that are independent give every window the dispersion of the shortest.
            trust = TRUST + TRUST_SPAN * span
            seen, expected = self.spread[:, place]
            held = found[place] = (seen + trust * held) / (expected + trust)
        least: Array = np.maximum(found, LEAST_DISPERSION)
        return least

    def learn(self, spans: Sequence[int], width: timedelta, unsure: Array, here: Flags) -> None:
        """Take the windows' squared deviations in, in place, for the brands that are ``here``."""
        seen, mean = self.sums[:, 0], np.maximum(self.sums[:, 1], 1e-9)
        total = mean.sum(axis=1)
        share = mean[:, NEGATIVE] / total
        trials = seen.sum(axis=1)
        square = np.empty((len(spans), CHANNELS + 1, here.size))
        square[:, :SHARE] = (seen - mean) ** 2 / (mean * (1 + mean * unsure))
        square[:, SHARE] = (seen[:, NEGATIVE] - share * trials) ** 2 / (
            np.maximum(trials, 1) * share * (1 - share) + 1e-9
        )
        weight = np.empty_like(square)
        weight[:, :SHARE] = mean / (mean + 1)
        weight[:, SHARE] = trials / (trials + 4)
        wide = self.dispersion(spans)
        np.minimum(square, wide * _most(wide, mean), out=square)
        pace = 0.5 ** (1 / max(LEAST_HALF_LIFE, SEASON_HALF_LIFE / width))
        self.spread[:] *= np.where(here, pace, 1.0)
        self.spread[:] += np.where(here, (weight * square, weight), 0)


def _most(dispersion: Array, mean: Array) -> Array:
    """The largest squared standardised deviation that teaches.

    The tail of a small mean is as long as its dispersion, many standard deviations: to cut it at
    five of them would never find how long it is.
    """
    long = np.sqrt(dispersion[:, :SHARE] / mean)
    most = np.full_like(dispersion, WINSOR**2)
    most[:, :SHARE] = (WINSOR * (1 + long)) ** 2
    return most
