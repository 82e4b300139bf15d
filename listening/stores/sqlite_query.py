"""A Filter to SQL: text to the full-text index, all else to columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple

from listening import analysis
from listening.errors import ConfigError
from listening.records import Filter, Label, Scale
from listening.stores.sqlite_rows import LABELS, SERIES, microseconds, position
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word

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
    rest: tuple[Sql, ...] = ()
    verify: tuple[Node, ...] = ()

    @property
    def where(self) -> Sql:
        """All but ``match`` and the bounds, as SQL on ``feedback f``; its text may be empty."""
        parts = list(self.rest)
        if self.labels is not None:
            parts.insert(0, _one_of("f.label", self.labels))
        if self.series is not None:
            parts.insert(0, _series(self.series))
        return _joined(" AND ", parts)

    def rows(self, before: int = HIGHEST) -> Sql:
        """FROM and WHERE, for ``at`` of what is wanted and is older than ``before``."""
        where = self.where
        if self.match is None:
            tables, at, parts = "feedback f", "f.at", []
            if all("f.author" not in part.text for part in self.rest):
                tables += " INDEXED BY facts"
        else:
            tables, at, parts = "terms", "terms.rowid", [self.match]
            if where.text:
                tables += " CROSS JOIN feedback f ON f.at = terms.rowid"
        parts.append(Sql(f"{at} >= ? AND {at} < ?", (self.low, min(self.high, before))))
        found = _joined(" AND ", [*parts, *([where] if where.text else [])])
        return Sql(f"{at} AS at FROM {tables} WHERE {found.text}", found.params)


class Text(NamedTuple):
    """An FTS5 expression; when not ``exact`` it finds more than it should."""

    expression: str
    exact: bool = True


def select(where: Filter, languages: Collection[str]) -> Selection:
    """Compile; a query word is looked for in the forms that it has in ``languages``."""
    compiler = _Compiler(languages, [])
    parts = [*_conjuncts(where.text)]
    texts = [part for part in parts if compiler.text(part) is not None]
    texts += [part for part in parts if texts and compiler.is_unwanted_text(part)]
    series = [*_dimensions(where)]
    rest = [*_columns(where)]
    for part in parts:
        if isinstance(part, Field) and (named := _of_series(part)) is not None:
            series.append(named)
        elif part not in texts:
            rest.append(compiler.condition(part))
    since, until = where.window.since, where.window.until
    return Selection(
        low=LOWEST if since is None else position(_second(since)),
        high=HIGHEST if until is None else position(_second(until, up=1)),
        match=compiler.match(And(tuple(texts))) if texts else None,
        series=_joined(" AND ", series) if series else None,
        labels=where.label and tuple(LABELS.index(Label(label)) for label in where.label),
        rest=tuple(rest),
        verify=tuple(compiler.verify),
    )


def _conjuncts(node: Node | None) -> Iterable[Node]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _conjuncts(part)
    elif node is not None:
        yield node


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
    return Sql(f"f.series IN (SELECT code FROM series WHERE {condition.text})", condition.params)


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
        if self.text(node) is not None:
            match = self.match(node)
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

    def match(self, node: Node) -> Sql:
        """SQL on ``terms`` for a tree that ``text`` can express."""
        text = self.text(node)
        assert text is not None
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
                return self._sequence(node)
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
        if wanted is None or not all(text is not None and text.exact for text in unwanted):
            return None
        if not unwanted:
            return wanted
        rest = _combined(" OR ", unwanted)
        assert rest is not None
        return Text(f"({wanted.expression}) NOT ({rest.expression})", wanted.exact)

    def _sequence(self, node: Word | Phrase) -> Text | None:
        words = node.words if isinstance(node, Phrase) else (node,)
        if len(words) > 1 and any(word.prefix for word in words):
            found = _combined(" AND ", [self._sequence(word) for word in words])
            return found and Text(found.expression, exact=False)
        if words[0].prefix:
            beginning = analysis.fold(words[0].text)
            return Text(f"surface : {_quoted([beginning])} *") if beginning else None
        sequences = self._alternatives(node)
        if not sequences:
            return None
        return Text(f"stem : ({' OR '.join(map(_quoted, sequences))})")

    def _alternatives(self, node: Word | Phrase) -> Sequence[Sequence[str]]:
        text = " ".join(w.text for w in node.words) if isinstance(node, Phrase) else node.text
        return analysis.alternatives(text, self.languages)

    def _near(self, node: Near) -> Text | None:
        sides = node.left + node.right
        if any(w.prefix for s in sides for w in (s.words if isinstance(s, Phrase) else (s,))):
            left = _combined(" OR ", [self._sequence(side) for side in node.left])
            right = _combined(" OR ", [self._sequence(side) for side in node.right])
            both = _combined(" AND ", [left, right])
            return both and Text(both.expression, exact=False)
        left_side = [s for side in node.left for s in self._alternatives(side)]
        right_side = [s for side in node.right for s in self._alternatives(side)]
        if not left_side or not right_side:
            return None
        near = " OR ".join(
            f"NEAR({_quoted(one)} {_quoted(other)}, {node.distance})"
            for one, other in product(left_side, right_side)
        )
        shared = {t for s in left_side for t in s} & {t for s in right_side for t in s}
        return Text(f"stem : ({near})", exact=not (node.ordered or shared))


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


_NUMERIC = {*(scale.value for scale in Scale)}


def _of_series(node: Field) -> Sql | None:
    name = "language" if node.name == "lang" else node.name
    if name not in SERIES:
        return None
    return _like(name, node.value)


def _like(column: str, value: str) -> Sql:
    if not value.endswith("*"):
        return Sql(f"{column} = ?", (value,))
    return Sql(f"substr({column}, 1, ?) = ?", (len(value) - 1, value[:-1]))


def _field(node: Field) -> Sql:
    if (named := _of_series(node)) is not None:
        return _series(named)
    if node.name in _NUMERIC:
        bounds = ((">=", node.low), ("<=", node.high))
        given = [Sql(f"f.{node.name} {s} ?", (v,)) for s, v in bounds if v is not None]
        return _joined(" AND ", [Sql(f"f.{node.name} IS NOT NULL"), *given])
    if node.name == "sentiment":
        return Sql("f.label = ?", (LABELS.index(Label(node.value)),))
    if node.name in {"author", "url"}:
        like = _like(f"f.{node.name}", node.value)
        return Sql(f"ifnull({like.text}, 0)", like.params)
    if node.name in {"before", "after"}:
        sign = "<" if node.name == "before" else ">="
        moment = datetime.fromisoformat(node.value).replace(tzinfo=UTC)
        return Sql(f"f.created {sign} ?", (microseconds(moment),))
    raise ConfigError(f"this store cannot search by the field {node.name}:")


def query_languages(where: Filter) -> set[str]:
    """The languages that a filter narrows itself to; empty when it does not."""
    fields = (part for part in _conjuncts(where.text) if isinstance(part, Field))
    return {part.value for part in fields if part.name == "lang"} or set(where.language or ())
