"""Try a query on texts that are in no store: which match, and the words that made it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from dateutil import parser as dates

from listening.language import UNDETERMINED
from listening.match import Match, Matcher
from listening.normalise import detected, readable
from listening.records import Feedback, Kind, Label, Rating, Scale, Sentiment
from listening.tree import Node

# A text too short to tell its language is tried in those that such texts are most often in.
GUESSES = ("lv", "lt", "ka", "en", "ru", "de")
_LABELS = {field.name for field in fields(Feedback)} - {
    "id", "native_id", "kind", "text", "language", "created_at", "version", "ratings", "engagement",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def try_query(node: Node, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One answer a row: ``matches``, ``words`` and their ``spans``, or the row's own ``error``.

    A row has ``text`` and may have any field that queries ask for: ``language``, ``brand``,
    ``stars``, ``created_at`` and so on; ``sentiment`` is a label.
    """
    found = [None if "error" in row else _feedback(row) for row in rows]
    known = {one.language for one in found if one is not None}
    languages = (known - {UNDETERMINED}) or set(GUESSES)
    if UNDETERMINED in known:
        languages |= set(GUESSES)
    matcher = Matcher(node, languages)
    for row, one in zip(rows, found, strict=True):
        yield dict(row) if one is None else _answer(one, _match(matcher, one, _sentiment(row)))


def _match(matcher: Matcher, one: Feedback, sentiment: Sentiment | None) -> Match:
    best = matcher.feedback(one, sentiment)
    if one.language != UNDETERMINED:
        return best
    tried = (matcher.feedback(replace(one, language=guess), sentiment) for guess in GUESSES)
    return next((match for match in tried if match.matches), best)


def _answer(one: Feedback, match: Match) -> dict[str, Any]:
    return {
        "matches": match.matches,
        "words": [one.text[start:end] for start, end in match.spans],
        "spans": [list(span) for span in match.spans],
        "language": one.language,
        "text": one.text,
    }


def _feedback(row: Mapping[str, Any]) -> Feedback:
    text = readable(row["text"])
    claim = row.get("language") or row.get("lang")
    ratings = {scale: row[scale.value] for scale in Scale if isinstance(row.get(scale.value), int)}
    labels: dict[str, Any] = {k: str(row[k]) for k in _LABELS if row.get(k) is not None}
    moment = dates.isoparse(row["created_at"]) if "created_at" in row else _EPOCH
    return Feedback(
        id="",
        native_id="",
        kind=Kind(row.get("kind", Kind.MENTION)),
        text=text,
        language=detected(text, claim if isinstance(claim, str) else None),
        created_at=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
        version=0,
        ratings=tuple(Rating(scale, value) for scale, value in ratings.items()),
        **({"brand": "", "source": ""} | labels),
    )


def _sentiment(row: Mapping[str, Any]) -> Sentiment | None:
    """A label as a sure sentiment."""
    label = row.get("sentiment") or row.get("label")
    if label not in set(Label):
        return None
    chance = {each: float(label == each) for each in Label}
    return Sentiment(
        chance[Label.NEGATIVE],
        chance[Label.NEUTRAL],
        chance[Label.POSITIVE],
        model="",
        threshold=0.5,
    )
