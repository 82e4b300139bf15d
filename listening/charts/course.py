"""The score of a survey over time, with its margin and the answers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

from listening.charts import vega
from listening.charts.reports import Words, ceiling, counted
from listening.charts.vega import Row, Spec
from listening.records import Scale
from listening.report import wording
from listening.views.surveys import Survey

MOST_TICKS = 4
_QUARTER = 25  # percent, or points
_MEANS = (Scale.CES, Scale.STARS)  # the others are in percent or points
_WHOLE = {scale: (scale.low, scale.high) if scale in _MEANS else (0, 100) for scale in Scale}
_WHOLE[Scale.NPS] = (-100, 100)


class Step(NamedTuple):
    """A day, week or month; ``row`` is None where nobody answered."""

    slot: str
    name: str
    short: str
    row: Survey | None
    href: str | None
    told: str


def chart(
    scale: Scale,
    steps: Sequence[Step],
    *,
    too_few: str,
    about: str = "The score with its 95 % margin, and the number of answers, over time",
    words: Words | None = None,
) -> Spec:
    """``too_few`` is said where no step has a score, which the line leaves out."""
    words = words or Words()
    rows: list[Row] = [
        {
            "slot": step.slot,
            "score": step.row.score.value,
            "low": step.row.score.low,
            "high": step.row.score.high,
            "from": 0,
            "to": step.row.n,
            "sentiment": "none" if step.row.score.value is None else "neutral",
            "href": step.href,
            "told": step.told,
        }
        for step in steps
        if step.row
    ]
    slots = {step.slot: step.short for step in steps}
    return vega.chart(
        [_scores(scale, rows, too_few, words), _answers(rows, words)], slots, about=about
    )


def _scores(scale: Scale, rows: Sequence[Row], too_few: str, words: Words) -> Spec:
    axis = _axis(
        scale, [row[end] for row in rows for end in ("low", "high") if row[end] is not None]
    )
    layers = [
        vega.bars("low", "high", style="band"),
        vega.line("score"),
        vega.dots("score"),
    ]
    if all(row["score"] is None for row in rows):
        layers.append(vega.note(too_few, (min(axis) + max(axis)) / 2))
    named = _signed if scale is Scale.NPS else words.number
    return vega.panel(rows, layers, {value: named(value) for value in axis})


def _axis(scale: Scale, ends: Sequence[float]) -> list[float]:
    """Round values around all that is drawn, the highest first."""
    least, most = min(ends, default=_WHOLE[scale][0]), max(ends, default=_WHOLE[scale][1])
    step = 1 if scale in _MEANS else _QUARTER
    while True:
        low, high = step * floor(least / step), step * ceil(most / step)
        if high - low <= MOST_TICKS * step:
            return [float(value) for value in range(max(high, low + step), low - step, -step)]
        step *= 2


def _signed(value: float) -> str:
    sign = wording.MINUS if value < 0 else "+" if value > 0 else ""
    return f"{sign}{abs(value):.0f}"


def _answers(rows: Sequence[Row], words: Words) -> Spec:
    most = ceiling(max((row["to"] for row in rows), default=1))
    layers = [vega.zero(), vega.bars("from", "to", by="sentiment")]
    return vega.panel(rows, layers, counted(most, words), height=56)
