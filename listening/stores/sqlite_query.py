"""A Filter to SQL: text to the full-text index, all else to columns."""

# ruff: noqa: S608 - names of columns are ours; every value from outside is a parameter

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from itertools import chain, product
from math import prod
from typing import NamedTuple

from listening import analysis
from listening.errors import ConfigError
from listening.records import Filter, Label, Scale
from listening.stores.periods import microseconds
from listening.stores.reading import DESK, conjuncts, languages_named, not_looked_up
from listening.stores.sqlite_rows import LABELS, SERIES, position
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word

MOST_SEQUENCES = 64  # beyond, candidates are found by their words and verified
LOWEST, HIGHEST = -(2**63), 2**63 - 1


class Sql(NamedTuple):
    text: str
    params: tuple[str | int | float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is wanted: low <= at < high, and all of the rest.

    ``match`` is SQL on the full-text index ``terms``; ``series`` on that table; ``labels`` are
    numbers; ``rest`` is SQL on ``feedback f``. None and empty narrow nothing. The SQL function
    ``verified(n, surface, stem)`` stands for whether the text holds ``verify[n]``.
    """

    low: int
    high: int
    match: Sql | None = None
    series: Sql | None = None
    labels: tuple[int, ...] | None = None
    members: tuple[Members, ...] = ()
    rest: tuple[Sql, ...] = ()
    verify: tuple[Node, ...] = ()
    languages: Collection[str] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the packed columns can answer it."""
        return self.match is None and not self.rest

    @property
    def where(self) -> Sql:
        """All but ``match`` and the bounds, as SQL on ``feedback f``; its text may be empty."""
        parts = [*(one.sql for one in self.members), *self.rest]
        if self.labels is not None:
            parts.insert(0, _one_of("+f.label", self.labels))
        if self.series is not None:
            parts.insert(0, _series(self.series))
        return _joined(" AND ", parts)

    def rows(self, before: int = HIGHEST) -> Sql:
        """FROM and WHERE, for ``at`` of what is wanted and is older than ``before``."""
        where = self.where
        # Without this SQLite would read the whole rows, which are twenty times as wide.
        narrow = all("f.author" not in part.text for part in self.rest)
        table = "feedback f INDEXED BY facts" if narrow else "feedback f"
        if self.match is None:
            tables, at, parts = table, "f.at", []
        else:
            tables, at, parts = "terms", "terms.rowid", [self.match]
            if where.text:
                tables += f" CROSS JOIN {table} ON f.at = terms.rowid"
        parts.append(Sql(f"{at} >= ? AND {at} < ?", (self.low, min(self.high, before))))
        found = _joined(" AND ", [*parts, *([where] if where.text else [])])
        return Sql(f"{at} AS at FROM {tables} WHERE {found.text}", found.params)


class Members(NamedTuple):
    """What is among the ids, or where not ``wanted`` is none of them."""

    ids: frozenset[str]
    wanted: bool

    @property
    def sql(self) -> Sql:
        listed = "SELECT at FROM feedback WHERE id IN (SELECT value FROM json_each(?))"
        sign = "" if self.wanted else "NOT "
        return Sql(f"f.at {sign}IN ({listed})", (json.dumps(sorted(self.ids)),))


class Text(NamedTuple):
    """An FTS5 expression; when not ``exact`` it finds more than it should."""

    expression: str
    exact: bool = True


def select(where: Filter, known: Collection[str]) -> Selection:
    """Compile; ``known`` are all languages of the store.

    A query word is looked for in the forms that it has in those the filter names, else in all.
    """
    languages = languages_named(where) or known
    compiler = _Compiler(languages, [])
    parts = [*conjuncts(where.text)]
    texts = [part for part in parts if compiler.text(part) is not None]
    texts += [part for part in parts if texts and compiler.is_unwanted_text(part)]
    together = And(tuple(texts))
    text = compiler.text(together)
    series = [*_dimensions(where)]
    rest = [*_columns(where)]
    members: list[Members] = []
    since, until = where.window.since, where.window.until
    low = LOWEST if since is None else position(_second(since))
    high = HIGHEST if until is None else position(_second(until, up=1))
    for part in parts:
        if isinstance(part, Field) and (named := _of_series(part)) is not None:
            series.append(named)
        elif isinstance(part, Field) and (bounds := _bounds(part)) is not None:
            low, high = max(low, bounds[0]), min(high, bounds[1])
        elif (among := _members(part)) is not None:
            members.append(among)
        elif part not in texts:
            rest.append(compiler.condition(part))
    return Selection(
        low=low,
        high=high,
        match=None if text is None else compiler.match(together, text),
        series=_joined(" AND ", series) if series else None,
        labels=None if where.label is None else tuple(map(LABELS.index, where.label)),
        members=tuple(members),
        rest=tuple(rest),
        verify=tuple(compiler.verify),
        languages=languages,
    )


def _second(moment: datetime, up: int = 0) -> int:
    """The whole second at or before ``moment``; with ``up`` at or after it, in microseconds."""
    exact = microseconds(moment)
    return (exact + up * 999_999) // 1_000_000 * 1_000_000


def _dimensions(where: Filter) -> Iterable[Sql]:
    for name in SERIES:
        if (values := getattr(where, name)) is not None:
            yield _one_of(name, [value or "" for value in values])


def _columns(where: Filter) -> Iterable[Sql]:
    if where.author is not None:
        yield _one_of("f.author", where.author)
    for sign, moment in ((">=", where.window.since), ("<", where.window.until)):
        if moment is not None and moment.microsecond:
            yield Sql(f"f.created {sign} ?", (microseconds(moment),))


def _series(condition: Sql) -> Sql:
    # The + has a row compared with the list, not the index searched for each of the list.
    return Sql(f"+f.series IN (SELECT code FROM series WHERE {condition.text})", condition.params)


def _one_of(column: str, values: Sequence[str | int]) -> Sql:
    return Sql(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _joined(word: str, parts: Sequence[Sql]) -> Sql:
    return Sql(
        word.join(f"({part.text})" for part in parts),
        tuple(value for part in parts for value in part.params),
    )


@dataclass(frozen=True, slots=True)
class _Compiler:
    languages: Collection[str]
    verify: list[Node]

    def condition(self, node: Node) -> Sql:
        """SQL on ``feedback f`` for any tree."""
        if (text := self.text(node)) is not None:
            match = self.match(node, text)
            return Sql(f"f.at IN (SELECT rowid FROM terms WHERE {match.text})", match.params)
        match node:
            case And(parts):
                return _joined(" AND ", [self.condition(part) for part in parts])
            case Or(parts):
                return _joined(" OR ", [self.condition(part) for part in parts])
            case Not(part):
                inner = self.condition(part)
                return Sql(f"NOT ({inner.text})", inner.params)
            case Field():
                return _field(node)
            case _:
                return Sql("0")  # a word without a letter

    def match(self, node: Node, text: Text) -> Sql:
        """SQL on ``terms`` for a tree and its expression."""
        if text.exact:
            return Sql("terms MATCH ?", (text.expression,))
        self.verify.append(node)
        return Sql(
            "terms MATCH ? AND verified(?, terms.surface, terms.stem)",
            (text.expression, len(self.verify) - 1),
        )

    def text(self, node: Node) -> Text | None:
        """The FTS5 expression of a tree; None when it has none, as a field or a bare NOT."""
        match node:
            case Word() | Phrase():
                return self._leaf(node)
            case Near():
                return self._near(node)
            case Or(parts):
                return _combined(" OR ", [self.text(part) for part in parts])
            case And(parts):
                return self._and(parts)
            case _:
                return None

    def is_unwanted_text(self, node: Node) -> bool:
        """Whether it is a NOT that the full-text index can subtract from other text."""
        inner = self.text(node.part) if isinstance(node, Not) else None
        return inner is not None and inner.exact

    def _and(self, parts: Sequence[Node]) -> Text | None:
        wanted = _combined(
            " AND ", [self.text(part) for part in parts if not isinstance(part, Not)]
        )
        unwanted = [self.text(part.part) for part in parts if isinstance(part, Not)]
        if wanted is None or not unwanted:
            return wanted
        rest = _combined(" OR ", unwanted)
        if rest is None or not rest.exact:
            return None
        return Text(f"({wanted.expression}) NOT ({rest.expression})", wanted.exact)

    def _leaf(self, node: Word | Phrase) -> Text | None:
        words = _words(node)
        if len(words) == 1 and words[0].prefix:
            beginning = analysis.fold(words[0].text)
            return Text(f"surface : {_quoted([beginning])} *") if beginning else None
        sequences = self._sequences(node)
        if sequences is not None:
            phrases = " OR ".join(map(_quoted, sequences))
            return Text(f"stem : ({phrases})") if phrases else None
        found = _combined(" AND ", [self._leaf(word) for word in words])
        return found and Text(found.expression, exact=False)

    def _sequences(self, node: Word | Phrase) -> Sequence[Sequence[str]] | None:
        """The stems that follow each other where ``node`` is; None when that is no short list."""
        words = _words(node)
        if any(word.prefix for word in words):
            return None
        forms = [analysis.alternatives(word.text, self.languages) for word in words]
        if prod(map(len, forms)) > MOST_SEQUENCES:
            return None
        return [[*chain.from_iterable(sequence)] for sequence in product(*forms)]

    def _near(self, node: Near) -> Text | None:
        left, right = self._side(node.left), self._side(node.right)
        if left is None or right is None or len(left) * len(right) > MOST_SEQUENCES:
            return self._both(node)
        pairs = [*product(left, right)]
        if not pairs:
            return None
        near = [f"NEAR({_quoted(a)} {_quoted(b)}, {node.distance})" for a, b in pairs]
        # NEAR knows no order, and lets the two sides be the same words.
        exact = not node.ordered and all(set(a).isdisjoint(b) for a, b in pairs)
        return Text(f"stem : ({' OR '.join(near)})", exact=exact)

    def _side(self, side: Sequence[Word | Phrase]) -> Sequence[Sequence[str]] | None:
        found = [self._sequences(part) for part in side]
        known = [sequences for sequences in found if sequences is not None]
        return [*chain.from_iterable(known)] if len(known) == len(found) else None

    def _both(self, node: Near) -> Text | None:
        sides = [_combined(" OR ", [*map(self._leaf, side)]) for side in (node.left, node.right)]
        found = _combined(" AND ", sides)
        return found and Text(found.expression, exact=False)


def _words(node: Word | Phrase) -> tuple[Word, ...]:
    return node.words if isinstance(node, Phrase) else (node,)


def _combined(operator: str, parts: Sequence[Text | None]) -> Text | None:
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return Text(
        operator.join(f"({part.expression})" for part in known), all(p.exact for p in known)
    )


def _quoted(sequence: Sequence[str]) -> str:
    words = " ".join(sequence).replace('"', '""')
    return f'"{words}"'


def _of_series(node: Field) -> Sql | None:
    """A condition on ``series``, if the field is one of its columns."""
    if node.name == "lang":
        return Sql("instr(lower(language) || '-', lower(?) || '-') = 1", (node.value,))
    if node.name in SERIES:
        return Sql(f"{node.name} <> '' AND same_text({node.name}, ?)", (node.value,))
    return None


def _bounds(node: Field) -> tuple[int, int] | None:
    """Low <= at < high of ``after:`` and ``before:``."""
    if node.name not in {"after", "before"}:
        return None
    day = position(microseconds(datetime.fromisoformat(node.value).replace(tzinfo=UTC)))
    return (day, HIGHEST) if node.name == "after" else (LOWEST, day)


def _field(node: Field) -> Sql:
    if (named := _of_series(node)) is not None:
        return _series(named)
    if (bounds := _bounds(node)) is not None:
        return Sql("f.at >= ? AND f.at < ?", bounds)
    if node.name not in _WRITTEN:
        raise ConfigError(f"this store cannot search by the field {node.name}:")
    return _WRITTEN[node.name](node)


def _rated(node: Field) -> Sql:
    limits = ((">=", node.low), ("<=", node.high))
    given = [Sql(f"f.{node.name} {s} ?", (v,)) for s, v in limits if v is not None]
    return _joined(" AND ", [Sql(f"f.{node.name} IS NOT NULL"), *given])


def _labelled(node: Field) -> Sql:
    return Sql("f.label = ?", (LABELS.index(Label(node.value)),))


def _by_author(node: Field) -> Sql:
    authors = "SELECT DISTINCT author FROM feedback WHERE author IS NOT NULL"
    matching = f"SELECT author FROM ({authors}) WHERE same_text(author, ?)"
    return Sql(f"ifnull(f.author, '') IN ({matching})", (node.value,))


def _at_address(node: Field) -> Sql:
    return Sql("same_text(f.url, ?)", (node.value,))


def _members(node: Node) -> Members | None:
    """Of a tree that is only about ids."""
    match node:
        case Field(ids=frozenset() as ids):
            return Members(ids, wanted=True)
        case Not(part):
            inner = _members(part)
            return inner and inner._replace(wanted=not inner.wanted)
        case Or(parts):
            found = [_members(part) for part in parts]
            return reduce(_either, found[1:], found[0])
    return None


def _either(one: Members | None, other: Members | None) -> Members | None:
    if one is None or other is None:
        return None
    if one.wanted and other.wanted:
        return Members(one.ids | other.ids, wanted=True)
    if one.wanted:
        return Members(other.ids - one.ids, wanted=False)
    kept = one.ids - other.ids if other.wanted else one.ids & other.ids
    return Members(kept, wanted=False)


def _looked_up(node: Field) -> Sql:
    if node.ids is None:
        raise not_looked_up(node)
    return Members(node.ids, wanted=True).sql


_WRITTEN: Mapping[str, Callable[[Field], Sql]] = {
    **dict.fromkeys((scale.value for scale in Scale), _rated),
    **dict.fromkeys(DESK, _looked_up),
    "sentiment": _labelled,
    "author": _by_author,
    "url": _at_address,
}
