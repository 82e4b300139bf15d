"""The desk: one small note on each item that somebody has worked on.

Notes are changed by compare-and-set, so that two people at the same item lose nothing. Erasing an
item takes its note along (the stores do); what is written meanwhile is emptied here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from listening import query
from listening.analysis import fold
from listening.desk.wording import MOST_NOTE, MOST_TAGS, name, paragraph
from listening.errors import ConfigError, TransientError
from listening.match import same_text
from listening.protocols import Progress, Store
from listening.records import DESK, PERSON, Filter, Hit, Label, Note, Sentiment, Status
from listening.tree import Field, Node, leaves, with_fields

TOGETHER = 200
ATTEMPTS = 20  # at a note that others change as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A person's label; ``was`` is what a model had said of the same text."""

    label: Label
    by: str
    at: datetime
    was: Sentiment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What people keep of one item."""

    tags: tuple[str, ...] = ()
    status: Status | None = None
    assignee: str | None = None
    note: str = ""
    correction: Correction | None = None

    def values(self, name: str) -> tuple[str, ...]:
        """Of a desk field of the query language."""
        if name == "tag":
            return self.tags
        value = self.status if name == "status" else self.assignee
        return (value,) if value else ()


EMPTY = Entry()


def _status(value: str) -> Status | None:
    return Status(value) if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; None leaves as it is, and "" takes away.

    Raises ConfigError for a tag or name that no query could write, and for what is too long.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    status: str | None = None
    assignee: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "add", tuple(name(tag, "a tag") for tag in self.add if tag.strip()))
        if self.assignee:
            set_(self, "assignee", name(self.assignee, "an assignee"))
        if self.note:
            set_(self, "note", paragraph(self.note, MOST_NOTE))
        if self.status and self.status not in list(Status):
            raise ConfigError(f"status can be {', '.join(Status)}, not {self.status[:40]!r}")

    def __bool__(self) -> bool:
        return self != Change()

    def of(self, entry: Entry) -> Entry:
        removed = {tag.casefold() for tag in self.remove}
        tags = {tag.casefold(): tag for tag in (*self.add, *entry.tags)}
        kept = sorted(tag for key, tag in tags.items() if key not in removed)
        if len(kept) > MOST_TAGS:
            raise ConfigError(f"an item has {MOST_TAGS} tags at most; take some away first")
        return replace(
            entry,
            tags=tuple(kept),
            status=entry.status if self.status is None else _status(self.status),
            assignee=entry.assignee if self.assignee is None else self.assignee or None,
            note=entry.note if self.note is None else self.note,
        )


class _Remembered(NamedTuple):
    store: Store
    entries: dict[str, Entry]


_remembered: ContextVar[_Remembered | None] = ContextVar("entries", default=None)


@dataclass(frozen=True)
class Desk:
    """The notes of one store. Safe for threads and processes."""

    store: Store
    _read: dict[str, tuple[Note, Entry]] = field(default_factory=dict, repr=False, compare=False)

    def entries(self) -> dict[str, Entry]:
        """Of every item that has one, by its id."""
        kept = _remembered.get()
        if kept is not None and kept.store is self.store:
            return kept.entries
        notes = self.store.notes(DESK)
        return {key: self._entry(key, note) for key, note in notes.items() if note.value}

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Within it, in this thread, the entries are read once; for a page that asks often."""
        token = _remembered.set(_Remembered(self.store, self.entries()))
        try:
            yield
        finally:
            _remembered.reset(token)

    def _entry(self, key: str, note: Note) -> Entry:
        """Made once for each revision: there may be many thousands."""
        read = self._read.get(key)
        if read is None or read[0] != note:
            read = self._read[key] = (note, decoded(note.value))
        return read[1]

    def looked_up(self, node: Node) -> Node:
        """The tree with the ids that its desk fields mean at this moment."""
        if not any(isinstance(leaf, Field) and leaf.name in query.DESK for leaf in leaves(node)):
            return node
        return looked_up(node, self.entries())

    def hits(self, ids: Iterable[str]) -> dict[str, Hit]:
        """The items of these ids that are there."""
        found: dict[str, Hit] = {}
        left = iter(dict.fromkeys(ids))
        while some := list(islice(left, TOGETHER)):
            page = self.store.search(among(some), limit=TOGETHER)
            found |= {hit.feedback.id: hit for hit in page.hits}
        return found

    def change(
        self, ids: Iterable[str], change: Change, progress: Progress = lambda _: None
    ) -> int:
        """Returns how many of these items are there; ids of none are left out."""
        return self.update(ids, change.of, progress)

    def update(
        self,
        ids: Iterable[str],
        made: Callable[[Entry], Entry],
        progress: Progress = lambda _: None,
    ) -> int:
        done = 0
        notes = dict(self.store.notes(DESK))
        left = iter(dict.fromkeys(ids))
        while some := list(islice(left, TOGETHER)):
            there = self.hits(some)
            for id_ in there:
                self._save(id_, made, notes)
            self._empty(there.keys() - self.hits(there).keys())
            done += len(there)
            progress(len(some))
        return done

    def empty_missing(self) -> None:
        """Empty the notes on items that are no longer there."""
        ids = self.entries().keys()
        self._empty(ids - self.hits(ids).keys())

    def _empty(self, ids: Collection[str]) -> None:
        if ids:
            notes = dict(self.store.notes(DESK))
            for id_ in ids & notes.keys():
                self._save(id_, lambda _: EMPTY, notes)

    def _save(self, id_: str, made: Callable[[Entry], Entry], notes: dict[str, Note]) -> None:
        for _ in range(ATTEMPTS):
            value, revision = notes.get(id_, Note("", 0))
            written = encoded(made(decoded(value)))
            if written == value:
                return
            if self.store.save_note(DESK, id_, written, revision=revision):
                return
            notes |= self.store.notes(DESK)
        raise TransientError(f"others keep changing what is noted of {id_}; try again in a minute")


