"""Saved searches: kept from the page Mentions, listed beside it, and used in other queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi import Query as In
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from listening import query
from listening.app import App
from listening.cli.desk_shapes import saved_shape
from listening.errors import ConfigError
from listening.records import Window
from listening.tree import And
from listening.views.reproduce import as_query
from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.people import Person, Role, Visitor, inside, needs
from listening.web.reading import Reading

ANALYST = [needs(Role.ANALYST)]

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/searches", tags=["searches"], default_response_class=Json)


class Keep(BaseModel):
    name: str
    shared: bool = True


class KeepForm(Keep):
    # What a box that is not ticked sends is nothing.
    shared: bool = False
    back: str = "/mentions"


class KeepCall(Keep):
    query: str = Field(description="In the query language.")


class RemoveForm(BaseModel):
    name: str
    back: str = "/mentions"


def as_text(app: App, asked: Asked) -> str:
    """The query that finds what the filters do, at whatever time: the period is left out."""
    lasting = asked.model_copy(update={"q": "", "since": None, "to": None})
    where = lasting.where(app)
    typed = query.parse(asked.q) if asked.q.strip() else None
    parts = tuple(part for part in (typed, where.text) if part is not None)
    text = And(parts) if len(parts) > 1 else next(iter(parts), None)
    return as_query(replace(where, text=text, window=Window()))


def _owner(person: Person) -> str | None:
    """An admin may remove what is anybody's."""
    return None if person.role is Role.ADMIN else person.name


@router.post("/searches", dependencies=ANALYST)
def save(
    app: Reading, person: Visitor, asked: Annotated[Asked, In()], keep: Annotated[KeepForm, Form()]
) -> Response:
    """What the address's filters find, under a name."""
    text = as_text(app, asked)
    if not text:
        raise ConfigError("this finds everything: narrow it down first, then save it")
    app.searches.save(keep.name, text, by=person.name, shared=keep.shared)
    return RedirectResponse(inside(keep.back, "/mentions"), 303)


@router.post("/searches/remove", dependencies=ANALYST)
def remove(app: Reading, person: Visitor, form: Annotated[RemoveForm, Form()]) -> Response:
    app.searches.remove(form.name, by=_owner(person))
    return RedirectResponse(inside(form.back, "/mentions"), 303)


@calls.get("")
def api_searches(app: Reading, person: Visitor) -> Response:
    """Saved searches that are shared, and your own."""
    return Json({"searches": [saved_shape(one) for one in app.searches.listed_for(person.name)]})


@calls.post("", dependencies=ANALYST)
def api_save(app: Reading, person: Visitor, keep: KeepCall) -> Response:
    """Save a query under a name, or change yours of that name."""
    saved = app.searches.save(keep.name, keep.query, by=person.name, shared=keep.shared)
    return Json(saved_shape(saved))


@calls.delete("", dependencies=ANALYST)
def api_remove(
    app: Reading, person: Visitor, name: Annotated[str, In(description="Its name.")]
) -> Response:
    """Remove your saved search; an admin anybody's. One that others are made of stays."""
    return Json(saved_shape(app.searches.remove(name, by=_owner(person))))
