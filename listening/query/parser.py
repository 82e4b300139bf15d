"""Query text to tree, by recursive descent.

Hand-written, because a generated parser knows which token it wanted but not which mistake a
person made; here every error names the character and the mend.

    or     = and { ("OR" | "|") and }
    and    = not { ["AND" | "&&"] not }
    not    = { "NOT" | "-" } near
    near   = atom [ ("NEAR/n" | "ONEAR/n") atom ]
    atom   = word | word* | "phrase" | "phrase"~n | field:value | "(" or ")"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from listening import analysis
from listening.query.errors import QueryError
from listening.query.fields import Typed, read
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word

LONGEST = 2_000  # characters
MOST_CLAUSES = 64
MOST_LEVELS = 8
FARTHEST = 50  # words between the sides of NEAR
MOST_PAIRS = 64  # of one NEAR: alternatives left times right
SHORTEST_PREFIX = 3  # characters before a *

_QUOTES = '"“”„‟«»'
_RUN = rf"[^\s()（）|{_QUOTES}]"
_LEXEME = re.compile(
    rf"(?P<open>[(（])|(?P<close>[)）])|(?P<or>\|\|?)|(?P<and>&&)"
    rf"|[{_QUOTES}](?P<phrase>[^{_QUOTES}]*)[{_QUOTES}](?:~(?P<slop>\d{{1,4}})(?!{_RUN}))?"
    rf"|(?P<open_quote>[{_QUOTES}])"
    rf"|(?P<not>-)(?=\S)(?![)）|])"
    rf"|(?P<field>(?P<name>[^\W\d_]+):(?!//)"
    rf"(?:[{_QUOTES}](?P<quoted>[^{_QUOTES}]*)[{_QUOTES}]|(?P<bare>{_RUN}*)))"
    rf"|(?P<near>(?i:(?P<ordered>O?)NEAR)/(?P<distance>\d{{1,4}})(?!{_RUN}))"
    rf"|(?P<bad_near>O?NEAR(?:/{_RUN}*)?(?!{_RUN}))"
    rf"|(?P<word>{_RUN}+)"
)
_OPERATORS = {"AND": "and", "OR": "or", "NOT": "not"}


class _Lexeme(NamedTuple):
    kind: str
    found: re.Match[str] | None
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.found.group() if self.found else ""


def parse(text: str) -> Node:
    """The tree that a query means; raises QueryError, with ``position``, for one it cannot read.

    ``after:`` includes its day, ``before:`` excludes it. A query may be purely negative.
    """
    if len(text) > LONGEST:
        what = f"the query of {len(text):,} characters passes the limit of {LONGEST:,}"
        raise QueryError(what, "shorten it, or make two searches of it", position=LONGEST)
    return _Parser(text).query()


def _lex(text: str) -> Iterator[_Lexeme]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _LEXEME.match(text, position)
        if found is None:  # a control character that is neither space nor a run
            raise QueryError("an unreadable sign", "remove it", position=position)
        yield _Lexeme(_kind(found), found, position, found.end())
        position = found.end()


def _kind(found: re.Match[str]) -> str:
    named = found.groupdict()
    kinds = ("open", "close", "or", "and", "phrase", "open_quote", "not", "field", "near")
    kind = next((k for k in (*kinds, "bad_near") if named[k] is not None), "word")
    return _OPERATORS.get(found.group(), kind)


class _Parser:
    def __init__(self, text: str) -> None:
        self.lexemes = [*_lex(text), _Lexeme("end", None, len(text), len(text))]
        self.index = 0
        self.clauses = 0
        self.opened: list[_Lexeme] = []

    @property
    def now(self) -> _Lexeme:
        return self.lexemes[self.index]

    def take(self) -> _Lexeme:
        lexeme = self.now
        self.index += 1
        return lexeme

    def query(self) -> Node:
        if self.now.kind == "end":
            raise QueryError(
                "the query is empty", 'write a word, a "phrase" or a field', position=0
            )
        node = self.either()
        if self.now.kind == "close":
            raise QueryError('")" without a "("', "remove it", position=self.now.start)
        return node

    def either(self) -> Node:
        parts = [self.both()]
        while self.now.kind == "or":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(_flat(parts, Or)))

    def both(self) -> Node:
        parts = [self.negation()]
        while self.now.kind not in {"or", "close", "end"}:
            if self.now.kind == "and":
                self.take()
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else And(tuple(_flat(parts, And)))

    def negation(self) -> Node:
        negative = False
        while self.now.kind == "not":
            self.take()
            negative = not negative
        node = self.near()
        if not negative:
            return node
        return node.part if isinstance(node, Not) else Not(node)

    def near(self) -> Node:
        first = self.now
        left = self.atom()
        if self.now.kind != "near":
            return left
        operator = self.take()
        distance = _distance(operator, "distance")
        sides = (_side(left, first), _side(self.atom(), operator, last=True))
        _refuse_pairs(sides, operator)
        if self.now.kind == "near":
            mend = "a chain can mean two things; write (a NEAR/5 b) AND (b NEAR/5 c)"
            raise QueryError("a second NEAR in a row", mend, position=self.now.start)
        ordered = bool(operator.found and operator.found["ordered"])
        return Near(*sides, distance, ordered, first.start, self.lexemes[self.index - 1].end)

    def atom(self) -> Node:
        lexeme = self.now
        if lexeme.kind == "open":
            return self.group()
        read_leaf = {"word": _word, "phrase": _phrase, "field": _field}.get(lexeme.kind)
        if read_leaf is None:
            raise self.missing()
        self.clauses += 1
        if self.clauses > MOST_CLAUSES:
            what = f"more than {MOST_CLAUSES} words, phrases and fields"
            raise QueryError(what, "split the query in two", position=lexeme.start)
        return read_leaf(self.take())

    def group(self) -> Node:
        opened = self.take()
        if len(self.opened) == MOST_LEVELS:
            what = f"more than {MOST_LEVELS} levels of parentheses"
            raise QueryError(what, "take out those that change nothing", position=opened.start)
        if self.now.kind == "close":
            raise QueryError('an empty "()"', "remove it, or fill it", position=opened.start)
        self.opened.append(opened)
        node = self.either()
        if self.now.kind != "close":
            what, mend = 'missing ")" for the "("', 'add ")" at the end'
            raise QueryError(what, mend, position=opened.start)
        self.take()
        self.opened.pop()
        return node

    def missing(self) -> QueryError:
        now = self.now
        if now.kind == "open_quote":
            mend = "close the phrase with another one, or remove it"
            return QueryError(f"missing closing quote for the {now.text}", mend, position=now.start)
        if now.kind == "bad_near":
            mend = "say how many words may stand between, e.g. late NEAR/5 delivery"
            return QueryError(f"“{now.text[:20]}” without its number", mend, position=now.start)
        if now.kind == "close" and not self.opened:
            return QueryError('")" without a "("', "remove it", position=now.start)
        lonely = now if now.kind in {"and", "or", "near"} else self.lexemes[self.index - 1]
        side = "left" if lonely is now else "right"
        mend = f"add it, or remove {lonely.text}"
        if lonely.text.isalpha():
            mend += f" (as a word, write {lonely.text.lower()})"
        return QueryError(f"{lonely.text} has nothing on its {side}", mend, position=lonely.start)


def _flat(parts: list[Node], kind: type[And | Or]) -> Iterator[Node]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        else:
            yield part


def _group(lexeme: _Lexeme, name: str) -> str:
    return (lexeme.found[name] or "") if lexeme.found else ""


def _distance(lexeme: _Lexeme, group: str) -> int:
    distance = int(_group(lexeme, group))
    if distance > FARTHEST:
        what = f"{distance} words apart is farther than {FARTHEST}"
        raise QueryError(what, "join the two with AND instead", position=lexeme.start)
    return distance


def _side(node: Node, at: _Lexeme, *, last: bool = False) -> tuple[Word | Phrase, ...]:
    parts = node.parts if isinstance(node, Or) else (node,)
    kept = tuple(part for part in parts if isinstance(part, Word | Phrase))
    if len(kept) == len(parts):
        return kept
    what = f"what stands {'right' if last else 'left'} of NEAR is not one group of words"
    mend = 'use a word, a "phrase" or (alternatives OR joined OR so)'
    raise QueryError(what, mend, position=at.start)


def _refuse_pairs(sides: tuple[tuple[Word | Phrase, ...], ...], at: _Lexeme) -> None:
    pairs = len(sides[0]) * len(sides[1])
    if pairs > MOST_PAIRS:
        what = f"NEAR over {pairs} pairs of alternatives is more than {MOST_PAIRS}"
        raise QueryError(what, "use a wildcard, e.g. deliver*, or two searches", position=at.start)


def _field(lexeme: _Lexeme) -> Field:
    name, quoted, bare = (_group(lexeme, g) for g in ("name", "quoted", "bare"))
    at = lexeme.start + len(name) + 1
    return read(Typed(name, quoted or bare, lexeme.start, at, lexeme.end))


def _phrase(lexeme: _Lexeme) -> Node:
    start = lexeme.start + 1
    found = re.finditer(r"\S+", _group(lexeme, "phrase"))
    words = tuple(
        _checked(m.group(), start + m.start()) for m in found if analysis.tokens(m.group(), "und")
    )
    if not words:
        raise QueryError("a phrase without a word", "fill it, or remove it", position=lexeme.start)
    if not _group(lexeme, "slop"):
        return Phrase(words, lexeme.start, lexeme.end)
    return _loose(words, lexeme)


def _loose(words: tuple[Word, ...], lexeme: _Lexeme) -> Near:
    left, right = words[:1], words[1:]
    if len(right) != 1:
        mend = "NEAR/n joins two words or groups: write a NEAR/5 b"
        raise QueryError("~ after a phrase that is not two words", mend, position=lexeme.start)
    return Near(left, right, _distance(lexeme, "slop"), start=lexeme.start, end=lexeme.end)


def _word(lexeme: _Lexeme) -> Word:
    return _checked(lexeme.text, lexeme.start)


def _checked(text: str, start: int) -> Word:
    end = start + len(text)
    star = text.find("*")
    core = text if star == -1 else text[:star]
    if star == 0:
        mend = f"begin with letters, e.g. {text.strip('*')[:40] or 'deliver'}*"
        raise QueryError("a * that nothing stands before", mend, position=start)
    if star != -1 and text.rstrip("*") != core:
        mend = f"only a beginning can be searched, e.g. {core[:40]}*"
        raise QueryError("a * inside a word", mend, position=start + star)
    found = analysis.tokens(core, "und")
    if not found:
        what = f"“{text[:20]}” holds no letter, digit or emoji"
        raise QueryError(what, "remove it", position=start)
    if star == -1:
        return Word(core, start=start, end=end)
    return _prefix(core, start, end)


def _prefix(core: str, start: int, end: int) -> Word:
    found = analysis.tokens(core, "und")
    if len(found) > 1 or found[0].surface != analysis.fold(core):
        mend = "write it without *" if len(found) > 1 else f"write {found[0].surface[:40]}*"
        raise QueryError(f"the * of “{core[:20]}*” follows no single word", mend, position=start)
    if len(found[0].surface) < SHORTEST_PREFIX:
        mend = f"a wildcard needs {SHORTEST_PREFIX} characters before it, e.g. del*"
        raise QueryError(f"“{core}*” is too short", mend, position=start)
    return Word(core, prefix=True, start=start, end=end)
