"""The query builder: what a query means, what it would find, and which own examples it matches."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi import Query as In
from starlette.responses import Response

from listening import query
from listening.app import App
from listening.charts import Svg, svg, vega
from listening.charts.reports import ceiling, counted
from listening.cli import shapes
from listening.query import QueryError
from listening.records import Dimension, Filter, Window
from listening.report.timeline import period
from listening.tree import Node
from listening.trial import try_query
from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.locale import _, number
from listening.web.locale_query import describe
from listening.web.locale_terms import month, short_day
from listening.web.pages import frame_of
from listening.web.people import Role, Visitor
from listening.web.preview import Expected, Preview, preview
from listening.web.reading import Reading
from listening.web.render import page
from listening.web.timeline import step

PATH = "/query"
LONGEST_EXAMPLES = 4_000  # letters, that an address still carries
MOST_EXAMPLES = 20

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api", tags=["query"], default_response_class=Json)

Typed = Annotated[str, In(description="Query, in the query language.")]
Examples = Annotated[
    str,
    In(description="Own texts to try it on, one a line.", max_length=LONGEST_EXAMPLES),
]


@router.get(PATH)
def builder(app: Reading, person: Visitor, q: Typed = "", examples: Examples = "") -> Response:
    asked = Asked(q=q)
    read = _read(app, q)
    return page(
        "query.html",
        frame=frame_of(app, PATH, asked),
        asked=asked,
        typed=q,
        examples=examples,
        rule=f"/alerts/rules/new?{urlencode({'query': q})}",
        zone=app.settings.zone,
        may=person.role.covers(Role.ANALYST),
        **read,
        **_shown(app, asked, read["meant"], examples),
    )


def _read(app: App, text: str) -> dict[str, Any]:
    """What the query says; or where it cannot be read, and why."""
    found: dict[str, Any] = {"meant": None, "error": None, "position": None}
    if not text.strip():
        return found
    try:
        node = query.parse(text)
        found["meant"] = app.meant(node)
    except QueryError as error:
        return found | {"error": str(error), "position": error.position}
    said = {"meaning": describe(node), "canonical": query.format(node)}
    return found | said | {"hints": [*query.hints(node)]}


def _shown(app: App, asked: Asked, meant: Node | None, examples: str) -> dict[str, Any]:
    if meant is None:
        return {}
    found = preview(app, meant)
    tried = [*try_query(meant, [{"text": text} for text in _lines(examples)])]
    return {"preview": found, "tried": tried, "chart": _chart(app, asked, found)}


def _lines(examples: str) -> list[str]:
    return [line.strip() for line in examples.splitlines() if line.strip()][:MOST_EXAMPLES]


def _chart(app: App, asked: Asked, found: Preview) -> Svg | None:
    """How many there were over time."""
    if not found.total:
        return None
    by = period(found.by_day, Window(), zone=app.settings.zone, by=None).by
    counts = dict(_by(app, asked.where(app), by))
    first, last = min(counts), max(counts)
    starts = [start for start, _n in _by(app, Filter(), by) if first <= start <= last]
    rows = [_bar(asked, start, counts.get(start, 0), by) for start in starts]
    slots = {start: _short(start, by) for start in starts}
    most = ceiling(max(counts.values()))
    layers = [vega.zero(), vega.bars("from", "to", style="usual")]
    about = _("Mentions over time")
    return svg(vega.chart([vega.panel(rows, layers, counted(most))], slots, about=about))


def _by(app: App, where: Filter, by: str) -> list[tuple[str, int]]:
    found = app.store.aggregate(where, by=[Dimension(by)], zone=app.settings.zone)
    return [(bucket.key[0], bucket.count) for bucket in found]


def _short(start: str, by: str) -> str:
    first = date.fromisoformat(start)
    return month(first, short=True) if by == "month" else short_day(first)


def _bar(asked: Asked, start: str, count: int, by: str) -> dict[str, Any]:
    one = step(asked, start, by)
    told = f"{one.name}: {number(count)}"
    href = asked.mentions(**one.within)
    return {"slot": start, "from": 0, "to": count, "told": told, "href": href}


@calls.get("/query")
def api_query(app: Reading, q: Typed, examples: Examples = "") -> Response:
    """What a query means, what it finds now, how many a day to expect, and the forms it knows."""
    node = query.parse(q)
    meant = app.meant(node)
    found = preview(app, meant)
    return Json(
        {
            "query": q,
            "canonical": query.format(node),
            "meaning": query.describe(node),
            "hints": [*query.hints(node)],
            "total": found.total,
            "days": {bucket.key[0]: bucket.count for bucket in found.by_day},
            "brands": dict(found.brands),
            "languages": dict(found.languages),
            "expected": _expected(found.expected),
            "forms": [asdict(one) | {"forms": dict(one.forms)} for one in found.forms],
            "samples": [shapes.hit(hit) for hit in found.samples],
            "examples": [*try_query(meant, [{"text": text} for text in _lines(examples)])],
        }
    )


def _expected(found: Expected | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return asdict(found) | {"first": found.first.isoformat(), "last": found.last.isoformat()}
