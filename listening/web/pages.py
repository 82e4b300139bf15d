"""The pages: each asks the app and fills its template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter
from fastapi import Query as In
from starlette.responses import Response, StreamingResponse

from listening import query, scoring
from listening.app import App
from listening.errors import ConfigError
from listening.records import Dimension, Filter
from listening.views.figures import MINIMUM
from listening.web.asked import Asked, AskedPage
from listening.web.export import MOST_ROWS, as_csv
from listening.web.facets import facets
from listening.web.matrix import answers
from listening.web.reading import Configured, Reading
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
            yield f"{days} days", href, chosen == (since, self.last)
        yield "all", self.asked.link(self.path, since="", to=""), chosen == (None, None)


def _frame(app: App, path: str, asked: Asked) -> Frame:
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
        frame=_frame(app, "/", asked),
        asked=asked,
        report=found,
        chart=sentiment_chart(found.over_time, asked, by),
        steps=[(row, step(asked, row.key[0], by)) for row in found.over_time],
    )


@router.get("/mentions")
def mentions(app: Reading, asked: Annotated[AskedPage, In()]) -> Response:
    where = asked.where(app)
    found = app.search(where, limit=asked.limit, cursor=asked.cursor)
    node = query.parse(asked.q) if asked.q.strip() else None
    total = found.total if found.total_is_exact else _count(app, where)
    return page(
        "mentions.html",
        frame=_frame(app, "/mentions", asked),
        asked=asked,
        found=found,
        total=total,
        meaning=node and query.describe(node),
        hints=query.hints(node) if node else (),
        facets=facets(app, asked),
        following=found.cursor and asked.link("/mentions", cursor=found.cursor, limit=asked.limit),
        zone=app.settings.zone,
        most_rows=MOST_ROWS,
    )


def _count(app: App, where: Filter) -> int:
    return sum(bucket.count for bucket in app.store.aggregate(where, by=[]))


@router.get("/mentions.csv")
def mentions_csv(app: Reading, asked: Annotated[Asked, In()]) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="mentions.csv"'}
    rows = as_csv(app, asked.where(app))
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/surveys")
def surveys(app: Reading, asked: Annotated[Asked, In()]) -> Response:
    found = answers(app, asked.where(app))
    return page(
        "surveys.html",
        frame=_frame(app, "/surveys", asked),
        asked=asked,
        found=[(one, answers_chart(one.overall, asked)) for one in found],
        minimum=MINIMUM,
    )


@router.get("/sources")
def sources(app: Reading) -> Response:
    aside = app.store.quarantine()
    return page(
        "sources.html",
        frame=Frame("/sources", Asked()),
        asked=Asked(),
        status=app.status(),
        aside=list(aside.items())[-MOST_ASIDE:][::-1],
        zone=app.settings.zone,
    )


@router.get("/model")
def model(app: Configured) -> Response:
    name = app.settings.model.name
    folder = scoring.shipped() if name in {None, scoring.SHIPPED} else Path(name or "")
    metrics = _metrics(folder / "metrics.json")
    return page(
        "model.html",
        frame=Frame("/model", Asked()),
        asked=Asked(),
        name=name or "listening-sentiment-1",
        boards=[
            ("Feedback written for the demo, not trained on", _board(metrics.get("demo", {}))),
            ("Held-out texts of the training sources", _board(metrics.get("languages", {}))),
        ],
    )


def _metrics(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}; make it anew with python -m models.evaluate"
        ) from error
    return found


def _board(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    def order(tag: str) -> tuple[int, int, str]:
        return FIRST.index(tag) if tag in FIRST else len(FIRST), -rows[tag]["n"], tag

    return [(tag, rows[tag]) for tag in sorted(rows, key=order)]
