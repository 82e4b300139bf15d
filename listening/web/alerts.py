"""The pages of alerts: what fires and why, and what people do about it. The same in REST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from glob import escape
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi import Query as In
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from listening import query
from listening.alerting import Alerting, Shown
from listening.alerts.alert import Outcome
from listening.alerts.evaluate import answers
from listening.alerts.evidence import OTHERS
from listening.alerts.ledger import Entry
from listening.alerts.muting import silenced
from listening.alerts.rules import Rule, When
from listening.alerts.watch import Scope
from listening.app import App
from listening.cli import alert_shapes as shapes
from listening.errors import ConfigError
from listening.protocols import Progress
from listening.rulebook import Written
from listening.tree import Field as Term
from listening.views.reproduce import as_query
from listening.web.alert_charts import course_chart, subject
from listening.web.api import Json
from listening.web.asked import Asked, both
from listening.web.jobs import Again, Jobs_
from listening.web.jobs_pages import started
from listening.web.locale import N_, _
from listening.web.locale_terms import clock
from listening.web.open_alerts import forgetting, name_of
from listening.web.pages import Frame
from listening.web.people import Person, Role, Visitor, inside, needs
from listening.web.reading import Reading
from listening.web.render import page

PATH = "/alerts"
JOB = "alerts"  # the kind
MOST = 200  # alerts on a page
OFF, GONE = "off", "gone"
STATES = {
    "firing": N_("firing"),
    "recovering": N_("recovering"),
    "pending": N_("pending"),
    "learning": N_("learning"),
    "no data": N_("no data"),
    "error": N_("error"),
    "normal": N_("normal"),
    "resolved": N_("resolved"),
    OFF: N_("switched off"),
    GONE: N_("its rule is gone"),
}
SPANS = {
    "30m": N_("30 minutes"),
    "2h": N_("2 hours"),
    "8h": N_("8 hours"),
    "1d": N_("1 day"),
    "7d": N_("7 days"),
}
_FIELDS = ("source", "kind", "language", "segment", "service")
_TERMS = ("country", "touchpoint", "campaign", "question", "author")
REASONS = {
    "started": N_("began"),
    "repeated": N_("goes on"),
    "escalated": N_("is worse or waits for you"),
    "resolved": N_("is over"),
    "missing": N_("cannot be seen"),
    "returned": N_("can be seen again"),
    "answer": N_("needs an answer"),
}

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/alerts", tags=["alerts"])
ANALYST = [needs(Role.ANALYST)]


@dataclass(frozen=True, slots=True)
class Row:
    """An alert of the list; ``outcome`` is its alarm's worst, else the latest."""

    entry: Entry
    state: str
    error: str
    silenced: bool

    @property
    def outcome(self) -> Outcome | None:
        alert = self.entry.alert
        return alert.episode.peak if alert.episode else alert.latest

    @property
    def name(self) -> str:
        return name_of(self.entry.alert.labels)

    @property
    def since(self) -> datetime | None:
        alert = self.entry.alert
        return alert.episode.started if alert.episode else alert.since


class Wanted(BaseModel):
    """Which alerts."""

    state: str = Field(default="", description="firing, pending, learning, no data, error, …")
    rule: str = ""
    brand: str = ""

    def without(self, name: str) -> dict[str, str]:
        """The others."""
        return {key: value for key, value in self if key not in {name, "tested"}}


def rows(alerts: Alerting, wanted: Wanted) -> list[Row]:
    """Those that fire first, as ``STATES`` has them."""
    written = {one.name: one for one in alerts.book.written()}
    quiet, now = alerts.silences().values(), alerts.now()
    found = [
        Row(entry, *_state(entry, written), silenced(entry.alert.labels, quiet, now))
        for entry in alerts.entries()
    ]
    order = list(STATES)
    chosen = [row for row in found if _is_wanted(row, wanted)]
    return sorted(chosen, key=lambda row: (order.index(row.state), row.name))


def _state(entry: Entry, written: Mapping[str, Written]) -> tuple[str, str]:
    alert = entry.alert
    rule = written.get(alert.labels.get("rule", ""))
    if rule is None:
        return GONE, ""
    if rule.rule is None:
        return "error", rule.error
    return (alert.status.value if rule.is_on else OFF), alert.error


def _is_wanted(row: Row, wanted: Wanted) -> bool:
    labels = row.entry.alert.labels
    return (
        wanted.state in ("", row.state)
        and wanted.rule in ("", labels.get("rule", ""))
        and wanted.brand in ("", labels.get("brand", ""))
    )


