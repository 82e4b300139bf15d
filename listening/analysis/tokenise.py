"""Words, numbers, emoji and single characters of unspaced scripts, with their offsets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from listening.analysis.folding import fold
from listening.analysis.stems import primary, stem

LONGEST = 64  # characters of a token that are kept; real words are shorter


class Token(NamedTuple):
    """``text[start:end]`` of the original, ``surface`` as written, ``stem`` shared by its forms.

    Both are folded, never empty, and hold no white space.
    """

    surface: str
    stem: str
    start: int
    end: int


def _marks() -> str:
    # Python's \w leaves out the vowel signs of Indic scripts and every combining accent.
    blocks = (*range(0x300, 0x3100), *range(0xA000, 0xAC00), *range(0xFE20, 0xFE30))
    return "".join(c for c in map(chr, blocks) if unicodedata.category(c)[0] == "M")


_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f"
_APOSTROPHES = "'’ʼ`"
_HYPHENS = "-‐‑"
# Thai, Lao, Myanmar, Hangul, Khmer, kana, Han: no spaces between words, or particles stuck to them.
_UNSPACED = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff"
)
_EMOJI = (
    "\u203c\u2049\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f3fa\U0001f400-\U0001faff"
)
_EMOJI_TAIL = "\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff"  # presentation, joiners, skin tones
_LETTER = f"[^\\W_{_UNSPACED}]"
_TAIL = f"[{_marks()}\uff9e\uff9f{_INVISIBLE}]"
_RUN = f"{_LETTER}(?:{_LETTER}|{_TAIL})*+"
_TOKEN = re.compile(
    r"(?P<url>(?:https?://|www\.)[^\s<>\"]+)"
    # e-mail is email and wi-fi is wifi, but check-in stays two words.
    rf"|(?P<word>(?:(?:[^\W\d_{_UNSPACED}]|(?i:wi(?=.fi)))[{_HYPHENS}](?={_LETTER}{{2}}))?"
    rf"{_RUN}(?:[{_APOSTROPHES}]{_RUN})*+)"
    rf"|(?P<single>[{_UNSPACED}]{_TAIL}*+)"
    rf"|(?P<emoji>(?:[\U0001f1e6-\U0001f1ff]{{2}}|[{_EMOJI}])[{_EMOJI_TAIL}]*+)"
)
_URL_WORDS = re.compile(r"(?:https?://)?(?:www\.)?([^?#]*)")
_PIECE = re.compile(f"[^{_APOSTROPHES}]+")
# The dictionaries take don't for a form of do, and a query for what people do not do needs it.
_NEGATED = frozenset(
    {"dont", "doesnt", "didnt", "cant", "cannot", "couldnt", "wont", "wouldnt", "shouldnt", "isnt"}
    | {"arent", "wasnt", "werent", "aint", "havent", "hasnt", "hadnt", "mustnt", "neednt"}
)
_ELIDING = frozenset({"fr", "it", "ca", "oc"})  # l'hôtel, dell'albergo
_AS_ONE = frozenset({"word", "single"})
_INNER = str.maketrans(dict.fromkeys(_APOSTROPHES + _HYPHENS))


def tokens(text: str, language: str) -> list[Token]:
    """The words of ``text`` in order; ``language`` is a BCP 47 tag, ``und`` when unknown.

    Unspaced scripts and emoji give one token per character (skin tones dropped); ``#tag`` is
    tag, ``@user`` is user, an address its host and path words.
    """
    return list(_scan(text, primary(language), 0, len(text)))


def terms(text: str, language: str) -> tuple[str, str]:
    """The surfaces of ``tokens`` and their stems, joined by single spaces: what stores index."""
    code = primary(language)
    found: list[tuple[str, str]] = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup in _AS_ONE and code not in _ELIDING:  # nearly all, at half the cost
            found.append(_terms(match[0][:LONGEST], code))
        else:
            found += ((t.surface, t.stem) for t in _scan(text, code, *match.span()))
    kept = [pair for pair in found if pair[0]]
    return " ".join(pair[0] for pair in kept), " ".join(pair[1] for pair in kept)


def _scan(text: str, language: str, start: int, end: int) -> Iterator[Token]:
    for found in _TOKEN.finditer(text, start, end):
        kind = found.lastgroup
        if kind == "url":
            words = _URL_WORDS.match(text, *found.span())
            if words:
                yield from _scan(text, language, *words.span(1))
        elif kind == "emoji":
            character = found.group()[0:2] if _is_flag(found.group()) else found.group()[0]
            yield Token(character, character, *found.span())
        elif language in _ELIDING and kind == "word":
            for piece in _PIECE.finditer(text, *found.span()):
                yield from _token(piece, language)
        else:
            yield from _token(found, language)


def _is_flag(emoji: str) -> bool:
    return "\U0001f1e6" <= emoji[0] <= "\U0001f1ff"


def _token(found: re.Match[str], language: str) -> Iterator[Token]:
    surface, shared = _terms(found.group()[:LONGEST], language)
    if surface:
        yield Token(surface, shared, found.start(), found.end())


@lru_cache(maxsize=1 << 17)  # words of all languages together, about 40 MB
def _terms(word: str, language: str) -> tuple[str, str]:
    surface = _plain(word)
    if language == "en" and surface in _NEGATED:
        return surface, surface
    return surface, _plain(stem(_uninflected(word, language), language)) or surface


def _plain(word: str) -> str:
    return "".join(fold(word.translate(_INNER)).split())[:LONGEST]


def _uninflected(word: str, language: str) -> str:
    pieces: list[str] = _PIECE.findall(word)
    head, *tail = pieces
    if tail and (language == "tr" or [t.lower() for t in tail] == ["s"]):
        return head  # Bolt's, Riga'da
    kept = "'" if language in {"uk", "be"} else ""
    return kept.join([head, *tail]).translate(dict.fromkeys(map(ord, _HYPHENS)))


def alternatives(text: str, languages: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Every stem sequence that a query word or phrase has in ``languages``, and its plain one.

    Empty when the text holds no word. A text matches where one of them equals consecutive stems.
    """
    sequences = (tuple(t.stem for t in tokens(text, code)) for code in ("und", *languages))
    return tuple(dict.fromkeys(sequence for sequence in sequences if sequence))
