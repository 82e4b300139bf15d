"""What an address asks for: the filters of a page, made a Filter, and addresses made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from listening import query
from listening.app import App
from listening.errors import ConfigError
from listening.records import Filter, Kind, Label, Scale, Window
from listening.stores.reading import MOST_HITS
from listening.tree import And, Node, Not, Or
from listening.tree import Field as Operator

NONE = "none"
DESK = query.DESK
SCORED = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
MOST_VALUES = 50
_DAY = timedelta(days=1)

Values = Annotated[tuple[str, ...], Field(max_length=MOST_VALUES)]


class Asked(BaseModel):
    """The filters of a page or call; several values of one field are alternatives."""

    model_config = ConfigDict(frozen=True)

    q: str = Field(default="", description="Query, in the query language; empty finds everything.")
    brand: Values = ()
    source: Values = ()
    language: Values = Field(
        default=(), description="Language tags, e.g. lv, exactly as they are stored."
    )
    sentiment: tuple[Label | Literal["none"], ...] = Field(
        default=(), description="none: without sentiment, as ratings without a text are."
    )
    kind: tuple[Kind, ...] = ()
    segment: Values = ()
    service: Values = ()
    tag: Values = Field(default=(), description="Tags that people gave; none: without one.")
    status: Values = Field(default=(), description="How far people are; none: without one.")
    assignee: Values = Field(default=(), description="Who cares for it; none: nobody.")
    score: str = Field(default="", description="Answers on a scale, e.g. nps:0..10 or stars:1.")
    since: date | None = Field(
        default=None, description="First day, in the time zone of the settings."
    )
    to: date | None = Field(default=None, description="Last day, itself included.")
    by: Literal["day", "week", "month"] | None = Field(default=None, description="Steps over time.")

    @field_validator("since", "to", "by", mode="before")
    @classmethod
    def _left_empty(cls, value: Any) -> Any:  # noqa: ANN401 - whatever an address holds
        return value or None

    @field_validator(
        *("brand", "source", "language", "sentiment", "kind", "tag", "status", "assignee"),
        mode="before",
    )
    @classmethod
    def _none_chosen(cls, values: Any) -> Any:  # noqa: ANN401 - whatever an address holds
        return tuple(value for value in values if value != "")

    def where(self, app: App) -> Filter:
        """Raises ConfigError for a query, answer or period that cannot be."""
        found = app.where(self.q, self._window(ZoneInfo(app.settings.zone)))
        text = _all_of(found.text, self._answers(), self._without(), self._desk(app))
        labels = tuple(one for one in self.sentiment if isinstance(one, Label))
        return replace(
            found,
            brand=self.brand or None,
            source=self.source or None,
            language=self.language or None,
            kind=self.kind or None,
            segment=self.segment or None,
            service=self.service or None,
            label=(labels or None) if NONE not in self.sentiment else None,
            text=text,
        )

    def _window(self, zone: ZoneInfo) -> Window:
        if self.since and self.to and self.since > self.to:
            raise ConfigError(f"from {self.since} is after to {self.to}; swap them")
        try:
            until = self.to + _DAY if self.to else None
            return Window(since=_midnight(self.since, zone), until=_midnight(until, zone))
        except OverflowError as error:
            raise ConfigError(
                f"no calendar goes on after {self.to}; name an earlier day"
            ) from error

    def _answers(self) -> Node | None:
        if not self.score:
            return None
        try:
            node = query.parse(self.score)
        except query.QueryError as error:  # its position would be taken for one in ``q``
            raise ConfigError(f"score: {error}") from error
        if not (isinstance(node, Operator) and node.name in list(Scale)):
            raise ConfigError(f"score={self.score!r} is no scale; write e.g. score=nps:9..10")
        return node

    def _without(self) -> Node | None:
        """What has no sentiment has none of the labels that were not asked for."""
        if NONE not in self.sentiment:
            return None
        unwanted = tuple(
            Operator("sentiment", label) for label in Label if label not in self.sentiment
        )
        return Not(Or(unwanted)) if len(unwanted) > 1 else Not(unwanted[0]) if unwanted else None

    def _desk(self, app: App) -> Node | None:
        parts = [one_of(name, getattr(self, name)) for name in DESK if getattr(self, name)]
        node = _all_of(*parts)
        return node and app.desk.looked_up(node)

    def link(self, path: str, **changes: Any) -> str:  # noqa: ANN401 - values of the fields
        """The address of ``path`` with these filters, some of them changed; "" takes one away."""
        values = {name: changes.get(name, getattr(self, name)) for name in Asked.model_fields}
        more = {name: value for name, value in changes.items() if name not in values}
        given = {name: value for name, value in (values | more).items() if value}
        return f"{path}?{urlencode(given, doseq=True)}" if given else path

    def mentions(self, **changes: Any) -> str:  # noqa: ANN401 - likewise
        """Where the feedback behind a figure is read, which these filters narrow as well."""
        if self.sentiment and "sentiment" in changes:
            wanted = changes["sentiment"]
            wanted = (wanted,) if isinstance(wanted, str) else wanted
            changes["sentiment"] = tuple(one for one in wanted if one in self.sentiment)
        if self.score and "score" in changes:
            changes["q"] = both(changes.get("q", self.q), self.score)
        return self.link("/mentions", by="", **changes)

    def within(self, since: date, until: date) -> dict[str, date]:
        """Changes for a link that narrows to the days before ``until``."""
        last = until - _DAY
        return {
            "since": max(since, self.since) if self.since else since,
            "to": min(last, self.to) if self.to else last,
        }

    @property
    def is_narrowed(self) -> bool:
        return any(getattr(self, name) for name in Asked.model_fields if name != "by")


class AskedPage(Asked):
    """With the page that is wanted."""

    cursor: str | None = Field(default=None, description="Where the last page ended.")
    limit: int = Field(default=20, ge=1, le=MOST_HITS, description="At most so many.")


def both(text: str, more: str) -> str:
    """The query that finds what both do; ``more`` needs no parentheses."""
    return f"({text}) {more}" if text.strip() else more


def one_of(name: str, values: Sequence[str]) -> Node:
    """What has one of the values of a desk field; it is yet to be looked up."""
    any_ = Operator(name, query.ANY)
    parts = tuple(Not(any_) if value == NONE else Operator(name, value) for value in values)
    return Or(parts) if len(parts) > 1 else parts[0]


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, time(), zone) if day else None


def _all_of(*parts: Node | None) -> Node | None:
    given = tuple(part for part in parts if part is not None)
    return And(given) if len(given) > 1 else next(iter(given), None)
