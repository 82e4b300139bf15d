"""The charts of the pages: each bar leads to the mentions that it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from listening.charts import Svg, reports, svg
from listening.charts.reports import Words
from listening.records import Label
from listening.views.sentiment import SentimentRow
from listening.views.surveys import Survey
from listening.web import locale_terms as terms
from listening.web.asked import Asked
from listening.web.locale import N_, _, number

WORDS = Words(gettext=_, term=terms.term, points=terms.points, number=number)
_TOO_FEW = {
    "day": N_("Too few scored texts in any day for net sentiment"),
    "week": N_("Too few scored texts in any week for net sentiment"),
    "month": N_("Too few scored texts in any month for net sentiment"),
}


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
    name = terms.month(first) if by == "month" else terms.span(within["since"], within["to"])
    return Step(name, within)


def sentiment_chart(
    rows: Sequence[SentimentRow], asked: Asked, by: str, beside: Sequence[SentimentRow] = ()
) -> Svg:
    """``beside``: the rows of other charts, with which it shares its axes."""
    steps = [_linked(step(asked, row.key[0], by), asked, row.key[0], by) for row in rows]
    told = reports.over_time(rows, steps, too_few=_(_TOO_FEW[by]), words=WORDS, beside=beside)
    return svg(told)


def _linked(one: Step, asked: Asked, start: str, by: str) -> reports.Step:
    def href(sentiment: Sequence[Label] | str) -> str:
        return asked.mentions(**one.within, sentiment=sentiment)

    first = date.fromisoformat(start)
    short = terms.month(first, short=True) if by == "month" else terms.short_day(first)
    return reports.Step(one.name, short, href)


def answers_chart(row: Survey, asked: Asked, **changes: Any) -> Svg:  # noqa: ANN401 - of the fields
    """How the answers fall on their scale."""

    def href(answer: int) -> str:
        return asked.mentions(score=f"{row.scale.value}:{answer}", **changes)

    return svg(reports.answers(row, href, WORDS))
