"""Searches under a name, which other queries and the rules of alerts may use: saved:"Name"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from listening import query
from listening.analysis import fold
from listening.desk.wording import name as named
from listening.errors import ConfigError, TransientError
from listening.protocols import Store
from listening.query import QueryError
from listening.query.errors import suggestion
from listening.records import Note
from listening.tree import Field, Node, leaves, with_fields

KIND = "search"  # of note
MOST = 500
MOST_CLAUSES = 512  # of a query with all that it names
ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A query by its name. One that is not ``shared`` is listed only for who saved it."""

    name: str
    query: str
    by: str
    at: datetime
    shared: bool = True


@dataclass(frozen=True, slots=True)
class Searches:
    store: Store

    def all(self) -> list[Saved]:
        """By name."""
        return sorted(self._by_key().values(), key=lambda saved: fold(saved.name))

    def listed_for(self, person: str) -> list[Saved]:
        return [saved for saved in self.all() if saved.shared or saved.by == person]

    def save(self, name: str, text: str, *, by: str, shared: bool = True) -> Saved:
        """Raises ConfigError for a name that is somebody else's.

        QueryError for a query that cannot be read, names a search that is not there, or would
        become part of itself.
        """
        saved = Saved(
            name=named(name, "the name of a search"),
            query=query.format(query.parse(text)),
            by=by,
            at=datetime.now(UTC).replace(microsecond=0),
            shared=shared,
        )
        known = self._by_key()
        _check_mine(known.get(fold(saved.name)), by)
        if len(known) >= MOST and fold(saved.name) not in known:
            raise ConfigError(f"there are {MOST} saved searches; remove some first")
        _Expanding(known | {fold(saved.name): saved}).node(query.parse(text), (fold(saved.name),))
        kept = json.dumps(asdict(saved), ensure_ascii=False, default=datetime.isoformat)
        self._keep(fold(saved.name), kept)
        return saved

    def remove(self, name: str, *, by: str | None = None) -> Saved:
        """Raises ConfigError where it is not there, not theirs (of ``by``), or part of others."""
        known = self._by_key()
        saved = known.get(fold(name.strip()))
        if saved is None:
            raise ConfigError(_missing(name, known))
        _check_mine(saved, by)
        users = [other.name for other in known.values() if _names(other, saved)]
        if users:
            raise ConfigError(f"{saved.name} is part of {', '.join(users)}; change those first")
        self._keep(fold(saved.name), "")
        return saved

    def expanded(self, node: Node) -> Node:
        """The tree with what its ``saved:`` fields stand for.

        Raises QueryError for one that is not there, or is part of itself.
        """
        if not any(_is_saved(leaf) for leaf in leaves(node)):
            return node
        return _Expanding(self._by_key()).node(node)

    def _by_key(self) -> dict[str, Saved]:
        notes = self.store.notes(KIND)
        return {key: _decoded(note.value) for key, note in notes.items() if note.value}

    def _keep(self, key: str, value: str) -> None:
        for _ in range(ATTEMPTS):
            revision = self.store.notes(KIND).get(key, Note("", 0)).revision
            if self.store.save_note(KIND, key, value, revision=revision):
                return
        raise TransientError("others keep changing this search; try again in a minute")


@dataclass(frozen=True, slots=True)
class _Expanding:
    known: Mapping[str, Saved]
    _done: dict[str, Node] = field(default_factory=dict)

    def node(self, node: Node, path: tuple[str, ...] = (), at: int | None = None) -> Node:
        """``path`` are the searches that this is within, and ``at`` is where their first stood."""

        def meant(one: Field) -> Node:
            if not _is_saved(one):
                return one
            position = one.start if at is None else at
            key = fold(one.value.strip())
            if key in path:
                raise QueryError(
                    f"the saved search “{one.value}” would be part of itself",
                    f"change one of {', '.join(self.known[each].name for each in path)}",
                    position=position,
                )
            if key not in self.known:
                said, _, mend = _missing(one.value, self.known).partition("; ")
                raise QueryError(said, mend, position=position)
            if key not in self._done:
                inner = query.parse(self.known[key].query)
                self._done[key] = self.node(inner, (*path, key), position)
            return self._done[key]

        found = with_fields(node, meant)
        if sum(1 for _ in leaves(found)) > MOST_CLAUSES:
            what = f"with its saved searches this has more than {MOST_CLAUSES} words and fields"
            raise QueryError(what, "use fewer", position=at or 0)
        return found


def _is_saved(node: Node) -> bool:
    return isinstance(node, Field) and node.name == "saved"


def _names(saved: Saved, other: Saved) -> bool:
    fields = (leaf for leaf in leaves(query.parse(saved.query)) if isinstance(leaf, Field))
    return any(one.name == "saved" and fold(one.value) == fold(other.name) for one in fields)


def _check_mine(saved: Saved | None, by: str | None) -> None:
    if saved and by is not None and by != saved.by:
        raise ConfigError(f"{saved.name} is a search of {saved.by}; take another name")


def _missing(name: str, known: Mapping[str, Saved]) -> str:
    near = suggestion(fold(name), known)
    guess = f"did you mean {known[near].name}? Or " if near else ""
    return (
        f"there is no saved search “{name[:40]}”; {guess}save it on the page Mentions, or with "
        "listening searches save"
    )


def _decoded(value: str) -> Saved:
    kept = json.loads(value)
    return Saved(**kept | {"at": datetime.fromisoformat(kept["at"])})