# The list


class Listed(Wanted):
    """With the channel that was tested just now."""

    tested: str = ""


@router.get(PATH)
def listed(app: Reading, person: Visitor, wanted: Annotated[Listed, In()]) -> Response:
    alerts = app.alerts
    found, waiting = rows(alerts, wanted), alerts.channels()
    channels = {name: waiting.get(name) for name in app.settings.alerts.channels}
    return page(
        "alerts.html",
        **framed(app, person),
        rows=found[:MOST],
        more=max(0, len(found) - MOST),
        wanted=wanted,
        channels=channels,
        others={name: one for name, one in waiting.items() if name not in channels},
        silences=alerts.silences(),
        has_rules=bool(alerts.book.written()),
        tested=wanted.tested if wanted.tested in channels else "",
    )


def framed(app: App, person: Person) -> dict[str, Any]:
    """What every page of alerts is given."""
    return {
        "frame": Frame(PATH, Asked()),
        "asked": Asked(),
        "may": person.role.covers(Role.ANALYST),
        "zone": app.settings.zone,
        "STATES": STATES,
        "SPANS": SPANS,
        "REASONS": REASONS,
        "all_of": all_of,
        "asked_of": asked_of,
        "at": lambda text: clock(datetime.fromisoformat(text), app.settings.zone),
    }


def all_of(found: str) -> str:
    """Where the texts that a query finds are read."""
    return Asked(q=found).mentions()


def asked_of(
    found: str, *, part: Mapping[str, Any] | None = None, word: Mapping[str, Any] | None = None
) -> str | None:
    """The same, of a part of the evidence or with a word; None for what no query finds."""
    if word is not None:
        more = {"language": (word["language"],)} if word["language"] else {}
        return Asked(q=both(found, f'"{word["term"]}"')).mentions(**more)
    assert part is not None  # noqa: S101 - one of them
    name, value = part["dimension"], part["value"]
    if value in ("", OTHERS) or not float(part["observed"]).is_integer() or not part["observed"]:
        return None
    if name in _FIELDS:
        return Asked(q=found).mentions(**{name: (value,)})
    return all_of(f"({found}) {query.format(Term(name, value))}") if name in _TERMS else None


@calls.get("")
def api_listed(app: Reading, wanted: Annotated[Wanted, In()]) -> Response:
    """All alerts, those that fire first; with channels that have not taken everything."""
    alerts = app.alerts
    return Json(
        {
            "alerts": [
                shapes.entry(row.entry) | {"state": row.state, "silenced": row.silenced}
                for row in rows(alerts, wanted)
            ],
            "channels": {
                name: {"waiting": one.waiting, "error": one.error or None}
                for name, one in alerts.channels().items()
            },
            "silences": [shapes.silence(key, one) for key, one in alerts.silences().items()],
        }
    )


# One


@router.get(PATH + "/{fingerprint}")
def shown(app: Reading, person: Visitor, fingerprint: str) -> Response:
    found = app.alerts.show(fingerprint)
    written = app.alerts.book.find(found.entry.alert.labels.get("rule", ""))
    state, error = _state(found.entry, {written.name: written} if written else {})
    rule = written.rule if written else None
    quiet = {
        key: one
        for key, one in app.alerts.silences().items()
        if one.matches(found.entry.alert.labels)
    }
    return page(
        "alerts_one.html",
        **framed(app, person),
        found=found,
        row=Row(found.entry, state, error, bool(quiet)),
        labels={name: f"{name}={escape(value)}" for name, value in _chosen(found.entry)},
        written=written,
        evidence=found.evidence.as_json() if found.evidence else None,
        chart=_chart(app, found, rule) if rule else None,
        single=_single(app, found.entry, rule) if rule else None,
        quiet=quiet,
    )


def _chosen(entry: Entry) -> Iterator[tuple[str, str]]:
    """The labels to silence by, those that say what it is about first."""
    labels = entry.alert.labels
    for name in ("brand", "source", "language", "segment", "rule", "owner", "group"):
        if name in labels:
            yield name, labels[name]


def scope_of(rule: Rule, labels: Mapping[str, str]) -> Scope:
    return tuple(labels.get(part.value, "") for part in rule.by)


def _chart(app: App, found: Shown, rule: Rule) -> Any:  # noqa: ANN401 - SVG or None
    if found.outcome is None or found.outcome.observed is None or rule.when is When.INSTANT:
        return None
    scope = scope_of(rule, found.entry.alert.labels)
    course = app.alerts.course(rule, scope, found.outcome)
    return course_chart(course.as_json(), subject(rule), app.settings.zone)


