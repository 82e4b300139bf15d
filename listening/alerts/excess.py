"""How unlikely the excess of each window is, and what it is an excess of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from listening.alerts.tail import Array, Flags, log_beta_tail, negative_binomial
from listening.alerts.windows import NEGATIVE, OTHERS, SHARE

UP = np.log(0.05)  # of the test that talk rose
WORSE = np.log(0.01)  # that the share did; sharper, for it is made in every window
ALL_BAD = 0.8  # a usual negative share above which more talk is more complaints
FEW = 1e-9
SCREEN = 1.5  # standard deviations: nothing nearer is rarer than 1 in 10
LEAST_SCORE = 1.0


class Guards(NamedTuple):
    """An excess is at least ``least`` texts, ``more`` than expected and ``ratio`` times as many.

    A higher negative share stands in for the ratio.
    """

    least: float
    more: float
    ratio: float


class Excess(NamedTuple):
    """By window and brand: the -log10 of its chance, 0 where a guard holds; and its kind's signs.

    ``worse``: it is of the negative texts, not of talk as a whole. ``talk``: the others rose too.
    """

    score: Array
    worse: Flags
    talk: Flags


def excess(sums: Array, dispersion: Array, guards: Guards, *, shared: bool) -> Excess:
    """The excess in ``Windows.sums``; ``shared`` says that the other texts are known."""
    seen, mean = sums[:, 0, NEGATIVE], np.maximum(sums[:, 1, NEGATIVE], FEW)
    wide = dispersion[:, NEGATIVE]
    score = np.zeros_like(seen)
    worse, talk = np.ones(seen.shape, bool), np.ones(seen.shape, bool)
    enough = (seen >= guards.least) & (seen - mean >= guards.more)
    at = np.nonzero(enough & (seen - mean > SCREEN * np.sqrt(wide * mean)))
    found = -negative_binomial(seen[at], mean[at], wide[at]) / np.log(10)
    at, found = tuple(axis[found > LEAST_SCORE] for axis in at), found[found > LEAST_SCORE]
    rose = np.zeros(found.shape, bool)
    if shared and found.size:
        rose, talk[at], worse[at] = _signs(sums, dispersion, at)
    score[at] = np.where(rose | (seen[at] >= guards.ratio * mean[at]), found, 0)
    return Excess(score, worse, talk)


def _signs(
    sums: Array, dispersion: Array, at: tuple[npt.NDArray[np.intp], ...]
) -> tuple[Flags, Flags, Flags]:
    """Whether the negative share rose, talk as a whole rose, and it is the negative that did.

    It is where the share rose, the others did not, or nearly all is negative at any time.
    """
    many, usual = sums[:, 0, NEGATIVE][at], np.maximum(sums[:, 1, NEGATIVE][at], FEW)
    rest, rest_usual = sums[:, 0, OTHERS][at], np.maximum(sums[:, 1, OTHERS][at], FEW)
    wide, rest_wide, share_wide = (dispersion[:, n][at] for n in (NEGATIVE, OTHERS, SHARE))
    every, all_usual = many + rest, usual + rest_usual
    share = usual / all_usual
    all_wide = share * wide + (1 - share) * rest_wide
    # One call, because the series is as long for one as for a thousand.
    rest_up, all_up, rose = np.split(
        log_beta_tail(
            np.concatenate([np.maximum(rest, FEW), every, many / share_wide]),
            np.concatenate(
                [
                    rest_usual / (rest_wide - 1),
                    all_usual / (all_wide - 1),
                    rest / share_wide + 1,
                ]
            ),
            np.concatenate([1 - 1 / rest_wide, 1 - 1 / all_wide, share]),
        ),
        3,
    )
    return rose < WORSE, all_up < UP, (rose < WORSE) | (rest_up >= UP) | (share > ALL_BAD)
