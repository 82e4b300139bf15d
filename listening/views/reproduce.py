"""A filter as the query text that finds the same feedback, for people to run again."""

from __future__ import annotations

from collections.abc import Iterator

from listening import query
from listening.records import Filter, Window
from listening.tree import And, Field, Node, Or

_FIELDS = {
    "brand": "brand",
    "label": "sentiment",
    "language": "lang",
    "source": "source",
    "kind": "kind",
    "country": "country",
    "touchpoint": "touchpoint",
    "segment": "segment",
    "service": "service",
    "campaign": "campaign",
    "question": "question",
    "author": "author",
}


def as_query(where: Filter) -> str:
    """Query text such as ``brand:"Medus" sentiment:negative after:2026-10-09``; "" for anything."""
    return " ".join(
        f"({query.format(node)})" if isinstance(node, Or) else query.format(node)
        for node in _parts(where)
    )


def _parts(where: Filter) -> Iterator[Node]:
    for attribute, name in _FIELDS.items():
        if values := getattr(where, attribute):
            fields = tuple(Field(name, str(value)) for value in values)
            yield fields[0] if len(fields) == 1 else Or(fields)
    yield from _dates(where.window)
    if isinstance(where.text, And):
        yield from where.text.parts
    elif where.text is not None:
        yield where.text


def _dates(window: Window) -> Iterator[Field]:
    if window.since is not None:
        yield Field("after", query.written(window.since))
    if window.until is not None:
        yield Field("before", query.written(window.until))
