"""Figures with their 95 % intervals: shares, differences of shares, means, and their changes.

One rule for all: with fewer answers than ``minimum`` there is no figure, only its n and a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

MINIMUM = 30
Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
TOO_FEW = "too few"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95 % interval, None with a ``reason`` where ``n`` is too small for one.

    Shares are in percent, 0 to 100; net sentiment and NPS in points, -100 to 100; means in the
    unit of their scale.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str | None = None

    @property
    def margin(self) -> float | None:
        """How far the interval reaches on its longer side, the number behind ±."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return max(self.value - self.low, self.high - self.value)


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a figure changed; ``significant`` when the 95 % interval leaves out zero."""

    value: float | None
    low: float | None
    high: float | None
    significant: bool
    n: int
    n_before: int
    reason: str | None = None


def wilson(part: int, whole: int, z: float = Z) -> tuple[float, float]:
    """The Wilson score interval of ``part / whole``, 0 to 1 (Wilson 1927; Newcombe 1998a)."""
    share, spread = part / whole, z * z / whole
    centre = share + spread / 2
    margin = sqrt(spread * (share * (1 - share) + spread / 4))
    return max(0.0, (centre - margin) / (1 + spread)), min(1.0, (centre + margin) / (1 + spread))


def share(part: int, whole: int, *, minimum: int = MINIMUM) -> Figure:
    """``part`` of ``whole`` in percent with the Wilson interval."""
    if whole < max(1, minimum):
        return _too_few(whole)
    low, high = wilson(part, whole)
    return Figure(100 * part / whole, 100 * low, 100 * high, whole)


def net(plus: int, minus: int, whole: int, *, minimum: int = MINIMUM) -> Figure:
    """``(plus - minus) / whole`` in points, as of net sentiment and NPS.

    The variance is that of two shares of one multinomial, SE = sqrt((p₁ + p₋₁ − net²) / n), taken
    with one more answer on each side (Bonett & Price 2012), without which the interval would be
    too narrow in small samples and of no width where everybody agrees.
    """
    if whole < max(1, minimum):
        return _too_few(whole)
    n = whole + 2
    centre = (plus - minus) / n
    margin = Z * sqrt(((plus + minus + 2) / n - centre**2) / n)
    low, high = max(-1.0, centre - margin), min(1.0, centre + margin)
    return Figure(100 * (plus - minus) / whole, 100 * low, 100 * high, whole)


def mean(counts: Mapping[int, int], scale: range, *, minimum: int = MINIMUM) -> Figure:
    """The mean of the answers, each value with its count.

    The interval is the normal one with one more answer spread evenly over ``scale``, for the same
    reason as in ``net``: Student's covers as little as 80 % where nearly all give the same answer.
    """
    n = sum(counts.values())
    if n < max(1, minimum):
        return _too_few(n)
    value = sum(v * count for v, count in counts.items()) / n
    weights = {v: counts.get(v, 0) + 1 / len(scale) for v in scale}
    centre = sum(v * weight for v, weight in weights.items()) / (n + 1)
    variance = sum(weight * (v - centre) ** 2 for v, weight in weights.items()) / (n + 1)
    margin = Z * sqrt(variance / n)
    return Figure(value, max(scale[0], centre - margin), min(scale[-1], centre + margin), n)


def change(now: Figure, before: Figure) -> Change:
    """The difference of two independent figures of the same kind.

    Its interval is made of theirs by square-and-add: Newcombe (1998b, method 10) for shares,
    Zou & Donner (2008) for any figure.
    """
    low, high = _bounds(now), _bounds(before)
    if now.value is None or before.value is None or low is None or high is None:
        return Change(None, None, None, False, now.n, before.n, TOO_FEW)  # noqa: FBT003 - a record
    delta = now.value - before.value
    down = sqrt((now.value - low[0]) ** 2 + (high[1] - before.value) ** 2)
    up = sqrt((low[1] - now.value) ** 2 + (before.value - high[0]) ** 2)
    significant = not delta - down <= 0 <= delta + up
    return Change(delta, delta - down, delta + up, significant, now.n, before.n)


def _bounds(figure: Figure) -> tuple[float, float] | None:
    return None if figure.low is None or figure.high is None else (figure.low, figure.high)


def _too_few(n: int) -> Figure:
    return Figure(None, None, None, n, TOO_FEW)
