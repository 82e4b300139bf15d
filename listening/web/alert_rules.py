"""The pages of rules: all of them, an editor for those that are kept, and trials on the past."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from pydantic import Field as About
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from listening import query
from listening.alerts.rules import Rule, When
from listening.app import App
from listening.cli import alert_shapes as shapes
from listening.desk.searches import Saved
from listening.errors import ConfigError
from listening.protocols import Progress
from listening.records import Note
from listening.rulebook import RuleError
from listening.tree import Field
from listening.web import alert_form as inputs
from listening.web.alert_charts import course_chart, subject
from listening.web.alert_form import Offers
from listening.web.alerts import ANALYST, PATH, framed
from listening.web.api import Json
from listening.web.jobs import Jobs, Jobs_
from listening.web.jobs_pages import started
from listening.web.locale import N_, _
from listening.web.open_alerts import forgetting
from listening.web.people import Person, Visitor
from listening.web.reading import Reading
from listening.web.render import page

RULES, EDITOR, TRIALS = f"{PATH}/rules", f"{PATH}/rule", f"{PATH}/trials"
TRIAL = "trial"  # the kind of note and of job
KEPT = 30  # trials
DAYS = {30: N_("30 days"), 90: N_("90 days"), 180: N_("180 days"), 365: N_("a year")}
MOST_DAYS = 3660

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/alerts", tags=["alerts"])


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=2000)


Posted = Annotated[FormData, Depends(_form)]


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule in the editor; ``revision`` is 0 for a new one, ``wrong`` what cannot be."""

    name: str
    table: Mapping[str, Any]
    revision: int = 0
    wrong: str = ""
    field: str = ""

    @property
    def when(self) -> When:
        try:
            return When(str(self.table.get("when", When.SPIKE)))
        except ValueError:
            return When.SPIKE

    def refused(self, error: RuleError) -> Draft:
        return replace(self, wrong=str(error), field=error.field)


# All of them


@router.get(RULES)
def listed(app: Reading, person: Visitor) -> Response:
    rules = app.alerts.book.written()
    return page(
        "alerts_rules.html",
        **framed(app, person),
        ours=[one for one in rules if not one.is_kept],
        kept=[one for one in rules if one.is_kept],
        WHENS=inputs.WHENS,
        DAYS=DAYS,
    )


@calls.get("/rules")
def api_listed(app: Reading) -> Response:
    """The rules of the settings, and those that are kept; an ``error`` says why one is not read."""
    return Json({"rules": [shapes.rule(one) for one in app.alerts.book.written()]})


# The editor


@router.get(EDITOR)
@router.get(RULES + "/new")
def editor(  # noqa: PLR0913, PLR0917 - parameters of an address
    app: Reading,
    person: Visitor,
    name: str = "",
    when: When | None = None,
    query: str = "",
    trial: str = "",
) -> Response:
    """A kept rule, one that was tried, or a new one that ``query`` narrows."""
    if trial:
        found = _trial(app, trial)
        draft = Draft(found["rule"], found["table"], found["revision"])
    elif name:
        rule = app.alerts.book.find(name)
        if rule is None or not rule.is_kept:
            raise ConfigError(f"no rule {name} is kept; those of the settings stand in their file")
        draft = Draft(name, rule.table, rule.revision, rule.error)
    else:
        draft = Draft("", {"query": query} if query else {})
    if when:
        draft = replace(draft, table={**draft.table, "when": when.value})
    return _edited(app, person, draft)


def _edited(app: App, person: Person, draft: Draft) -> Response:
    groups = inputs.groups(draft.when, Offers.of(app, draft.table))
    shown = {one.name for group in groups for one in group.inputs} | {"name"}
    return page(
        "alerts_rule.html",
        code=400 if draft.wrong else 200,
        **framed(app, person),
        draft=draft,
        groups=groups,
        placed=draft.field in shown,
        written=inputs.written,
        searches=[_named(one) for one in app.searches.listed_for(person.name)],
        WHENS=inputs.WHENS,
        NAMES=inputs.NAMES,
        DAYS=DAYS,
    )


