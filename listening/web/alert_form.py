"""The form of a rule: its inputs by what the rule asks, and what was written made a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.datastructures import FormData

from listening.alerts.rules import Day, Part, Rule, Severity, When, Width
from listening.app import App
from listening.records import Dimension, Filter, Kind, Label, Scale
from listening.rulebook import plain
from listening.web.locale import N_

MOST_OFFERED = 500  # values of a dimension
_USUAL = Rule(name="")

WHENS = {
    When.SPIKE: N_("More negative texts than chance explains"),
    When.THRESHOLD: N_("So many texts, or such a share, within a time"),
    When.DROP: N_("NPS, CSAT or another figure falls"),
    When.INSTANT: N_("A single bad answer"),
    When.OUTAGE: N_("Nothing was collected"),
}
# What choices are called; all others as ``term`` says.
NAMES: Mapping[str, str] = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
    "info": N_("info"),
    "warning": N_("warning"),
    "critical": N_("critical"),
}


class Input(NamedTuple):
    """An option of a rule. ``kind``: text, words, span, number, switch, choice, many, ticks."""

    name: str
    label: str
    kind: str = "text"
    help: str = ""
    choices: Sequence[str] = ()

    @property
    def usual(self) -> Any:  # noqa: ANN401 - of any option
        return plain(getattr(_USUAL, self.name))


class Group(NamedTuple):
    title: str
    inputs: Sequence[Input]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """What there is to choose from."""

    values: Mapping[str, Sequence[str]]
    channels: Sequence[str]

    @classmethod
    def of(cls, app: App, table: Mapping[str, Any]) -> Offers:
        """What is stored, and what the rule names already."""
        found = {}
        for part in Part:
            stored = app.store.aggregate(Filter(), by=[Dimension(part.value)])
            named = [one for one in _listed(table.get(part.value, [])) if isinstance(one, str)]
            values = {bucket.key[0] for bucket in stored if bucket.key[0]}
            found[part.value] = sorted({*sorted(values)[:MOST_OFFERED], *named})
        return cls(found, tuple(app.settings.alerts.channels))


def groups(when: When, offers: Offers) -> list[Group]:
    """The inputs of a rule that asks that."""
    found = [
        Group(N_("What it watches"), tuple(_watched(offers))),
        Group(N_("When it rings"), _OWN[when]),
        Group(N_("Whom it tells"), tuple(_told(offers))),
    ]
    if when is not When.INSTANT:
        found.append(Group(N_("How long"), tuple(_lasting(when, offers)), folded=True))
    return [*found, Group(N_("Details"), _DETAILS, folded=True)]


def _watched(offers: Offers) -> Iterator[Input]:
    yield Input(
        "query",
        N_("Query"),
        help=N_("Only what it finds, or a saved search; empty: everything."),
        kind="query",
    )
    names = {
        Part.BRAND: N_("Brands"),
        Part.SOURCE: N_("Sources"),
        Part.LANGUAGE: N_("Languages"),
        Part.SEGMENT: N_("Segments"),
    }
    for part, label in names.items():
        yield Input(part.value, label, "many", N_("None chosen: all."), offers.values[part.value])
    yield Input("kinds", N_("Kinds"), "ticks", choices=tuple(Kind))
    yield Input("by", N_("Each of these by itself"), "ticks", choices=tuple(Part))


_BUCKET = Input("bucket", N_("Counted by"), "choice", choices=tuple(Width))
_WITHIN = Input("within", N_("Within"), "span", N_("Such as 15m, 6h or 7d."))
_LABEL = Input("label", N_("Sentiment"), "choice", choices=("", *Label))
_SCALE = Input("scale", N_("Scale"), "choice", choices=("", *Scale))
_LEAST = Input("least", N_("From so many texts or answers"), "number")
_OWN: Mapping[When, tuple[Input, ...]] = {
    When.SPIKE: (
        Input(
            "false_alarms",
            N_("False alarms in 30 days, at most"),
            "number",
            N_("On each brand; 0.1 is one in ten months."),
        ),
        _BUCKET,
        Input("windows", N_("Windows"), "words", N_("Buckets looked at together: 1, 3, 24.")),
        Input("least_count", N_("Negative texts, at least"), "number"),
        Input("least_excess", N_("More than expected, at least"), "number"),
        Input("least_ratio", N_("Times as many as expected, at least"), "number"),
        Input("surges", N_("Also when all talk rises"), "switch"),
    ),
    When.THRESHOLD: (
        _LABEL,
        Input("count", N_("Texts, at least"), "number"),
        Input("share", N_("Or their share, at least"), "number", N_("0.4 is 40 %.")),
        _LEAST._replace(help=N_("For a share.")),
        _WITHIN,
        _BUCKET,
    ),
    When.DROP: (
        _SCALE,
        Input("points", N_("Lower by"), "number"),
        Input("confidence", N_("With confidence"), "number"),
        _WITHIN,
        Input("against", N_("Compared with the time before it"), "span"),
        _LEAST,
        _BUCKET,
    ),
    When.INSTANT: (
        _SCALE,
        Input("at_most", N_("An answer of at most"), "number"),
        _LABEL._replace(label=N_("Or a text of this sentiment")),
        _WITHIN._replace(label=N_("Not older than")),
    ),
    When.OUTAGE: (_WITHIN, _BUCKET),
}


def _told(offers: Offers) -> Iterator[Input]:
    yield Input("channels", N_("Channels"), "ticks", choices=offers.channels)
    yield Input("severity", N_("Severity"), "choice", choices=tuple(Severity))
    yield Input("owner", N_("Owner"), help=N_("Who looks after it."))
    yield Input("group", N_("Group"), help=N_("What a channel gets in one message."))
    yield Input("quiet_hours", N_("Quiet hours"), help=N_("Such as 22:00-07:00; messages wait."))
    yield Input("quiet_days", N_("Quiet days"), "ticks", choices=tuple(Day))


def _lasting(when: When, offers: Offers) -> Iterator[Input]:
    yield Input("pending_for", N_("Must hold for"), "span", N_("Before it is an alarm."))
    yield Input("keep_firing_for", N_("Must not hold for"), "span", N_("Before it is over."))
    yield Input("cooldown", N_("Then none for"), "span")
    if when is When.SPIKE:
        yield Input(
            "escalate_decades", N_("Told again when it is rarer by powers of ten"), "number"
        )
    yield Input("repeat_interval", N_("Told again after"), "span", N_("0s: never."))
    yield Input("escalate_after", N_("Told to more after"), "span", N_("If nobody acknowledged."))
    yield Input("escalation", N_("And to these"), "ticks", choices=offers.channels)
    yield Input("no_data_after", N_("Tell that data are missing after"), "span")
    yield Input("inhibits", N_("Keeps silent"), "words", N_("Other rules, by name or spik*."))
    yield Input("equal", N_("Where these are the same"), "words")


_DETAILS = (
    Input("delay", N_("Texts may be late by"), "span"),
    Input("zone", N_("Time zone"), help=N_("Such as Europe/Riga.")),
)


def table_of(form: FormData, inputs: Sequence[Input], when: When) -> dict[str, Any]:
    """What was written, without what is usual; a number that is none stays as it was typed."""
    found: dict[str, Any] = {} if when is When.SPIKE else {"when": when.value}
    if "enabled" in form and form["enabled"] == "no":
        found["enabled"] = False
    for one in inputs:
        value = _read(form, one)
        if value not in ("", None) and value != one.usual:
            found[one.name] = value
    return found


def _read(form: FormData, one: Input) -> Any:  # noqa: ANN401 - of any option
    given = [value.strip() for value in form.getlist(one.name) if isinstance(value, str)]
    if one.kind in {"many", "ticks"}:
        return [value for value in given if value]
    if one.kind == "switch":
        return bool(given)
    text = given[0] if given else ""
    if one.kind == "words" and text:
        return [_number(word.strip()) for word in text.split(",") if word.strip()]
    return _number(text) if one.kind == "number" else text


def _number(text: str) -> Any:  # noqa: ANN401 - what is none is said at its input
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | float) and not isinstance(found, bool) else text


def written(table: Mapping[str, Any], one: Input) -> Any:  # noqa: ANN401 - of any option
    """What stands in an input: its text, or the values chosen."""
    if one.kind in {"many", "ticks"}:
        return [str(value) for value in _listed(table.get(one.name, one.usual))]
    value = table.get(one.name)
    if one.kind == "switch":
        return bool(value)
    if one.kind == "choice":
        return str(one.usual or "" if value is None else value)
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - one value or several, as in the settings
    return list(value) if isinstance(value, list | tuple) else [value]
