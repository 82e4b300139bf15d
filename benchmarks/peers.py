"""What others alarm by, as scores of (hour, brand) counts: the higher the more alarming.

All are fed complete, de-duplicated counts: where collection failed stands the count of a week
before, so that no peer loses to a gap or a storm of copies that it was never told of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Array = npt.NDArray[np.float64]
WEEK = 7 * 24
LEAST = 3.0  # counts: a guard that makes every peer better


def filled(counts: Array, complete: npt.NDArray[np.bool_]) -> Array:
    found = counts.copy()
    for hour in range(WEEK, len(found)):
        found[hour] = np.where(complete[hour], found[hour], found[hour - WEEK])
    return found


def mean_sd(counts: Array) -> Array:
    """The hour against mean and standard deviation of the seven days before."""
    mean, sd = _moments(counts, WEEK)
    return guarded((counts - mean) / np.maximum(sd, 0.5), counts)


def mean_sd_day(counts: Array) -> Array:
    """The mean of 24 hours against mean and standard deviation of seven days (Socialmetrix)."""
    mean, sd = _moments(counts, WEEK)
    day = _moments(counts, 24, lag=-1)[0]
    return guarded((day - mean) / np.maximum(sd, 0.5), day * 24)


def ears_c1(counts: Array) -> Array:
    """The seven days before at the same hour (surveillance's earsC; minSigma 0.5)."""
    return guarded(_ears(counts, lag=0), counts)


def ears_c2(counts: Array) -> Array:
    return guarded(_ears(counts, lag=2), counts)


def ears_c3(counts: Array) -> Array:
    """The last three of C2, what each has above 1."""
    over = np.maximum(_ears(counts, lag=2) - 1, 0)
    total = over.copy()
    for days in (1, 2):
        total[24 * days :] += over[: -24 * days]
    return guarded(total, counts)


def shesd(counts: Array) -> Array:
    """Seasonal hybrid ESD: the median of the hour over 14 days, residuals over their MAD."""
    days = len(counts) // 24
    by_hour = counts[: days * 24].reshape(days, 24, -1)
    score = np.zeros_like(counts)
    for day in range(14, days):
        before = by_hour[day - 14 : day]
        season = np.median(before, axis=0)
        rest = (before - season).reshape(14 * 24, -1)
        centre = np.median(rest, axis=0)
        mad = 1.4826 * np.median(np.abs(rest - centre), axis=0)
        today = by_hour[day] - season - centre
        score[day * 24 : day * 24 + 24] = np.where(mad > 0, today / np.maximum(mad, 1e-9), 0)
    return guarded(score, counts)


def ratio(counts: Array) -> Array:
    """The hour over the mean of twelve, checked against a day and a week before (Meltwater)."""
    mean = _moments(counts, 12)[0]
    score = np.zeros_like(counts)
    score[WEEK:] = np.minimum(
        counts[WEEK:] / np.maximum(mean[WEEK:], 0.5),
        np.minimum(
            counts[WEEK:] / np.maximum(counts[WEEK - 24 : -24], 0.5),
            counts[WEEK:] / np.maximum(counts[:-WEEK], 0.5),
        ),
    )
    return guarded(score, counts)


def _moments(counts: Array, width: int, lag: int = 0) -> tuple[Array, Array]:
    """Mean and standard deviation of the ``width`` hours before (with lag -1, up to) each."""
    sums = np.cumsum(np.concatenate([np.zeros((1, counts.shape[1])), counts]), axis=0)
    squares = np.cumsum(np.concatenate([np.zeros((1, counts.shape[1])), counts**2]), axis=0)
    end = np.arange(len(counts)) - lag
    start = np.maximum(end - width, 0)
    n = np.maximum(end - start, 1)[:, None]
    mean = (sums[end] - sums[start]) / n
    return mean, np.sqrt(np.maximum((squares[end] - squares[start]) / n - mean**2, 0))


def _ears(counts: Array, lag: int) -> Array:
    score = np.zeros_like(counts)
    baseline = sliding_window_view(counts, 6 * 24 + 1, axis=0)[:, :, ::24]
    first = 24 * (7 + lag)
    before = baseline[: len(counts) - first]
    sd = np.maximum(before.std(axis=2, ddof=1), 0.5)
    score[first:] = (counts[first:] - before.mean(axis=2)) / sd
    return score


def guarded(score: Array, counts: Array) -> Array:
    return np.where(counts >= LEAST, score, 0)


PEERS: dict[str, Callable[[Array], Array]] = {
    "mean + k sd, 7 d": mean_sd,
    "mean + k sd, 24 h": mean_sd_day,
    "EARS C1": ears_c1,
    "EARS C2": ears_c2,
    "EARS C3": ears_c3,
    "S-H-ESD": shesd,
    "ratio (Meltwater)": ratio,
}
