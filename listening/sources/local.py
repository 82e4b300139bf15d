"""A query of ours applied to items as they come in, where the other side cannot apply it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from listening.analysis.stems import primary
from listening.errors import ConfigError
from listening.language import detect
from listening.match import Matcher
from listening.query import parse
from listening.records import Feedback, Item, Kind
from listening.tree import Field, Node, leaves

FIELDS = ("lang", "author", "url", "after", "before")


def read(query: str, source: str) -> Node:
    """Parse a query for use while collecting.

    Raises ConfigError, naming ``source``, for one that cannot be read or that asks for what only
    shows later, e.g. ``sentiment:``.
    """
    node = parse(query)
    for leaf in leaves(node):
        if isinstance(leaf, Field) and leaf.name not in FIELDS:
            raise ConfigError(
                f"{source}: query asks for {leaf.name}: at character {leaf.start + 1}, which is "
                f"not known while collecting; use words, {':, '.join(FIELDS)}: here, and "
                f"{leaf.name}: in searches and alerts"
            )
    return node


def keeps(query: Node, languages: Collection[str] = ()) -> Callable[[Item], bool]:
    """Tell of an item whether ``query`` holds; ``languages`` are those to expect."""

    @cache
    def matcher(language: str) -> Matcher:
        return Matcher(query, [language])

    def keep(item: Item) -> bool:
        feedback = _provisional(item, languages)
        return matcher(primary(feedback.language)).feedback(feedback, None).matches

    return keep


def _provisional(item: Item, languages: Collection[str]) -> Feedback:
    return Feedback(
        id=item.native_id,
        brand=item.brand or "",
        source=item.source or "",
        native_id=item.native_id,
        kind=item.kind or Kind.MENTION,
        text=item.text,
        language=item.language or detect(item.text, prior=languages),
        created_at=item.created_at,
        version=0,
        url=item.url,
        author=item.author,
    )
