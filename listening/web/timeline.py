"""The chart of net sentiment and volume over time, each bar leading to what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from markupsafe import Markup

from listening.records import Label, Scale
from listening.report.wording import points
from listening.terminal.style import span
from listening.views.sentiment import SentimentRow
from listening.views.surveys import DETRACTORS, FAVOURABLE, Survey
from listening.web.asked import NONE, Asked
from listening.web.charts import Mark, Panel, ceiling, chart

HEIGHT = 110
ORDER = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE, Label.UNKNOWN)


class Step(NamedTuple):
    """A day, week or month of the period: its name, and what narrows a link to it."""

    name: str
    within: dict[str, date]


def step(asked: Asked, start: str, by: str) -> Step:
    first = date.fromisoformat(start)
    days = {"day": 1, "week": 7, "month": 31}[by]
    end = first + timedelta(days=days)
    if by == "month":
        end = end.replace(day=1)
    within = asked.within(first, end)
    name = f"{first:%B %Y}" if by == "month" else span(within["since"], within["to"])
    return Step(name, within)


def sentiment_chart(rows: Sequence[SentimentRow], asked: Asked, by: str) -> Markup:
    steps = [step(asked, row.key[0], by) for row in rows]
    return chart(
        "Net sentiment with its 95 % margin, and volume by sentiment, over time; "
        "the table below has the figures",
        [_net(rows, steps, asked, by), _volume(rows, steps, asked)],
        [_short(row.key[0], by) for row in rows],
    )


def _net(rows: Sequence[SentimentRow], steps: Sequence[Step], asked: Asked, by: str) -> Panel:
    marks = [
        Mark(
            slot=slot,
            low=row.net.low or 0.0,
            high=row.net.high or 0.0,
            point=row.net.value,
            style="band",
            title=f"{when.name}: net sentiment {points(row.net)} (n = {row.net.n:,})",
            href=asked.mentions(**when.within, sentiment=ORDER[:3]),
        )
        for slot, (row, when) in enumerate(zip(rows, steps, strict=True))
        if row.net.value is not None
    ]
    reach = max((abs(end) for mark in marks for end in (mark.low, mark.high)), default=100.0)
    top = 100 if reach > 50 else 50 if reach > 25 else 25  # noqa: PLR2004 - round points
    lines = [(top, f"+{top}"), (0, "0"), (-top, f"−{top}")]
    note = f"Too few scored texts in any {by} for net sentiment"
    return Panel(low=-top, high=top, height=HEIGHT, marks=marks, lines=lines, note=note)


def _volume(rows: Sequence[SentimentRow], steps: Sequence[Step], asked: Asked) -> Panel:
    top = ceiling(max((row.items for row in rows), default=1) or 1)
    marks = [
        mark
        for slot, (row, when) in enumerate(zip(rows, steps, strict=True))
        for mark in _stack(slot, row, when, asked)
    ]
    lines = [(top, f"{top:,}"), (top / 2, f"{top / 2:,.0f}"), (0, "0")]
    return Panel(low=0, high=top, height=HEIGHT, marks=marks, lines=lines[:: 1 if top > 1 else 2])


def _stack(slot: int, row: SentimentRow, when: Step, asked: Asked) -> list[Mark]:
    counts = [(label.value, getattr(row, label.value)) for label in ORDER]
    counts.append((NONE, row.items - sum(count for _, count in counts)))
    marks, done = [], 0
    for name, count in counts:
        if count:
            told = "without sentiment" if name == NONE else name
            marks.append(
                Mark(
                    slot=slot,
                    low=done,
                    high=done + count,
                    style=name,
                    title=f"{when.name}: {count:,} {told} of {row.items:,}",
                    href=asked.mentions(**when.within, sentiment=name),
                )
            )
        done += count
    return marks


def answers_chart(row: Survey, asked: Asked, **changes: str) -> Markup:
    """How the answers fall on their scale."""
    top = ceiling(max(row.distribution.values()))
    marks = [
        Mark(
            slot=slot,
            low=0,
            high=count,
            style=_favour(row, value),
            title=f"{count:,} answered {value}",
            href=asked.mentions(score=f"{row.scale.value}:{value}", **changes),
        )
        for slot, (value, count) in enumerate(row.distribution.items())
        if count
    ]
    lines = [(top, f"{top:,.0f}"), (0, "0")]
    panel = Panel(low=0, high=top, height=HEIGHT, marks=marks, lines=lines)
    return chart("How many gave each answer", [panel], [str(value) for value in row.distribution])


def _favour(row: Survey, value: int) -> str:
    if value >= FAVOURABLE[row.scale]:
        return "positive"
    middle = (row.scale.low + row.scale.high) / 2
    unfavourable = value in DETRACTORS if row.scale is Scale.NPS else value < middle
    return "negative" if unfavourable else "neutral"


def _short(start: str, by: str) -> str:
    day = date.fromisoformat(start)
    return f"{day:%b %Y}" if by == "month" else f"{day.day} {day:%b}"
