"""REST: what the command line prints as JSON, of the same shapes; docs/json.md has them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Query as In
from pydantic import BaseModel
from starlette.responses import Response

from listening import query
from listening.cli import shapes
from listening.trial import try_query
from listening.web.asked import Asked, AskedPage
from listening.web.reading import Configured, Reading
from listening.web.recent import Recent

MOST_LETTERS = 10_000


class Trouble(BaseModel):
    """``error`` is ConfigError, QueryError or TransientError."""

    error: str
    message: str
    position: int | None = None


class Json(Response):
    """UTF-8; half a surrogate pair, which that lacks, is escaped."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")


_TROUBLES: dict[int | str, dict[str, Any]] = {
    400: {"model": Trouble, "description": "A person must act: the message says how."},
    503: {"model": Trouble, "description": "Try again later."},
}
router = APIRouter(prefix="/api", responses=_TROUBLES, default_response_class=Json)


@router.get("/search")
def search(app: Reading, asked: Annotated[AskedPage, In()]) -> Response:
    """Feedback, newest first; ``cursor`` of an answer asks for the next page."""
    found = app.search(asked.where(app), limit=asked.limit, cursor=asked.cursor)
    return Json(shapes.hits(found))


@router.get("/report")
def report(app: Reading, recent: Recent, asked: Annotated[Asked, In()]) -> Response:
    """Volume, sentiment, surveys and complaints, with margins; docs/report.md describes it."""
    return Json(recent.report(app, asked.where(app), asked.by).as_json())


@router.get("/status")
def status(app: Configured) -> Response:
    """What the store holds, and how far each stream is."""
    return Json(asdict(app.status()) if app.has_store else {"store": app.place, "exists": False})


@router.get("/explain")
def explain(
    q: Annotated[str, In(description="Query, in the query language.")],
    text: Annotated[
        str | None, In(description="A text to try it on.", max_length=MOST_LETTERS)
    ] = None,
) -> Response:
    """What a query means in words and, with a text, whether and why it matches."""
    node = query.parse(q)
    said = {
        "query": q,
        "canonical": query.format(node),
        "meaning": query.describe(node),
        "hints": list(query.hints(node)),
    }
    for result in try_query(node, [{"text": text}] if text is not None else []):
        said |= result
    return Json(said)
