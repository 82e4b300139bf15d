"""Sentiment as people see it: their label wins over a model's, and where the two disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, zip_longest

from listening.desk.entries import Correction, Desk, Entry, by_person
from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import PERSON, Dimension, Filter, Hit, Label, Sentiment

LABELS = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
LOOKED_AT = 200  # newest texts of each language


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A text that a person has labelled; ``model`` and ``model_label`` are None where none had."""

    id: str
    text: str
    language: str
    brand: str
    source: str
    label: Label
    by: str
    at: datetime
    model: str | None
    model_label: Label | None
    confidence: float | None


def sure(label: Label) -> Sentiment:
    """A person's label as a sentiment."""
    if label not in LABELS:
        raise ConfigError(f"a label is one of {', '.join(LABELS)}, not {label}")
    negative, neutral, positive = (float(label == each) for each in LABELS)
    return Sentiment(negative, neutral, positive, PERSON)


def correct(desk: Desk, id_: str, label: Label, by: str) -> None:
    """Have a person's label stand for as long as the text stays the same."""
    sentiment, hit = sure(label), _hit(desk, id_)
    if not hit.feedback.text.strip():
        raise ConfigError(f"{id_} has no text, so that there is no sentiment to correct")

    def corrected(entry: Entry) -> Entry:
        before = entry.correction.was if entry.correction else None
        was = before if by_person(hit.sentiment) else hit.sentiment
        now = datetime.now(UTC).replace(microsecond=0)
        return replace(entry, correction=Correction(label=label, by=by, at=now, was=was))

    desk.update([id_], corrected)
    if not desk.store.annotate([(id_, hit.feedback.text, sentiment)]):
        raise ConfigError(f"{id_} was changed at its source meanwhile; read it again first")


def take_back(desk: Desk, id_: str) -> None:
    """Have the model's label back; without one, the text waits to be scored."""
    hit = _hit(desk, id_)
    if not by_person(hit.sentiment):
        return
    correction = desk.entries().get(id_, Entry()).correction
    was = correction.was if correction else None
    text = hit.feedback.text
    desk.store.annotate([(id_, text, None), *([(id_, text, was)] if was else [])])
    desk.update([id_], lambda entry: replace(entry, correction=None))


def _hit(desk: Desk, id_: str) -> Hit:
    found = desk.hits([id_]).get(id_)
    if found is None:
        raise ConfigError(f"there is no feedback {id_[:80]!r}; it may have been erased")
    return found


def labelled(store: Store) -> list[Labelled]:
    """Every text that stands as a person has labelled it, the last one first."""
    desk = Desk(store)
    entries = {id_: entry for id_, entry in desk.entries().items() if entry.correction}
    hits = desk.hits(entries)
    found = [
        _labelled(hit, entry.correction)
        for id_, entry in entries.items()
        if (hit := hits.get(id_)) and by_person(hit.sentiment) and entry.correction
    ]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def _labelled(hit: Hit, correction: Correction) -> Labelled:
    one, was = hit.feedback, correction.was
    return Labelled(
        id=one.id,
        text=one.text,
        language=one.language,
        brand=one.brand,
        source=one.source,
        label=correction.label,
        by=correction.by,
        at=correction.at,
        model=was.model if was else None,
        model_label=was.label if was else None,
        confidence=was.confidence if was else None,
    )


def disagreements(store: Store) -> list[Labelled]:
    """Where a person and the model say different things, the last one first."""
    return [one for one in labelled(store) if one.model_label not in {None, one.label}]


def label_queue(store: Store, *, limit: int = 50) -> list[Hit]:
    """The texts most worth a person's label: where the model is least sure.

    Languages take turns and, within one, brands; looked at are the newest texts of unknown label,
    then the newest of all.
    """
    languages = [bucket.key[0] for bucket in store.aggregate(Filter(), by=[Dimension.LANGUAGE])]
    queues = [_queue(store, language) for language in languages]
    return [*_in_turn(queues)][:limit]


def _queue(store: Store, language: str) -> list[Hit]:
    where = Filter(language=(language,))
    found: dict[str, Hit] = {}
    for narrowed in (replace(where, label=(Label.UNKNOWN,)), where):
        if len(found) < LOOKED_AT:
            hits = store.search(narrowed, limit=LOOKED_AT).hits
            found |= {hit.feedback.id: hit for hit in hits if _is_scored(hit)}
    by_brand: defaultdict[str, list[Hit]] = defaultdict(list)
    for hit in sorted(found.values(), key=_confidence):
        by_brand[hit.feedback.brand].append(hit)
    return [*_in_turn([*by_brand.values()])]


def _is_scored(hit: Hit) -> bool:
    return hit.sentiment is not None and not by_person(hit.sentiment)


def _confidence(hit: Hit) -> float:
    return hit.sentiment.confidence if hit.sentiment else 0.0


def _in_turn(queues: list[list[Hit]]) -> Iterator[Hit]:
    return (hit for hit in chain.from_iterable(zip_longest(*queues)) if hit is not None)