def looked_up(node: Node, entries: Mapping[str, Entry]) -> Node:
    """The tree with the ids of those entries that its desk fields mean."""

    def found(one: Field) -> Node:
        if one.name not in query.DESK or one.ids is not None:
            return one
        return replace(one, ids=frozenset(i for i, entry in entries.items() if _has(entry, one)))

    return with_fields(node, found)


def among(ids: Collection[str]) -> Filter:
    """What finds the items of these ids."""
    return Filter(text=Field("tag", query.ANY, ids=frozenset(ids)))


def by_person(sentiment: Sentiment | None) -> bool:
    return sentiment is not None and sentiment.model == PERSON


def _has(entry: Entry, wanted: Field) -> bool:
    values = entry.values(wanted.name)
    if wanted.value.casefold() == query.ANY:
        return bool(values)
    return any(_is_same(value, wanted.value) for value in values)


@lru_cache(maxsize=1 << 14)
def _is_same(value: str, wanted: str) -> bool:
    """The few names there are stand on many items."""
    return same_text(value, wanted)


def by_value(entries: Mapping[str, Entry], name: str) -> dict[str, frozenset[str]]:
    """The ids behind each value of a desk field, under its commonest spelling; most ids first."""
    spelled: dict[str, Counter[str]] = {}
    ids: dict[str, set[str]] = {}
    for id_, entry in entries.items():
        for value in entry.values(name):
            spelled.setdefault(_folded(value), Counter())[value] += 1
            ids.setdefault(_folded(value), set()).add(id_)
    ranked = sorted(ids, key=lambda key: (-len(ids[key]), key))
    return {spelled[key].most_common(1)[0][0]: frozenset(ids[key]) for key in ranked}


@lru_cache(maxsize=1 << 14)
def _folded(value: str) -> str:
    return fold(value)


def encoded(entry: Entry) -> str:
    """As a note keeps it; empty for an empty one."""
    if entry == EMPTY:
        return ""
    kept = {name: value for name, value in asdict(entry).items() if value}
    return json.dumps(kept, ensure_ascii=False, default=datetime.isoformat)


def decoded(value: str) -> Entry:
    if not value:
        return EMPTY
    kept: dict[str, Any] = json.loads(value)
    correction = kept.get("correction")
    return Entry(
        tags=tuple(kept.get("tags", ())),
        status=Status(kept["status"]) if "status" in kept else None,
        assignee=kept.get("assignee"),
        note=kept.get("note", ""),
        correction=_correction(correction) if correction else None,
    )


def _correction(kept: Mapping[str, Any]) -> Correction:
    return Correction(
        label=Label(kept["label"]),
        by=kept["by"],
        at=datetime.fromisoformat(kept["at"]),
        was=Sentiment(**kept["was"]) if kept["was"] else None,
    )
