"""Text to index terms: tokens with offsets, folded, and a stem that inflected forms share."""

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


_MARKS = "".join(
    chr(c)
    for c in (*range(0x300, 0x3100), *range(0xA000, 0xAC00), *range(0xFE20, 0xFE30), 0xFF9E, 0xFF9F)
    if unicodedata.category(chr(c)) in {"Mn", "Mc", "Me"} or c > 0xFF00
)
_IGNORED = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f"
_SINGLE = (
    "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff"
)
_EMOJI = "\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_LETTER = f"[^\\W_{_SINGLE}]"
_REST = f"(?:{_LETTER}|[{_MARKS}{_IGNORED}])*+"
_TOKEN = re.compile(
    rf"(?P<skip>https?://(?:www\.)?|www\.|(?<=[\w/])[?#]\S*+(?<=\S{{9}}))"
    rf"|(?P<word>{_LETTER}{_REST}(?:['’ʼ`]{_LETTER}{_REST})*+)"
    rf"|(?P<single>[{_SINGLE}][{_MARKS}{_IGNORED}]*+)"
    rf"|(?P<emoji>[\U0001f1e6-\U0001f1ff]{{2}}|[{_EMOJI}])"
)

def tokens(text: str, language: str) -> list[Token]:
    """The words of ``text`` in order; ``language`` is a BCP 47 tag, ``und`` when unknown.

    Unspaced scripts and emoji give one token per character.
    """
    return list(_tokens(text, primary(language)))


def _tokens(text: str, language: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "skip":
            continue
        surface, stem = _terms(found.group()[:LONGEST], language)
        if surface:
            yield Token(surface, stem, found.start(), found.end())


@lru_cache(maxsize=1 << 17)
def _terms(word: str, language: str) -> tuple[str, str]:
    surface = "".join(fold(word).split())
    if language == "und":
        return surface, surface
    return surface, "".join(stem(word, language).split()) or surface


def alternatives(text: str, languages: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Every stem sequence that a query word or phrase has in ``languages``, and its plain one.

    Empty when the text holds no word. A text matches where one of them equals consecutive stems.
    """
    found = {tuple(t.stem for t in tokens(text, language)): None for language in languages}
    plain = tuple(t.surface for t in tokens(text, "und"))
    return tuple(sequence for sequence in ({plain: None} | found) if sequence)
