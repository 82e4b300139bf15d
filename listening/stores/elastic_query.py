"""A Filter to an Elasticsearch query that means exactly what ``match.Matcher`` means.

Words are terms of the fields ``stem`` and ``surface``, which are filled by ``analysis``; phrases
and NEAR are span queries over them. What narrows by no text needs no score: all is in filters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from listening import analysis
from listening.errors import ConfigError
from listening.records import Dimension, Filter, Scale, Window
from listening.stores.periods import microseconds
from listening.stores.reading import DESK, languages_named, not_looked_up
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word

Query = dict[str, Any]
Readings = dict[int, list[Query]]  # span queries by how many terms they cover

MOST_TERMS = 60_000  # of one query; the server takes 65,536
MOST_READINGS = 64  # of one phrase, by how many terms each of its words stands for
MILLISECOND = 1_000  # in microseconds
NOTHING: Query = {"match_none": {}}
DIMENSIONS = (
    *(Dimension.BRAND, Dimension.SOURCE, Dimension.KIND, Dimension.LANGUAGE, Dimension.COUNTRY),
    *(Dimension.TOUCHPOINT, Dimension.SEGMENT, Dimension.SERVICE, Dimension.CAMPAIGN),
    Dimension.QUESTION,
)


def query(where: Filter, known: Collection[str]) -> Query:
    """Compile; ``known`` are all languages of the store.

    A query word is looked for in the forms that it has in those the filter names, else in all.
    Raises ConfigError for a phrase that can be read in too many ways.
    """
    parts = [*_fields(where), *_window(where.window)]
    if where.text is not None:
        parts.append(_Compiler(tuple(languages_named(where) or known)).node(where.text))
    return {"bool": {"filter": parts}} if parts else {"match_all": {}}


def _fields(where: Filter) -> Iterator[Query]:
    for name in (*DIMENSIONS, "author", "label"):
        values = getattr(where, name)
        if values is None:
            continue
        given = {"terms": {name: [value for value in values if value]}}
        missing = name in DIMENSIONS and not all(values)
        yield _any([given, _not(_exists(name))]) if missing else given


def _window(window: Window) -> Iterator[Query]:
    for sign, moment in (("gte", window.since), ("lt", window.until)):
        if moment is not None:
            exact = microseconds(moment)
            milliseconds, rest = divmod(exact, MILLISECOND)
            # A whole millisecond lets a month's index be skipped, or taken whole and remembered.
            yield _created({sign: milliseconds + bool(rest and sign == "lt")})
            if rest:
                yield {"range": {"created": {sign: exact}}}


@dataclass(frozen=True, slots=True)
class _Compiler:
    languages: Sequence[str]

    def node(self, node: Node) -> Query:
        match node:
            case And(parts):
                wanted = [self.node(part) for part in parts if not isinstance(part, Not)]
                unwanted = [self.node(part.part) for part in parts if isinstance(part, Not)]
                return {"bool": {"filter": wanted, "must_not": unwanted}}
            case Or(parts):
                return _any([self.node(part) for part in parts])
            case Not(part):
                return _not(self.node(part))
            case Field():
                return _field(node)
            case Near():
                return self._near(node)
            case Word() | Phrase():
                return self._text(node)

    def _text(self, node: Word | Phrase) -> Query:
        if isinstance(node, Word):
            return self._word(node)
        if len(node.words) == 1:
            return self._word(node.words[0])
        return _any([span for spans in self._phrase(node).values() for span in spans])

    def _word(self, word: Word) -> Query:
        if word.prefix:
            return {"prefix": {"surface": analysis.fold(word.text)}}
        forms = analysis.alternatives(word.text, self.languages)
        single = [form[0] for form in forms if len(form) == 1]
        several = [_in_a_row([_term(stem) for stem in form]) for form in forms if len(form) > 1]
        return _any([*([{"terms": {"stem": single}}] if single else []), *several])

    def _phrase(self, phrase: Phrase) -> Readings:
        """One span query for each combination of how many terms its words stand for.

        Spans whose length varies would hide each other: Lucene takes the first that follows.
        """
        chains: list[tuple[int, list[Query]]] = [(0, [])]
        for word in phrase.words:
            readings = self._readings(word)
            chains = [
                (covered + size, [*chain, _either(spans)])
                for covered, chain in chains
                for size, spans in readings.items()
            ]
            if len(chains) > MOST_READINGS:
                raise ConfigError(
                    f"the phrase “{' '.join(w.text for w in phrase.words)[:60]}” can be read in"
                    " too many ways; search for a shorter part of it"
                )
        return _by_size((size, _in_a_row(chain)) for size, chain in chains)

    def _readings(self, part: Word | Phrase) -> Readings:
        if isinstance(part, Phrase):
            return self._phrase(part)
        if part.prefix:
            return {1: [_beginning(analysis.fold(part.text))]}
        forms = analysis.alternatives(part.text, self.languages)
        return _by_size((len(form), _in_a_row([_term(stem) for stem in form])) for form in forms)

    def _near(self, near: Near) -> Query:
        left, right = self._side(near.left), self._side(near.right)
        found = [*_followed(left, right, near.distance)]
        if not near.ordered:
            found += _followed(right, left, near.distance)
        return _any(found)

    def _side(self, side: Iterable[Word | Phrase]) -> Readings:
        return _by_size(
            (size, span)
            for part in side
            for size, spans in self._readings(part).items()
            for span in spans
        )


def _followed(first: Readings, second: Readings, distance: int) -> Iterator[Query]:
    """Where one of ``second`` begins at most ``distance`` terms after the end of one of ``first``.

    Each size of ``first`` on its own: of spans that differ in it, a long one would have the server
    step over what follows a short one.
    """
    later = [span for spans in second.values() for span in spans]
    for spans in first.values() if later else ():
        yield _ordered([_either(spans), _either(later)], distance)


def _by_size(sized: Iterable[tuple[int, Query]]) -> Readings:
    found: Readings = {}
    for size, span in sized:
        found.setdefault(size, []).append(span)
    return found


def _term(stem: str) -> Query:
    return {"span_term": {"stem": stem}}


def _beginning(prefix: str) -> Query:
    spans = {"span_multi": {"match": {"prefix": {"surface": prefix}}}}
    return {"span_field_masking": {"query": spans, "field": "stem"}}  # the positions are the same


def _either(spans: Sequence[Query]) -> Query:
    return spans[0] if len(spans) == 1 else {"span_or": {"clauses": spans}}


def _in_a_row(spans: Sequence[Query]) -> Query:
    return spans[0] if len(spans) == 1 else _ordered(spans, 0)


def _ordered(spans: Sequence[Query], distance: int) -> Query:
    return {"span_near": {"clauses": spans, "slop": distance, "in_order": True}}


def _any(parts: Sequence[Query]) -> Query:
    if not parts:
        return NOTHING
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts}}


def _not(part: Query) -> Query:
    return {"bool": {"must_not": [part]}}


def _exists(name: str) -> Query:
    return {"exists": {"field": name}}


def _created(bounds: dict[str, int]) -> Query:
    return {"range": {"created_at": {**bounds, "format": "epoch_millis"}}}


_SCALES = frozenset(Scale)


def _field(node: Field) -> Query:
    match node.name:
        case name if name in DESK:
            return _looked_up(node)
        case "lang":
            exact = {"value": node.value, "case_insensitive": True}
            longer = {"value": f"{node.value}-", "case_insensitive": True}
            return _any([{"term": {"language": exact}}, {"prefix": {"language": longer}}])
        case "sentiment":
            return {"term": {"label": node.value}}
        case "after" | "before":
            day = microseconds(datetime.fromisoformat(node.value).replace(tzinfo=UTC))
            return _created({"gte" if node.name == "after" else "lt": day // MILLISECOND})
        case name if name in _SCALES:
            given = {"gte": node.low, "lte": node.high}
            bounds = {sign: bound for sign, bound in given.items() if bound is not None}
            return {"range": {name: bounds}} if bounds else _exists(name)
        case name:
            return _same_text(f"folded.{name}", node.value)


def _same_text(name: str, wanted: str) -> Query:
    if wanted.endswith("*"):
        return {"prefix": {name: analysis.fold(wanted[:-1])}}
    return {"term": {name: analysis.fold(wanted)}}


def _looked_up(node: Field) -> Query:
    if node.ids is None:
        raise not_looked_up(node)
    ids = sorted(node.ids)
    parts = [ids[n : n + MOST_TERMS] for n in range(0, len(ids), MOST_TERMS)]
    return _any([{"terms": {"id": part}} for part in parts])
