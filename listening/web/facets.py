"""What the feedback of a page falls into, each part a link that narrows to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from listening.app import App
from listening.desk import Entry, by_value
from listening.records import Dimension, Filter
from listening.tree import And, Field, Node
from listening.web.asked import DESK, NONE, Asked, one_of
from listening.web.locale import _
from listening.web.locale_terms import language, term

MOST = 12
_FACETS = {
    "sentiment": Dimension.LABEL,
    "brand": Dimension.BRAND,
    "source": Dimension.SOURCE,
    "language": Dimension.LANGUAGE,
    "kind": Dimension.KIND,
}
_SHOWN = {"sentiment": term, "kind": term, "status": term, "language": language}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``href`` narrows to it or, where it is chosen already, takes that back."""

    name: str
    count: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """The most frequent choices of a field; ``more`` counts those left out."""

    name: str
    choices: tuple[Choice, ...]
    more: int


def facets(app: App, asked: Asked) -> list[Facet]:
    """The counts are those that each link will find."""
    found = [_facet(app, asked, name, dimension) for name, dimension in _FACETS.items()]
    return [*found, *_of_desk(app, asked, app.desk.entries())]


def _of_desk(app: App, asked: Asked, entries: Mapping[str, Entry]) -> Iterator[Facet]:
    """Status, tags and assignees, once somebody gave any."""
    for name in DESK:
        chosen = getattr(asked, name)
        given = by_value(entries, name)
        if not given and not chosen:
            continue
        where = asked.model_copy(update={name: ()}).where(app)
        likely = dict.fromkeys([*chosen, *list(given)[:MOST], NONE])
        counts = {value: _count(app, where, _meant(app, name, value, given)) for value in likely}
        shown = {value: n for value, n in counts.items() if n or value in chosen}
        more = len(given) - sum(value in given for value in likely)
        yield _ranked(asked, name, shown, more)


def _meant(app: App, name: str, value: str, given: Mapping[str, frozenset[str]]) -> Node:
    if value in given:
        return Field(name, value, ids=given[value])
    return app.desk.looked_up(one_of(name, (value,)))


def _count(app: App, where: Filter, meant: Node) -> int:
    narrowed = replace(where, text=And((where.text, meant)) if where.text else meant)
    return sum(bucket.count for bucket in app.store.aggregate(narrowed, by=[]))


def _facet(app: App, asked: Asked, name: str, dimension: Dimension) -> Facet:
    anyone = asked.model_copy(update={name: ()}).where(app)
    found = app.store.aggregate(anyone, by=[dimension], zone=app.settings.zone)
    counts = {bucket.key[0] or NONE: bucket.count for bucket in found}
    chosen = getattr(asked, name)
    # What is chosen is shown whatever its count: it must be possible to take it back.
    counts |= {value: 0 for value in chosen if value not in counts}
    return _ranked(asked, name, counts)


def _ranked(asked: Asked, name: str, counts: Mapping[str, int], more: int = 0) -> Facet:
    chosen = getattr(asked, name)
    ranked = sorted(counts, key=lambda value: (value not in chosen, -counts[value], value))
    choices = tuple(_choice(asked, name, value, counts[value]) for value in ranked[:MOST])
    return Facet(name=name, choices=choices, more=max(0, len(ranked) - MOST) + more)


def _choice(asked: Asked, name: str, value: str, count: int) -> Choice:
    values = getattr(asked, name)
    chosen = value in values
    left = tuple(one for one in values if one != value) if chosen else (value,)
    return Choice(
        name=_("without") if name in DESK and value == NONE else _SHOWN.get(name, str)(value),
        count=count,
        href=asked.link("/mentions", by="", **{name: left}),
        chosen=chosen,
    )
