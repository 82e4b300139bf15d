"""Survey scores over time: charts and rows whose every step opens its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from listening.app import App
from listening.charts import Svg, course, svg
from listening.records import Bucket, Dimension, Filter, Scale
from listening.report import timeline
from listening.views.rollup import rollup
from listening.views.surveys import Survey, surveys
from listening.web import locale_terms as terms
from listening.web.asked import Asked
from listening.web.locale import N_, _
from listening.web.timeline import WORDS, Step, step

_TOO_FEW = {
    "day": N_("Too few answers in any day for a score"),
    "week": N_("Too few answers in any week for a score"),
    "month": N_("Too few answers in any month for a score"),
}


class Course(NamedTuple):
    """``steps`` have their answers, None where there are none."""

    by: str
    chart: Svg
    steps: Sequence[tuple[Step, Survey | None]]


def courses(app: App, where: Filter, asked: Asked) -> Mapping[Scale, Course]:
    """Of each scale that was answered on more than one day, all over the same time."""
    days = app.store.aggregate(where, by=[Dimension.DAY], zone=app.settings.zone)
    answered = [bucket for bucket in days if bucket.ratings]
    period = timeline.period(answered, where.window, zone=app.settings.zone, by=asked.by)
    starts = list(timeline.starts(period))
    if len(starts) < 2:  # noqa: PLR2004 - of one step there is no course
        return {}
    found = app.store.aggregate(where, by=[Dimension(period.by)], zone=app.settings.zone)
    return {
        scale: _course(scale, found, starts, asked, period.by)
        for scale in Scale
        if any(scale in bucket.ratings for bucket in answered)
    }


def _course(
    scale: Scale, found: Sequence[Bucket], starts: Sequence[str], asked: Asked, by: str
) -> Course:
    rows = {row.key[0]: row for row in surveys(rollup(found, 0), scale)}
    steps = [(step(asked, start, by), rows.get(start)) for start in starts]
    drawn = [
        _drawn(one, row, start, asked, by) for start, (one, row) in zip(starts, steps, strict=True)
    ]
    about = _("The score with its 95 %% margin, and the number of answers, over time")
    told = course.chart(scale, drawn, too_few=_(_TOO_FEW[by]), about=about, words=WORDS)
    return Course(by, svg(told), steps)


def _drawn(one: Step, row: Survey | None, start: str, asked: Asked, by: str) -> course.Step:
    first = date.fromisoformat(start)
    short = terms.month(first, short=True) if by == "month" else terms.short_day(first)
    if row is None:
        return course.Step(start, one.name, short, None, None, "")
    answers = f"{row.scale.value}:{row.scale.low}..{row.scale.high}"
    told = _(
        "%(when)s: %(scale)s %(score)s (n = %(n)s)",
        when=one.name,
        scale=terms.scale_name(row.scale),
        score=terms.score(row),
        n=row.n,
    )
    return course.Step(
        start, one.name, short, row, asked.mentions(score=answers, **one.within), told
    )
