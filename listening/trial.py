"""Try a query on texts that are in no store: which match, and the words that made it so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from listening.errors import ConfigError
from listening.language import UNDETERMINED
from listening.match import Match, Matcher
from listening.normalise import detected, readable
from listening.records import Feedback, Kind, Label, Rating, Scale, Sentiment
from listening.tree import Field, Node, leaves

# A text too short to tell its language is tried in those that such texts are most often in.
GUESSES = ("lv", "lt", "ka", "en", "ru", "de")
_LABELS = {field.name for field in fields(Feedback)} - {
    "id", "native_id", "kind", "text", "language", "created_at", "version", "ratings", "engagement",
}  # fmt: skip
_EPOCH = "1970-01-01"


def try_query(node: Node, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """One answer a row: ``matches``, ``words`` and their ``spans``, or an ``error``.

    A row has ``text`` and may have any field that queries ask for: ``language``, ``brand``,
    ``stars``, ``created_at`` and so on; ``sentiment`` is a label. A row that has an ``error``
    already is its own answer.
    """
    if rows and any(isinstance(leaf, Field) and leaf.name == "saved" for leaf in leaves(node)):
        raise ConfigError("a saved search is known to its store only: try this on the page /query")
    found = list(map(_feedback, rows))
    known = {one.language for one in found if isinstance(one, Feedback)}
    guesses = GUESSES if UNDETERMINED in known or not known else ()
    matcher = Matcher(node, known - {UNDETERMINED} | set(guesses))
    for row, one in zip(rows, found, strict=True):
        if isinstance(one, Feedback):
            yield _answer(one, _match(matcher, one, _sentiment(row)))
        else:
            yield one


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


def _feedback(row: Mapping[str, Any]) -> Feedback | dict[str, Any]:
    """The row as a record, or the answer that says why it is none."""
    if "error" in row:
        return dict(row)
    text = readable(row["text"])
    claim = row.get("language") or row.get("lang")
    labels: dict[str, Any] = {k: str(row[k]) for k in _LABELS if row.get(k) is not None}
    try:
        moment = datetime.fromisoformat(str(row.get("created_at", _EPOCH)))
        return Feedback(
            id="",
            native_id="",
            kind=Kind(row.get("kind", Kind.MENTION)),
            text=text,
            language=detected(text, claim if isinstance(claim, str) else None),
            created_at=moment if moment.tzinfo else moment.replace(tzinfo=UTC),
            version=0,
            ratings=tuple(_ratings(row)),
            **({"brand": "", "source": ""} | labels),
        )
    except ValueError as error:
        return {"error": f"kind or created_at cannot be read: {error}", "text": text}


def _ratings(row: Mapping[str, Any]) -> Iterator[Rating]:
    for scale in Scale:
        if type(row.get(scale.value)) is int:
            yield Rating(scale, row[scale.value])


def _sentiment(row: Mapping[str, Any]) -> Sentiment | None:
    """A label as a sure sentiment."""
    label = row.get("sentiment") or row.get("label")
    if label not in list(Label):
        return None
    chance = {each: float(label == each) for each in Label}
    negative, neutral, positive = (
        chance[each] for each in (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
    )
    return Sentiment(negative, neutral, positive, model="", threshold=0.5)
