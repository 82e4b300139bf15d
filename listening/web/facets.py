"""What the feedback of a page falls into, each part a link that narrows to it."""

from __future__ import annotations

from dataclasses import dataclass

from listening.app import App
from listening.records import Dimension
from listening.web.asked import NONE, Asked
from listening.web.render import language

MOST = 12
_FACETS = {
    "sentiment": Dimension.LABEL,
    "brand": Dimension.BRAND,
    "source": Dimension.SOURCE,
    "language": Dimension.LANGUAGE,
    "kind": Dimension.KIND,
}


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
    return [_facet(app, asked, name, dimension) for name, dimension in _FACETS.items()]


def _facet(app: App, asked: Asked, name: str, dimension: Dimension) -> Facet:
    anyone = asked.model_copy(update={name: ()}).where(app)
    found = app.store.aggregate(anyone, by=[dimension], zone=app.settings.zone)
    counts = {bucket.key[0] or NONE: bucket.count for bucket in found}
    chosen = getattr(asked, name)
    # What is chosen is shown whatever its count: it must be possible to take it back.
    counts |= {value: 0 for value in chosen if value not in counts}
    ranked = sorted(counts, key=lambda value: (value not in chosen, -counts[value], value))
    choices = tuple(_choice(asked, name, value, counts[value]) for value in ranked[:MOST])
    return Facet(name=name, choices=choices, more=max(0, len(ranked) - MOST))


def _choice(asked: Asked, name: str, value: str, count: int) -> Choice:
    values = getattr(asked, name)
    chosen = value in values
    left = tuple(one for one in values if one != value) if chosen else (value,)
    shown = language(value) if name == "language" else value
    return Choice(
        name="without sentiment" if (name, value) == ("sentiment", NONE) else shown,
        count=count,
        href=asked.link("/mentions", by="", **{name: left}),
        chosen=chosen,
    )
