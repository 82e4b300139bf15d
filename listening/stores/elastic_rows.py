"""Feedback to a document of the index, and back."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from listening.analysis import fold, terms
from listening.records import Feedback, Kind, Rating, Scale, Sentiment, slot
from listening.stores.elastic_layout import FOLDED
from listening.stores.periods import microseconds, moment_at

NO_TEXT, UNSCORED = "none", "unscored"
_PLAIN = ("id", "brand", "source", "native_id", "text", "language", "version")
_OPTIONAL = ("country", "touchpoint", "segment", "service", "campaign", "question")
_ABSENT = ("url", "author", "engagement")
_SCALES = tuple(Scale)


@lru_cache(maxsize=1 << 16)
def document_id(id_: str) -> str:
    """The ``_id`` of the document: of one length, and safe in an address."""
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest)[:27].decode()


def canonical(one: Feedback) -> Feedback:
    """As it will be read back: ratings in order of their scales, nothing for what is empty."""
    ratings = tuple(sorted(dict(one.ratings).items(), key=lambda pair: _SCALES.index(pair[0])))
    empty: dict[str, Any] = {name: None for name in _OPTIONAL if getattr(one, name) == ""}
    if ratings != one.ratings:
        empty["ratings"] = tuple(Rating(*pair) for pair in ratings)
    return replace(one, **empty) if empty else one


def encode(one: Feedback, sentiment: Sentiment | None) -> dict[str, Any]:
    """The whole document; ``one`` is canonical."""
    surface, stem = terms(one.text, one.language)
    document: dict[str, Any] = {name: getattr(one, name) for name in _PLAIN}
    for name in (*_ABSENT, *_OPTIONAL):
        if (value := getattr(one, name)) is not None:
            document[name] = value
    document |= {
        "kind": one.kind.value,
        "slot": slot(one.id),
        "created": microseconds(one.created_at),
        "created_at": one.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "surface": surface,
        "stem": stem,
        "folded": {
            name: _folded(value) for name in FOLDED if (value := getattr(one, name)) is not None
        },
        **(encode_sentiment(sentiment) if sentiment else {"label": waiting(one)}),
    }
    if one.ratings:
        document["ratings"] = [f"{scale}:{value}" for scale, value in one.ratings]
        document |= {scale.value: value for scale, value in one.ratings}
    return document


@lru_cache(maxsize=1 << 14)
def _folded(value: str) -> str:
    return fold(value.strip())


def waiting(one: Feedback) -> str:
    """The label of what has no sentiment."""
    return UNSCORED if one.text.strip() else NO_TEXT


def encode_sentiment(sentiment: Sentiment | None) -> dict[str, Any]:
    """None is that of a text that waits to be scored."""
    if sentiment is None:
        names = ("negative", "neutral", "positive", "threshold", "model")
        return {"label": UNSCORED, **dict.fromkeys(names)}
    return {
        "label": sentiment.label.value,
        "negative": sentiment.negative,
        "neutral": sentiment.neutral,
        "positive": sentiment.positive,
        "threshold": sentiment.threshold,
        "model": sentiment.model,
    }


def decode(source: Mapping[str, Any]) -> tuple[Feedback, Sentiment | None]:
    """Undo ``encode``."""
    plain: dict[str, Any] = {name: source[name] for name in _PLAIN}
    plain |= {name: source.get(name) for name in (*_ABSENT, *_OPTIONAL)}
    one = Feedback(
        **plain,
        kind=Kind(source["kind"]),
        created_at=moment_at(source["created"]),
        ratings=tuple(Rating(scale, source[scale]) for scale in _SCALES if scale in source),
    )
    if source.get("model") is None:
        return one, None
    parts = (source[name] for name in ("negative", "neutral", "positive", "model", "threshold"))
    return one, Sentiment(*parts)
