"""Feedback to a row of the database, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from listening.records import Dimension, Feedback, Kind, Label, Rating, Scale, Sentiment
from listening.stores.periods import microseconds, moment_at

Row = tuple[Any, ...]

SERIES = (
    Dimension.BRAND,
    Dimension.SOURCE,
    Dimension.KIND,
    Dimension.LANGUAGE,
    Dimension.COUNTRY,
    Dimension.TOUCHPOINT,
    Dimension.SEGMENT,
    Dimension.SERVICE,
    Dimension.CAMPAIGN,
    Dimension.QUESTION,
)
RATINGS = tuple(Scale)
LABELS = (None, None, *Label)  # by number: 0 has no text, 1 is not scored yet
NO_TEXT, UNSCORED = 0, 1
COLUMNS = (
    "label",
    *RATINGS,
    "created",
    "version",
    "engagement",
    "id",
    "native_id",
    "url",
    "author",
    "text",
)
SENTIMENT = ("negative", "neutral", "positive", "threshold")

_LEAST, _MOST = -(2**63), 2**63 - 1


def position(created: int) -> int:
    """Where in the order of time (column ``at``) a number of microseconds stands."""
    seconds, rest = divmod(created, 1_000_000)
    return (seconds << 20) | rest


def series_of(one: Feedback) -> tuple[str, ...]:
    return tuple(getattr(one, name) or "" for name in SERIES)


def encode(one: Feedback) -> Row:
    """The values of ``COLUMNS``."""
    ratings = dict(one.ratings)
    return (
        UNSCORED if one.text.strip() else NO_TEXT,
        *(ratings.get(scale) for scale in RATINGS),
        microseconds(one.created_at),
        one.version,
        one.engagement,
        one.id,
        one.native_id,
        one.url,
        one.author,
        one.text,
    )


def fault(one: Feedback) -> str | None:
    """Why no row can hold it, if so."""
    values = (*series_of(one), *encode(one))
    for name, value in zip((*SERIES, *COLUMNS), values, strict=True):
        if isinstance(value, str) and not _encodes(value):
            return f"{name} has half a character (a lone surrogate), which no store can keep"
        if isinstance(value, int) and not _LEAST <= value <= _MOST:
            return f"{name} is {value}, which is beyond the 64 bits that a number may have"
    return None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def decode(series: Sequence[str], row: Row) -> Feedback:
    """Undo ``series_of`` and ``encode``."""
    _, *ratings = row[: 1 + len(RATINGS)]
    created, version, engagement, id_, native_id, url, author, text = row[1 + len(RATINGS) :]
    brand, source, kind, language, *optional = series
    country, touchpoint, segment, service, campaign, question = (v or None for v in optional)
    return Feedback(
        id=id_,
        brand=brand,
        source=source,
        native_id=native_id,
        kind=Kind(kind),
        text=text,
        language=language,
        created_at=moment_at(created),
        version=version,
        ratings=tuple(
            Rating(scale, value)
            for scale, value in zip(RATINGS, ratings, strict=True)
            if value is not None
        ),
        url=url,
        author=author,
        engagement=engagement,
        country=country,
        touchpoint=touchpoint,
        segment=segment,
        service=service,
        campaign=campaign,
        question=question,
    )


def encode_sentiment(sentiment: Sentiment) -> Row:
    """The label's number and the values of ``SENTIMENT``."""
    return (
        LABELS.index(sentiment.label),
        sentiment.negative,
        sentiment.neutral,
        sentiment.positive,
        sentiment.threshold,
    )