def _single(app: App, entry: Entry, rule: Rule) -> str | None:
    """Where the answers that an instant rule tells of are read."""
    if rule.when is not When.INSTANT:
        return None
    watch = app.alerts.watch(rule)
    where = answers(rule, watch.narrowed(scope_of(rule, entry.alert.labels)))
    return Asked(q=as_query(where)).mentions()


@calls.get("/{fingerprint}")
def api_shown(app: Reading, fingerprint: str) -> Response:
    """An alert with its evidence, what happened to it, and what is still to be told."""
    return Json(shapes.shown(app.alerts.show(fingerprint)))


# What people do


@router.post(PATH + "/evaluate", dependencies=ANALYST)
def evaluate(app: Reading, person: Visitor, jobs: Jobs_) -> Response:
    return started(_evaluation(app, person, jobs))


@calls.post("/evaluate", dependencies=ANALYST)
def api_evaluate(app: Reading, person: Visitor, jobs: Jobs_) -> Response:
    """Evaluate all rules and send what is due, as a job."""
    return Json({"job": _evaluation(app, person, jobs)}, 202)


def _evaluation(app: App, person: Person, jobs: Jobs_) -> str:
    changed = forgetting()

    def work(progress: Progress) -> str:
        done = app.alerts.evaluate()
        progress(len(done.rules))
        changed()
        return PATH

    title = _("Evaluate all rules")
    return jobs.start(JOB, title, person, work, again=Again(f"{PATH}/evaluate"))


@router.post(PATH + "/{fingerprint}/acknowledge", dependencies=ANALYST)
def acknowledge(app: Reading, person: Visitor, fingerprint: str) -> Response:
    app.alerts.acknowledge(fingerprint, person.name)
    return RedirectResponse(f"{PATH}/{fingerprint}", 303)


@calls.post("/{fingerprint}/acknowledge", dependencies=ANALYST)
def api_acknowledge(app: Reading, person: Visitor, fingerprint: str) -> Response:
    """Nobody is reminded of this alarm any more."""
    return Json(shapes.entry(app.alerts.acknowledge(fingerprint, person.name)))


class Silencing(BaseModel):
    """``label``: ``name=value`` each, all of which must hold; * stands for anything."""

    label: list[str] = Field(min_length=1, max_length=10)
    span: str = Field(default="2h", max_length=10, description="Such as 30m, 2h or 7d.")
    comment: str = Field(default="", max_length=500)
    back: str = PATH

    def begin(self, alerts: Alerting, person: Person) -> str:
        pairs = [one.partition("=") for one in self.label if one.strip()]
        if wrong := [name for name, equals, value in pairs if not (name and equals and value)]:
            raise ConfigError(f"{wrong[0]!r} is no label; write e.g. brand=Amberwing or rule=*")
        matchers = {name.strip(): value.strip() for name, _equals, value in pairs}
        return alerts.silence(matchers, self.span, person.name, self.comment.strip())


@router.post(PATH + "/silences", dependencies=ANALYST)
def silence(app: Reading, person: Visitor, form: Annotated[Silencing, Form()]) -> Response:
    form.begin(app.alerts, person)
    return RedirectResponse(inside(form.back, PATH), 303)


@calls.post("/silences", dependencies=ANALYST)
def api_silence(app: Reading, person: Visitor, wanted: Silencing) -> Response:
    """Nobody is told of alerts with these labels for a while."""
    return Json({"id": wanted.begin(app.alerts, person)}, 201)


@router.post(PATH + "/silences/{key}/end", dependencies=ANALYST)
def end_silence(app: Reading, key: str, back: Annotated[str, Form()] = PATH) -> Response:
    app.alerts.end_silence(key)
    return RedirectResponse(inside(back, PATH), 303)


@calls.delete("/silences/{key}", dependencies=ANALYST)
def api_end_silence(app: Reading, key: str) -> Response:
    app.alerts.end_silence(key)
    return Json({"ended": key})


@router.post(PATH + "/test", dependencies=ANALYST)
def test(app: Reading, channel: Annotated[str, Form()]) -> Response:
    app.alerts.test(channel)
    return RedirectResponse(Asked().link(PATH, tested=channel) + "#channels", 303)


@calls.post("/channels/{channel}/test", dependencies=ANALYST)
def api_test(app: Reading, channel: str) -> Response:
    """Send a message to a channel; 400 or 503 say why it was not taken."""
    app.alerts.test(channel)
    return Json({"channel": channel, "sent": True})
