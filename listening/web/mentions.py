"""Mentions: finding feedback and working on it, one by one or all that a query finds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi import Query as In
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from listening import query
from listening.app import App
from listening.cli import shapes
from listening.cli.desk_shapes import entry_shape, labelled_shape
from listening.desk import Change, Entry, Saved, by_person, correct, labelled, take_back
from listening.desk.why import Reason, Why, in_words
from listening.errors import ConfigError
from listening.pipeline import found as all_found
from listening.protocols import Progress
from listening.records import Dimension, Filter, Hit, Label, Order, Status
from listening.web import copies
from listening.web.api import Json
from listening.web.asked import Asked, AskedPage
from listening.web.copies import Folded
from listening.web.export import MOST_ROWS, Exports_, as_csv
from listening.web.facets import facets
from listening.web.jobs import Jobs, Jobs_
from listening.web.locale import N_, _
from listening.web.locale_query import describe
from listening.web.pages import frame_of
from listening.web.people import Person, Role, Visitor, inside, needs
from listening.web.reading import Reading
from listening.web.render import page

PATH = "/mentions"
MOST_CHOSEN = 1_000  # of one form
ORDERS = {
    Order.NEWEST: N_("newest first"),
    Order.OLDEST: N_("oldest first"),
    Order.NEGATIVE: N_("most negative first"),
    Order.POSITIVE: N_("most positive first"),
    Order.ENGAGING: N_("most engaging first"),
}
ANALYST = [needs(Role.ANALYST)]

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api", tags=["mentions"], default_response_class=Json)


class AskedMentions(AskedPage):
    """With the order, and whether copies stand apart."""

    sort: Order = Field(default=Order.NEWEST, description="In which order.")
    apart: bool = Field(default=False, description="Do not fold texts that say the same.")

    def link(self, path: str, **changes: Any) -> str:  # noqa: ANN401 - values of the fields
        """These go along between pages of mentions."""
        sort = "" if self.sort is Order.NEWEST else self.sort.value
        kept = {"sort": sort, "apart": self.apart or ""} if path == PATH else {}
        return super().link(path, **kept | changes)

    def page(self, app: App, where: Filter) -> Folded:
        limit, cursor, order = self.limit, self.cursor, self.sort
        if self.apart:
            return copies.apart(app.search(where, limit=limit, cursor=cursor, order=order))
        return copies.folded(app, where, limit=limit, cursor=cursor, order=order)


class Changed(BaseModel):
    """What to change; what is missing stays as it is. ``tags`` are separated by commas."""

    model_config = ConfigDict(extra="ignore")

    add: str = Field(default="", description="Tags to give, separated by commas.", max_length=500)
    remove: str = Field(default="", description="Tags to take away.", max_length=500)
    status: str | None = Field(default=None, description="A status; none takes it away.")
    assignee: str | None = Field(default=None, description='A name; "" takes it away.')
    note: str | None = Field(default=None, description='A note; "" takes it away.')

    def change(self) -> Change:
        """Raises ConfigError for what cannot be."""
        return Change(
            add=_names(self.add),
            remove=_names(self.remove),
            status="" if self.status == "none" else self.status,
            assignee=self.assignee,
            note=self.note,
        )


class Bulk(Changed):
    """A change of many: its empty fields change nothing."""

    def change(self) -> Change:
        status = self.status or None
        said = {"status": status, "assignee": self.assignee or None, "note": self.note or None}
        return Changed(**self.model_dump(include={"add", "remove"}) | said).change()


class Chosen(Bulk):
    ids: list[str] = Field(default_factory=list, max_length=MOST_CHOSEN)
    back: str = PATH


class One(Changed):
    """Everything about one item, as its form shows it: ``tags`` are all that it shall have."""

    id: str
    tags: str = Field(default="", max_length=2_000)
    back: str = PATH


class Said(BaseModel):
    id: str
    label: Label | None = Field(default=None, description="null: take a person's label back.")
    back: str = PATH


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


# Pages


@router.get(PATH)
def mentions(app: Reading, person: Visitor, asked: Annotated[AskedMentions, In()]) -> Response:
    with app.desk.remembering():
        return _page(app, person, asked)


def _page(app: App, person: Person, asked: AskedMentions) -> Response:
    where = asked.where(app)
    shown = asked.page(app, where)
    node = query.parse(asked.q) if asked.q.strip() else None
    found = shown.found
    following = shown.cursor and asked.link(PATH, cursor=shown.cursor, limit=asked.limit)
    return page(
        "mentions.html",
        frame=frame_of(app, PATH, asked),
        asked=asked,
        found=found,
        told=shown.told,
        total=found.total if found.total_is_exact else count(app, where),
        meaning=node and describe(node),
        hints=query.hints(node) if node else (),
        facets=facets(app, asked),
        following=following,
        zone=app.settings.zone,
        most_rows=MOST_ROWS,
        orders=ORDERS,
        why=_why(app, where),
        entries=app.desk.entries(),
        nothing=Entry(),
        by_person=by_person,
        in_words=in_words,
        saved_link=saved_link,
        statuses=list(Status),
        searches=app.searches.listed_for(person.name),
        may=person.role.covers(Role.ANALYST),
        here=asked.link(PATH, cursor=asked.cursor or "", limit=_unless(asked.limit, 20)),
    )


def _unless(value: int, usual: int) -> int | str:
    return "" if value == usual else value


def saved_link(saved: Saved) -> str:
    return Asked(q=saved.query).link(PATH)


def _why(app: App, where: Filter) -> Why | None:
    if where.text is None:
        return None
    languages = app.store.aggregate(Filter(), by=[Dimension.LANGUAGE])
    return Why(where.text, [bucket.key[0] for bucket in languages])


def count(app: App, where: Filter) -> int:
    return sum(bucket.count for bucket in app.store.aggregate(where, by=[]))


@router.get("/mentions.csv")
def mentions_csv(app: Reading, asked: Annotated[Asked, In()]) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="mentions.csv"'}
    rows = as_csv(app, asked.where(app))
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/mentions/change", dependencies=ANALYST)
def change_chosen(app: Reading, chosen: Annotated[Chosen, Form()]) -> Response:
    """The ones that are ticked."""
    _changed(app, chosen.ids, chosen.change())
    return _back(chosen.back)


@router.post("/mentions/one", dependencies=ANALYST)
def change_one(app: Reading, one: Annotated[One, Form()]) -> Response:
    wanted = _names(one.tags)
    now = app.desk.entries().get(one.id, Entry())
    dropped = tuple(tag for tag in now.tags if tag.casefold() not in map(str.casefold, wanted))
    change = Change(
        add=wanted,
        remove=dropped,
        status=one.status or "",
        assignee=one.assignee or "",
        note=one.note or "",
    )
    _changed(app, [one.id], change)
    return _back(one.back)


@router.post("/mentions/label", dependencies=ANALYST)
def label_one(app: Reading, person: Visitor, said: Annotated[Said, Form()]) -> Response:
    _labelled(app, said, person)
    return _back(said.back)


@router.get("/mentions/all")
def choose_all(app: Reading, asked: Annotated[Asked, In()]) -> Response:
    """How many there are, before anything is done to them."""
    return page(
        "mentions_all.html",
        frame=frame_of(app, PATH, asked),
        asked=asked,
        total=count(app, asked.where(app)),
        statuses=list(Status),
    )


@router.post("/mentions/all", dependencies=ANALYST)
def change_all(
    app: Reading,
    jobs: Jobs_,
    person: Visitor,
    asked: Annotated[Asked, In()],
    changed: Annotated[Bulk, Form()],
) -> Response:
    return RedirectResponse(f"/jobs/{_change_all(app, jobs, person, asked, changed)}", 303)


@router.post("/mentions/export", dependencies=ANALYST)
def export_all(
    app: Reading, jobs: Jobs_, exports: Exports_, person: Visitor, asked: Annotated[Asked, In()]
) -> Response:
    return RedirectResponse(f"/jobs/{_export_all(app, jobs, exports, person, asked)}", 303)


@router.get("/exports/{name}.csv")
def export(exports: Exports_, name: str) -> Response:
    return FileResponse(exports.path(name), media_type="text/csv", filename="mentions.csv")


def _back(path: str) -> Response:
    return RedirectResponse(inside(path, PATH), 303)


# What both do


def _changed(app: App, ids: list[str], change: Change) -> int:
    if not ids:
        raise ConfigError("nothing is chosen: tick some, or use “all that were found”")
    if not change:
        raise ConfigError("nothing is to be changed: name a tag, a status, somebody, or a note")
    return app.desk.change(ids, change)


def _labelled(app: App, said: Said, person: Person) -> None:
    if said.label is None:
        take_back(app.desk, said.id)
    else:
        correct(app.desk, said.id, said.label, person.name)


def _change_all(app: App, jobs: Jobs, person: Person, asked: Asked, changed: Bulk) -> str:
    where, change = asked.where(app), changed.change()
    if not change:
        raise ConfigError("nothing is to be changed: name a tag, a status, somebody, or a note")
    total = count(app, where)

    def work(progress: Progress) -> str:
        app.desk.change((one.id for one in all_found(app.store, where)), change, progress)
        return asked.link(PATH)

    return jobs.start("change", _("Change of %(n)s mentions", n=total), person, work, total=total)


def _export_all(app: App, jobs: Jobs, exports: Exports_, person: Person, asked: Asked) -> str:
    where = asked.where(app)
    total = count(app, where)

    def work(progress: Progress) -> str:
        return exports.write(app, where, progress)

    return jobs.start("export", _("Export of %(n)s mentions", n=total), person, work, total=total)


# REST


@calls.get("/mentions")
def api_mentions(app: Reading, asked: Annotated[AskedMentions, In()]) -> Response:
    """Feedback with what people keep of it, why it was found, and its copies folded."""
    where = asked.where(app)
    shown, why, entries = asked.page(app, where), _why(app, where), app.desk.entries()
    return Json(
        {
            "total": shown.found.total,
            "total_is_exact": shown.found.total_is_exact,
            "cursor": shown.cursor,
            "hits": [
                {
                    **_hit_shape(one.hit, entries, why),
                    "copies": [copy.feedback.id for copy in one.copies],
                }
                for one in shown.told
            ],
        }
    )


def _hit_shape(hit: Hit, entries: dict[str, Entry], why: Why | None) -> dict[str, Any]:
    reasons: list[Reason] = why.reasons(hit) if why else []
    return {
        **shapes.hit(hit),
        "desk": entry_shape(entries.get(hit.feedback.id, Entry())),
        "why": [reason._asdict() for reason in reasons],
        "why_in_words": in_words(reasons),
    }


class ChosenCall(Changed):
    ids: list[str] = Field(max_length=MOST_CHOSEN)


class SaidCall(BaseModel):
    id: str
    label: Label | None = Field(description="null takes a person's label back.")


@calls.post("/mentions/change", dependencies=ANALYST)
def api_change(app: Reading, chosen: ChosenCall) -> Response:
    """Tags, status, assignee and note of these ids; ``changed`` says how many are there."""
    return Json({"changed": _changed(app, chosen.ids, chosen.change())})


@calls.post("/mentions/label", dependencies=ANALYST)
def api_label(app: Reading, person: Visitor, said: SaidCall) -> Response:
    """A person's label of one text, which no model overwrites, or take it back."""
    _labelled(app, Said(id=said.id, label=said.label), person)
    return Json({"id": said.id, "label": said.label})


@calls.post("/mentions/all", dependencies=ANALYST)
def api_change_all(
    app: Reading, jobs: Jobs_, person: Visitor, asked: Annotated[Asked, In()], changed: Bulk
) -> Response:
    """The same of all that the filters find, as a job."""
    return Json({"job": _change_all(app, jobs, person, asked, changed)})


@calls.post("/mentions/export", dependencies=ANALYST)
def api_export(
    app: Reading, jobs: Jobs_, exports: Exports_, person: Visitor, asked: Annotated[Asked, In()]
) -> Response:
    """All that the filters find as CSV, as a job: its ``result`` is where to fetch it."""
    return Json({"job": _export_all(app, jobs, exports, person, asked)})


@calls.get("/labels")
def api_labels(app: Reading) -> Response:
    """Every text that a person has labelled, with what the model had said."""
    return Json({"labels": [labelled_shape(one) for one in labelled(app.store)]})
