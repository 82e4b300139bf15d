"""How far a model's confidence can be trusted (DeGroot & Fienberg 1983)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from listening.charts import vega
from listening.charts.vega import Spec

if TYPE_CHECKING:
    from listening.evaluation import Bin


def chart(bins: Sequence[Bin]) -> Spec:
    """How often labels were right, with its margin, beside the confidence they were given with."""
    slots = {f"{one.low:.1f}": f"{100 * one.low:.0f}–{one.high:.0%}" for one in bins}
    rows = [
        {
            "slot": f"{one.low:.1f}",
            "right": 100 * one.accuracy,
            "low": 100 * one.interval[0],
            "high": 100 * one.interval[1],
            "confidence": 100 * one.confidence,
            "told": f"{one.accuracy:.0%} of {one.n:,} right, confidence {one.confidence:.0%}",
        }
        for one in bins
    ]
    layers = [
        vega.bars("low", "high", style="band"),
        vega.levels("confidence"),
        vega.dots("right"),
    ]
    axis: dict[float, str] = {value: f"{value} %" for value in (0, 25, 50, 75, 100)}
    return vega.chart(
        [vega.panel(rows, layers, axis, height=260)],
        slots,
        about="How often labels of each confidence are right",
        title="How often labels are right",
        subtitle="by confidence; the line is where it should be, the band the 95 % margin",
    )
