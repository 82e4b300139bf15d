"""Upper tails of the negative binomial and the binomial, for arrays.

Both are the regularised incomplete beta function. It is written out here because the libraries
that have it are larger than all that an installation without extras needs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_STEPS = 1_000
_TINY = 1e-300
_PRECISION = 1e-9
_HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


def log_gamma(x: Array) -> Array:
    """Logarithm of Γ(x) for x > 0, to 13 digits: Stirling's series eight steps up."""
    product = np.ones_like(x)
    for step in range(8):
        product = product * (x + step)
    y = x + 8
    z = 1 / (y * y)
    series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / y
    stirling: Array = (y - 0.5) * np.log(y) - y + _HALF_LOG_2_PI + series
    return stirling - np.log(product)


def log_beta_tail(a: Array, b: Array, x: Array) -> Array:
    """Logarithm of I_x(a, b), the regularised incomplete beta function, for a, b > 0 and 0 < x < 1.

    In logarithms, so that probabilities far below 1e-300 still rank.
    """
    flip = x > (a + 1) / (a + b + 2)
    a, b, x = np.where(flip, b, a), np.where(flip, a, b), np.where(flip, 1 - x, x)
    front = log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * np.log(x) + b * np.log1p(-x)
    found = front - np.log(a) + np.log(_fraction(a, b, x))
    return np.where(flip, np.log1p(-np.minimum(np.exp(np.minimum(found, 0)), 1 - 1e-16)), found)


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction of I_x(a, b) by Lentz's method (DLMF 8.17.22).

    Each number stops when it has converged, so that it is the same in whatever company.
    """
    value, going = np.empty_like(x), np.arange(x.size)
    found = d = 1 / _away(1 - (a + b) * x / (a + 1))
    c = np.ones_like(x)
    for m in range(1, _STEPS if x.size else 0):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        found = found * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        step = d * c
        found = found * step
        value[going] = found
        more = np.abs(step - 1) > _PRECISION
        if not more.all():
            going = going[more]
            a, b, x, c, d, found = (each[more] for each in (a, b, x, c, d, found))
            if not going.size:
                break
    return value


def _away(x: Array) -> Array:
    return np.where(np.abs(x) < _TINY, _TINY, x)


def negative_binomial(count: Array, mean: Array, dispersion: Array) -> Array:
    """Logarithm of P(X >= count), variance ``dispersion`` (> 1) times the mean; ``count`` > 0."""
    return log_beta_tail(count, mean / (dispersion - 1), 1 - 1 / dispersion)


def binomial(count: Array, trials: Array, share: Array) -> Array:
    """Logarithm of P(X >= count); ``count`` in (0, trials]; ``share`` in (0, 1)."""
    return log_beta_tail(count, trials - count + 1, share)
