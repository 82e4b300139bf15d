"""Charts of what a report holds. They speak English unless given other ``Words``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from listening.charts import vega
from listening.charts.vega import Row, Spec
from listening.records import Label, Scale
from listening.report import wording
from listening.views.figures import Figure
from listening.views.sentiment import SentimentRow
from listening.views.surveys import DETRACTORS, FAVOURABLE, Survey

SCORED = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
NONE = "none"  # without sentiment
_ENDS = (25, 50, 100)  # points at which the axis of net sentiment may end
_FACTORS = (1, 2, 4, 6, 8, 10)


def english(message: str, /, **values: Any) -> str:  # noqa: ANN401 - whatever a message is filled with
    written = {name: f"{one:,}" if isinstance(one, int) else one for name, one in values.items()}
    return message % written


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a chart speaks: ``gettext`` fills in a message, ``term`` names a label."""

    gettext: Callable[..., str] = english
    term: Callable[[str], str] = str
    points: Callable[[Figure], str] = wording.points
    number: Callable[[float], str] = "{:,.0f}".format


class Step(NamedTuple):
    """A day, week or month: its name, that below a chart, and where its mentions are read.

    ``href`` gets the labels that are wanted, or ``none``.
    """

    name: str
    short: str
    href: Callable[[Sequence[Label] | str], str | None] = lambda _: None


def over_time(
    rows: Sequence[SentimentRow],
    steps: Sequence[Step],
    *,
    too_few: str,
    words: Words | None = None,
    beside: Sequence[SentimentRow] = (),
) -> Spec:
    """Net sentiment with its margin, and volume by sentiment; a bar is told with its figures.

    ``too_few`` is said where no step has a figure. ``beside`` are the rows of charts that are
    looked at together, and have the same axes.
    """
    words = words or Words()
    slots = {row.key[0]: step.short for row, step in zip(rows, steps, strict=True)}
    about = words.gettext("Net sentiment with its 95 %% margin, and volume by sentiment, over time")
    all_rows = [*rows, *beside]
    panels = [_net(rows, steps, too_few, words, all_rows), _volume(rows, steps, words, all_rows)]
    return vega.chart(panels, slots, about=about)


def _net(
    rows: Sequence[SentimentRow],
    steps: Sequence[Step],
    too_few: str,
    words: Words,
    all_rows: Sequence[SentimentRow],
) -> Spec:
    values: list[Row] = [
        {
            "slot": row.key[0],
            "net": row.net.value,
            "low": row.net.low,
            "high": row.net.high,
            "n": row.net.n,
            "href": step.href(SCORED),
            "told": words.gettext(
                "%(when)s: net sentiment %(points)s (n = %(n)s)",
                when=step.name,
                points=words.points(row.net),
                n=row.net.n,
            ),
        }
        for row, step in zip(rows, steps, strict=True)
    ]
    known = [row for row in values if row["net"] is not None]
    ends = [end for row in all_rows for end in (row.net.low, row.net.high) if end is not None]
    reach = max(map(abs, ends), default=100.0)
    end = next((each for each in _ENDS if reach <= each), _ENDS[-1])
    layers = [
        vega.zero(),
        vega.bars("low", "high", style="band"),
        vega.line("net"),
        vega.dots("net"),
    ]
    if not known:
        layers.append(vega.note(too_few, end / 4))
    return vega.panel(values, layers, {end: f"+{end}", 0: "0", -end: f"{wording.MINUS}{end}"})


def _volume(
    rows: Sequence[SentimentRow],
    steps: Sequence[Step],
    words: Words,
    all_rows: Sequence[SentimentRow],
) -> Spec:
    values = [
        part for row, step in zip(rows, steps, strict=True) for part in _stacked(row, step, words)
    ]
    most = ceiling(max((row.items for row in all_rows), default=1))
    layers = [vega.zero(), vega.bars("from", "to", by="sentiment")]
    return vega.panel(values, layers, counted(most, words))


def _stacked(row: SentimentRow, step: Step, words: Words) -> Iterator[Row]:
    """Its labels from the bottom up, and what has no sentiment above them."""
    counts = [(label.value, getattr(row, label.value)) for label in (*SCORED, Label.UNKNOWN)]
    counts.append((NONE, row.items - sum(count for _, count in counts)))
    done = 0
    for name, count in counts:
        if count:
            said = words.gettext(
                "%(when)s: %(count)s %(sentiment)s of %(all)s",
                when=step.name,
                count=count,
                sentiment=words.term(name),
                all=row.items,
            )
            ends = {"from": done, "to": done + count}
            href = step.href(name)
            yield {"slot": row.key[0], "sentiment": name, **ends, "told": said, "href": href}
        done += count


def answers(
    row: Survey, href: Callable[[int], str | None] = lambda _: None, words: Words | None = None
) -> Spec:
    """How the answers fall on their scale."""
    words = words or Words()
    values: list[Row] = [
        {
            "slot": str(answer),
            "from": 0,
            "to": count,
            "sentiment": _favour(row.scale, answer),
            "href": href(answer),
            "told": words.gettext("%(count)s answered %(answer)s", count=count, answer=str(answer)),
        }
        for answer, count in row.distribution.items()
        if count
    ]
    slots = {str(answer): str(answer) for answer in row.distribution}
    most = ceiling(max(row.distribution.values()))
    layers = [vega.zero(), vega.bars("from", "to", by="sentiment")]
    about = words.gettext("How many gave each answer")
    return vega.chart([vega.panel(values, layers, counted(most, words))], slots, about=about)


def ceiling(value: float) -> int:
    """The next round number, for the top of an axis."""
    step = 1
    while value > _FACTORS[-1] * step:
        step *= 10
    return next(factor * step for factor in _FACTORS if factor * step >= value)


def counted(most: int, words: Words | None = None) -> dict[float, str]:
    """An axis of counts."""
    words = words or Words()
    values = (most, most // 2, 0) if most > 1 else (most, 0)
    return {value: words.number(value) for value in values}


def _favour(scale: Scale, answer: int) -> str:
    if answer >= FAVOURABLE[scale]:
        return Label.POSITIVE
    unfavourable = (
        answer in DETRACTORS if scale is Scale.NPS else 2 * answer < scale.low + scale.high
    )
    return Label.NEGATIVE if unfavourable else Label.NEUTRAL
