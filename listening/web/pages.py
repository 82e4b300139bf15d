"""The pages: each asks the app and fills its template."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter
from fastapi import Query as In
from starlette.responses import Response

from listening.app import App
from listening.records import Dimension, Filter
from listening.views.figures import MINIMUM
from listening.web.asked import Asked
from listening.web.course import courses
from listening.web.locale import _, ngettext
from listening.web.matrix import answers
from listening.web.reading import Reading
from listening.web.recent import Recent
from listening.web.render import page
from listening.web.timeline import answers_chart, sentiment_chart, step

MOST_ASIDE = 100
RANGES = (7, 30, 90)
FIRST = ("all", "ka", "lv", "lt")  # what the scoreboard begins with

router = APIRouter(include_in_schema=False)


class Frame(NamedTuple):
    """What the bar of filters offers; ``last`` is the newest day with feedback."""

    path: str
    asked: Asked
    brands: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    last: date | None = None

    @property
    def ranges(self) -> Iterator[tuple[str, str, bool]]:
        """Name, address and whether it is chosen: the last days up to the newest."""
        chosen = (self.asked.since, self.asked.to)
        for days in RANGES if self.last else ():
            since = self.last - timedelta(days=days - 1) if self.last else None
            href = self.asked.link(self.path, since=since, to=self.last)
            yield ngettext("%(num)s day", "%(num)s days", days), href, chosen == (since, self.last)
        yield _("all"), self.asked.link(self.path, since="", to=""), chosen == (None, None)


def frame_of(app: App, path: str, asked: Asked) -> Frame:
    def values(dimension: Dimension) -> tuple[str, ...]:
        found = app.store.aggregate(Filter(), by=[dimension], zone=app.settings.zone)
        return tuple(bucket.key[0] for bucket in found)

    days = values(Dimension.DAY)
    return Frame(
        path=path,
        asked=asked,
        brands=values(Dimension.BRAND),
        languages=values(Dimension.LANGUAGE),
        last=date.fromisoformat(days[-1]) if days else None,
    )


@router.get("/")
def home(app: Reading, recent: Recent, asked: Annotated[Asked, In()]) -> Response:
    found = recent.report(app, asked.where(app), asked.by)
    by = found.period.by
    return page(
        "home.html",
        frame=frame_of(app, "/", asked),
        asked=asked,
        report=found,
        chart=sentiment_chart(found.over_time, asked, by),
        steps=[(row, step(asked, row.key[0], by)) for row in found.over_time],
    )


@router.get("/surveys")
def surveys(app: Reading, asked: Annotated[Asked, In()]) -> Response:
    where = asked.where(app)
    found = answers(app, where)
    return page(
        "surveys.html",
        frame=frame_of(app, "/surveys", asked),
        asked=asked,
        found=[(one, answers_chart(one.overall, asked)) for one in found],
        courses=courses(app, where, asked),
        minimum=MINIMUM,
    )
