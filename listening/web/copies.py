"""Hits of which many say the same, folded: each story once, with its copies."""

from __future__ import annotations

from dataclasses import dataclass

from listening.alerts.stories import story
from listening.app import App
from listening.records import Filter, Hit, Hits, Order
from listening.stores.reading import MOST_HITS

MOST = 600  # hits of one page


@dataclass(frozen=True, slots=True)
class Told:
    """The first hit of a story in the order asked for, and those that say it again."""

    hit: Hit
    copies: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Folded:
    """A page of at least ``limit`` stories, where there are so many within ``MOST`` hits.

    Every hit up to ``cursor`` is in it once, so that pages together are all that was found.
    """

    told: tuple[Told, ...]
    found: Hits
    cursor: str | None

    @property
    def ids(self) -> list[str]:
        return [hit.feedback.id for one in self.told for hit in (one.hit, *one.copies)]


def folded(app: App, where: Filter, *, limit: int, cursor: str | None, order: Order) -> Folded:
    first = page = app.search(where, limit=limit, cursor=cursor, order=order)
    hits = list(page.hits)
    while page.cursor and len(hits) < MOST and len({_key(hit) for hit in hits}) < limit:
        more = min(MOST_HITS, MOST - len(hits))
        page = app.search(where, limit=more, cursor=page.cursor, order=order)
        hits += page.hits
    return Folded(_told(hits), first, page.cursor)


def apart(found: Hits) -> Folded:
    """Without folding."""
    return Folded(tuple(Told(hit) for hit in found.hits), found, found.cursor)


def _told(hits: list[Hit]) -> tuple[Told, ...]:
    stories: dict[str, list[Hit]] = {}
    for hit in hits:
        stories.setdefault(_key(hit), []).append(hit)
    return tuple(Told(first, tuple(copies)) for first, *copies in stories.values())


def _key(hit: Hit) -> str:
    """Ratings without a text say nothing, and so not the same."""
    one = hit.feedback
    return story(one) if one.text.strip() else one.id
