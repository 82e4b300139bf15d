"""The local matcher: what a query tree means, on one text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from listening.analysis import Token, alternatives, fold, tokens
from listening.records import Feedback, Scale, Sentiment, Span
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word, leaves

Holds = Callable[[Field], bool]
Range = tuple[int, int]  # positions of tokens, the end exclusive


class Match(NamedTuple):
    """Whether a query holds, and the characters that made it so, sorted and merged.

    What stands under NOT gives no spans, so a match may have none.
    """

    matches: bool
    spans: tuple[Span, ...] = ()


class Matcher:
    """A query made ready for many texts, whose words may be inflected as in ``languages``.

    ``languages`` are BCP 47 tags: those the texts are in, e.g. all that a store holds.
    """

    def __init__(self, node: Node, languages: Collection[str]) -> None:
        self._node = node
        words = (word for leaf in leaves(node) for word in _words(leaf))
        self._stems = {
            word.text: alternatives(word.text, languages) for word in words if not word.prefix
        }

    def feedback(self, feedback: Feedback, sentiment: Sentiment | None) -> Match:
        """Match text and fields of one record; ``sentiment`` is None while it is unscored."""
        found = tokens(feedback.text, feedback.language)
        return self.text(found, holds_for(feedback, sentiment))

    def text(self, found: Sequence[Token], holds: Holds) -> Match:
        """Match analysed text; ``holds`` answers for the fields."""
        text = _Text([t.surface for t in found], [t.stem for t in found])
        ranges = self._match(self._node, text, holds)
        if ranges is None:
            return Match(matches=False)
        spans = (Span(found[start].start, found[end - 1].end) for start, end in ranges)
        return Match(matches=True, spans=tuple(_merged(spans)))

    def terms(self, surfaces: Sequence[str], stems: Sequence[str], holds: Holds) -> bool:
        """Match stored terms, position by position, where no offsets are wanted."""
        return self._match(self._node, _Text(surfaces, stems), holds) is not None

    def _match(self, node: Node, text: _Text, holds: Holds) -> list[Range] | None:
        """Token ranges that made it match; None when it does not."""
        match node:
            case And(parts):
                found = [self._match(part, text, holds) for part in parts]
                return None if None in found else _joined(found)
            case Or(parts):
                found = [self._match(part, text, holds) for part in parts]
                return None if all(f is None for f in found) else _joined(found)
            case Not(part):
                return [] if self._match(part, text, holds) is None else None
            case Field():
                return [] if holds(node) else None
            case _:
                return self._leaf(node, text) or None

    def _leaf(self, leaf: Word | Phrase | Near, text: _Text) -> list[Range]:
        match leaf:
            case Word(word, prefix=True):
                return text.beginning(fold(word))
            case Word(word):
                return [r for stems in self._stems[word] for r in text.sequence(stems)]
            case Phrase(words):
                return _chain([self._leaf(word, text) for word in words])
            case Near(left, right, distance, ordered):
                before, after = self._side(left, text), self._side(right, text)
                return _near(before, after, distance, ordered=ordered)

    def _side(self, side: tuple[Word | Phrase, ...], text: _Text) -> list[Range]:
        return [found for part in side for found in self._leaf(part, text)]


class _Text:
    """Terms of one text, indexed by stem."""

    def __init__(self, surfaces: Sequence[str], stems: Sequence[str]) -> None:
        self._surfaces = surfaces
        self._stems = stems
        self._positions: dict[str, list[int]] = {}
        for position, stem in enumerate(stems):
            self._positions.setdefault(stem, []).append(position)

    def sequence(self, stems: Sequence[str]) -> Iterator[Range]:
        size = len(stems)
        for start in self._positions.get(stems[0], ()):
            if size == 1 or tuple(self._stems[start : start + size]) == stems:
                yield start, start + size

    def beginning(self, prefix: str) -> list[Range]:
        return [(i, i + 1) for i, word in enumerate(self._surfaces) if word.startswith(prefix)]


def _words(leaf: Word | Phrase | Near | Field) -> Iterator[Word]:
    match leaf:
        case Word():
            yield leaf
        case Phrase(words):
            yield from words
        case Near(left, right):
            for part in (*left, *right):
                yield from _words(part)


def _joined(found: Iterable[list[Range] | None]) -> list[Range]:
    return [r for ranges in found if ranges for r in ranges]


def _chain(words: list[list[Range]]) -> list[Range]:
    """Ranges in which each word begins where the one before ends."""
    chains = set(words[0])
    for following in words[1:]:
        ends: dict[int, list[int]] = {}
        for start, end in following:
            ends.setdefault(start, []).append(end)
        chains = {(start, end) for start, middle in chains for end in ends.get(middle, ())}
    return sorted(chains)


def _near(left: list[Range], right: list[Range], distance: int, *, ordered: bool) -> list[Range]:
    """The ranges of both sides that have one of the other side near enough."""
    kept = [
        *_followed(left, right, distance),
        *_preceded(right, left, distance),
    ]
    if not ordered:
        kept += [*_followed(right, left, distance), *_preceded(left, right, distance)]
    return sorted(set(kept))


def _followed(ranges: list[Range], others: list[Range], distance: int) -> Iterator[Range]:
    starts = sorted(start for start, _ in others)
    for found in ranges:
        index = bisect_left(starts, found[1])
        if index < len(starts) and starts[index] - found[1] <= distance:
            yield found


def _preceded(ranges: list[Range], others: list[Range], distance: int) -> Iterator[Range]:
    ends = sorted(end for _, end in others)
    for found in ranges:
        index = bisect_right(ends, found[0]) - 1
        if index >= 0 and found[0] - ends[index] <= distance:
            yield found


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in sorted(spans):
        if current is None:
            current = span
        elif span.start <= current.end:
            current = Span(current.start, max(current.end, span.end))
        else:
            yield current
            current = span
    if current is not None:
        yield current


def holds_for(feedback: Feedback, sentiment: Sentiment | None) -> Holds:
    """Answer for every field of one record.

    ``lang:en`` holds for en-GB; texts match whole, without regard to case and accents, or from
    the start with a trailing ``*``; a day begins at midnight UTC; unscored text has no sentiment.
    """

    def holds(field: Field) -> bool:
        match field.name:
            case "tag" | "status" | "assignee" | "saved":
                # Nobody keeps anything of what is in no store.
                return feedback.id in (field.ids or ())
            case "lang":
                return _speaks(feedback.language, field.value)
            case "sentiment":
                return sentiment is not None and sentiment.label == field.value
            case "after" | "before":
                is_after = feedback.created_at >= _midnight(field.value)
                return is_after == (field.name == "after")
            case name if name in _SCALES:
                return any(r.scale == name and _within(r.value, field) for r in feedback.ratings)
            case name:
                return same_text(getattr(feedback, name), field.value)

    return holds


_SCALES = frozenset(Scale)


def _speaks(language: str, wanted: str) -> bool:
    return f"{language}-".casefold().startswith(f"{wanted}-".casefold())


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def _within(value: int, field: Field) -> bool:
    return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)


def same_text(stored: str | None, wanted: str) -> bool:
    """Whether a stored value is the one a field operator names; ``wanted`` may end in ``*``."""
    if stored is None:
        return False
    if wanted.endswith("*"):
        return fold(stored.strip()).startswith(fold(wanted[:-1]))
    return fold(stored.strip()) == fold(wanted)