def _named(saved: Saved) -> str:
    """The query that stands for a saved search."""
    return query.format(Field("saved", saved.name))


@router.post(RULES, dependencies=ANALYST)
def posted(app: Reading, person: Visitor, jobs: Jobs_, form: Posted) -> Response:
    """Save a rule or try it on the past; a mistake is shown where it was made."""
    draft = _drafted(form)
    try:
        if form.get("do") == "try":
            rule = app.alerts.read(draft.name, draft.table)
            return started(_tried(app, person, jobs, Tried(draft, rule, _days(form))))
        app.alerts.keep(draft.name, draft.table, by=person.name, revision=draft.revision)
    except RuleError as error:
        return _edited(app, person, draft.refused(error))
    forgetting()()
    return RedirectResponse(RULES, 303)


def _drafted(form: FormData) -> Draft:
    revision = _text(form, "revision")
    kept = int(revision) if revision.isdecimal() else 0
    if table := _text(form, "table"):  # as it was tried
        try:
            return Draft(_text(form, "name"), dict(json.loads(table)), kept)
        except (ValueError, TypeError) as error:
            raise ConfigError("the rule that was tried cannot be read; try it again") from error
    when = Draft("", {"when": _text(form, "when") or When.SPIKE}).when
    offers = Offers(dict.fromkeys(("brand", "source", "language", "segment"), ()), ())
    asked = [one for group in inputs.groups(when, offers) for one in group.inputs]
    return Draft(_text(form, "name"), inputs.table_of(form, asked, when), kept)


def _text(form: FormData, name: str) -> str:
    found = form.get(name, "")
    return found.strip() if isinstance(found, str) else ""


def _days(form: FormData) -> int:
    text = _text(form, "days")
    return min(int(text), MOST_DAYS) if text.isdecimal() and int(text) else 90


@router.post(RULES + "/{name}/switch", dependencies=ANALYST)
def switch(app: Reading, person: Visitor, name: str) -> Response:
    """On where it was off, and off where it was on."""
    rule = app.alerts.book.find(name)
    if rule is None or not rule.is_kept:
        raise ConfigError(f"no rule {name} is kept; those of the settings stand in their file")
    table = {key: value for key, value in rule.table.items() if key != "enabled"}
    if rule.is_on:
        table["enabled"] = False
    app.alerts.keep(name, table, by=person.name, revision=rule.revision)
    forgetting()()
    return RedirectResponse(RULES, 303)


@router.post(RULES + "/{name}/remove", dependencies=ANALYST)
def remove(app: Reading, name: str) -> Response:
    app.alerts.remove(name)
    forgetting()()
    return RedirectResponse(RULES, 303)


class Ruled(BaseModel):
    """``table`` is what would stand in ``[alerts.rules.NAME]`` of the settings."""

    name: str = About(max_length=60)
    table: dict[str, Any]
    revision: int = About(default=0, ge=0, description="Of the one it replaces; 0: a new one.")


@calls.post("/rules", dependencies=ANALYST)
def api_keep(app: Reading, person: Visitor, wanted: Ruled) -> Response:
    """Keep a rule; 400 names the ``field`` that is wrong."""
    try:
        app.alerts.keep(wanted.name, wanted.table, by=person.name, revision=wanted.revision)
    except RuleError as error:
        return _refused(error)
    forgetting()()
    found = app.alerts.book.find(wanted.name)
    return Json(shapes.rule(found) if found else {}, 201)


def _refused(error: RuleError) -> Response:
    said = {"error": "RuleError", "message": str(error), "field": error.field or None}
    return Json(said, 400)


@calls.delete("/rules/{name}", dependencies=ANALYST)
def api_remove(app: Reading, name: str) -> Response:
    """Take a kept rule away, with its alerts."""
    app.alerts.remove(name)
    forgetting()()
    return Json({"removed": name})


# Trials


@dataclass(frozen=True, slots=True)
class Tried:
    draft: Draft
    rule: Rule
    days: int


