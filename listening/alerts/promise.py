"""From a score to "so many false alarms in 30 days", learnt from each brand's own past.

The highest score of each day (a block) says how often alarms as strong would come. Above a bound
the tail is exponential (peaks over threshold, as SPOT does: Siffer et al. 2017); how often it is
passed and how far are held to what a fitting model would show, as if that had been seen for
``TRUST`` blocks, and updated with what is seen. Blocks, because alarms within a day are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from listening.alerts.tail import Array, Flags

BOUND_PER_BLOCK = 0.25  # the bound is passed on a block in four where the model fits
LOOKS = 0.7  # independent ones for every shortest window of a block: measured
SCALE = 0.48  # of the tail, in decades: measured
TRUST = 10.0  # blocks
TRUST_SCALE = 30.0  # likewise, for the scale: it differs less from brand to brand
HALF_LIFE = 56.0  # blocks
MEAN_EXCESS = 1.064  # of a maximum of few over its scale, at ``BOUND_PER_BLOCK``


@dataclass(frozen=True, slots=True)
class Promise:
    """Sums by brand: ``blocks`` seen, ``passed`` the bound, by how much (``excess``).

    ``highest`` score, buckets ``seen`` and whether it ``fired`` are of the block that runs;
    ``fired_before`` of the last one.
    """

    blocks: Array
    passed: Array
    excess: Array
    highest: Array
    seen: Array
    fired: Array
    fired_before: Array

    @classmethod
    def empty(cls, brands: int) -> Promise:
        return cls(*(np.zeros(brands) for _ in range(7)))

    def alarms(self, score: Array, looks: float) -> Array:
        """How many alarms of that score or above chance causes in a block of so many ``looks``."""
        often, scale = self._tail()
        return often * np.exp(-(score - bound(looks)) / scale)

    def score_for(self, alarms: float, looks: float) -> Array:
        often, scale = self._tail()
        return bound(looks) + scale * np.log(often / alarms)

    def _tail(self) -> tuple[Array, Array]:
        held = -np.expm1(-BOUND_PER_BLOCK)  # the share of blocks with one or more
        share = (self.passed + TRUST * held) / (self.blocks + TRUST)
        weight = TRUST_SCALE * held
        scale = (self.excess + weight * SCALE * MEAN_EXCESS) / (self.passed + weight)
        return -np.log1p(-share), scale / MEAN_EXCESS

    def note(self, score: Array, fires: Flags, here: Flags) -> None:
        """A bucket's score, in place."""
        np.maximum(self.highest, np.where(here, score, 0), out=self.highest)
        np.maximum(self.fired, fires & here, out=self.fired)
        self.seen[:] += here

    def close(self, alarms: float, looks: float, buckets: int) -> None:
        """The end of a block, in place; it counts where half of it or more was seen.

        An alarm teaches what one that strong is expected to: its excess is cut at the mean above
        the score of ``alarms``, and the days that it goes on are left out.
        """
        here = (self.seen * 2 >= buckets) & ~((self.fired > 0) & (self.fired_before > 0))
        over = self.highest - bound(looks)
        _, scale = self._tail()
        cut = np.maximum(self.score_for(alarms, looks) - bound(looks), 0) + scale
        pace = np.where(here, 0.5 ** (1 / HALF_LIFE), 1.0)
        for sums, more in (
            (self.blocks, np.ones_like(over)),
            (self.passed, (over > 0).astype(float)),
            (self.excess, np.clip(over, 0, cut)),
        ):
            sums[:] = sums * pace + np.where(here, more, 0)
        self.fired_before[:] = self.fired
        for sums in (self.highest, self.seen, self.fired):
            sums[:] = 0


def bound(looks: float) -> float:
    """The score that is passed ``BOUND_PER_BLOCK`` times in so many looks where the model fits."""
    return float(np.log10(looks * LOOKS / BOUND_PER_BLOCK))