def _tried(app: App, person: Person, jobs: Jobs, wanted: Tried) -> str:
    """Start the trial; returns the job's id."""
    if wanted.rule.when is When.INSTANT:
        raise RuleError("it tells every single answer: there is nothing to try", "when")
    key = secrets.token_hex(6)

    def work(progress: Progress) -> str:
        found = app.alerts.trial(wanted.rule, wanted.days, progress)
        about = {
            "rule": wanted.draft.name,
            "table": dict(wanted.draft.table),
            "revision": wanted.draft.revision,
            "at": app.alerts.now().isoformat(),
        }
        app.store.save_note(TRIAL, key, json.dumps(about | found.as_json()), revision=0)
        _prune(app)
        return f"{TRIALS}/{key}"

    title = _("Try the rule %(name)s on the past", name=wanted.draft.name)
    return jobs.start(TRIAL, title, person, work)


def _prune(app: App) -> None:
    """A note cannot be taken away, but made empty."""

    def made(item: tuple[str, Note]) -> str:
        return str(json.loads(item[1].value)["at"])

    full = [item for item in app.store.notes(TRIAL).items() if item[1].value]
    for key, note in sorted(full, key=made, reverse=True)[KEPT:]:
        app.store.save_note(TRIAL, key, "", revision=note.revision)


def _trial(app: App, key: str) -> dict[str, Any]:
    note = app.store.notes(TRIAL).get(key)
    if note is None or not note.value:
        raise ConfigError("that trial is no longer kept; try the rule again")
    return cast("dict[str, Any]", json.loads(note.value))


@router.post(TRIALS, dependencies=ANALYST)
def try_kept(app: Reading, person: Visitor, jobs: Jobs_, form: Posted) -> Response:
    """A rule as it is, of the settings too."""
    found = app.alerts.book.find(_text(form, "rule"))
    if found is None or found.rule is None:
        raise ConfigError("there is no such rule that can be read")
    draft = Draft(found.name, found.table, found.revision)
    return started(_tried(app, person, jobs, Tried(draft, found.rule, _days(form))))


@router.get(TRIALS + "/{key}")
def trial(app: Reading, person: Visitor, key: str) -> Response:
    found = _trial(app, key)
    in_settings = found["rule"] in app.settings.alerts.rules
    rule = Rule(name="") if in_settings else _readable(app, found)
    label = subject(app.settings.alerts.rules.get(found["rule"], rule))
    return page(
        "alerts_trial.html",
        **framed(app, person),
        key=key,
        found=found,
        in_settings=in_settings,
        table=json.dumps(found["table"]),
        charts=[
            (" · ".join(one["scope"]) or found["rule"], course_chart(one, label, app.settings.zone))
            for one in found["courses"]
        ],
    )


def _readable(app: App, found: Mapping[str, Any]) -> Rule:
    """The rule that was tried, for what its bars are called; another version may not read it."""
    try:
        return app.alerts.book.read(found["rule"], found["table"])
    except RuleError:
        return Rule(name="")


class Trying(BaseModel):
    """A rule by its name, or one that is not kept yet by its ``table`` too."""

    name: str = About(max_length=60)
    table: dict[str, Any] | None = None
    days: int = About(default=90, ge=1, le=MOST_DAYS)


@calls.post("/backtest", dependencies=ANALYST)
def api_try(app: Reading, person: Visitor, jobs: Jobs_, wanted: Trying) -> Response:
    """When a rule would have rung, as a job whose ``result`` ends in the trial's key."""
    try:
        if wanted.table is None:
            rule = app.alerts.rule(wanted.name)
            draft = Draft(wanted.name, {})
        else:
            rule = app.alerts.read(wanted.name, wanted.table)
            draft = Draft(wanted.name, wanted.table)
        return Json({"job": _tried(app, person, jobs, Tried(draft, rule, wanted.days))}, 202)
    except RuleError as error:
        return _refused(error)


@calls.get("/trials/{key}")
def api_trial(app: Reading, key: str) -> Response:
    """What a back-test found: alarms with their evidence, and the course of the series."""
    return Json(_trial(app, key))
