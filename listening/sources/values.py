"""Cells read as ratings and numbers, in the notations and languages people export them in."""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from listening.errors import InvalidItem
from listening.records import Scale
from listening.sources.wordings import AGREEMENT, ANSWERS, EMPTY, SMILEYS

_OUT_OF = r"(?:/|out of|of|no|iš|из|von|sur|de)"
_FRACTION = re.compile(rf"(\d+(?:[.,]\d+)?)\s*{_OUT_OF}\s*(\d{{1,3}})(?!\d)", re.IGNORECASE)
_LEADING = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(%)?(?:\s*[-–—:=(.]\s*(?!\d)|\s+\D|[^\w\s.,:/-]|$)")
_TRAILING = re.compile(r"\D[-–—:=(]\s*(\d+(?:[.,]\d+)?)\)?$")
_FILLED_STARS = "★⭐🌟✭✮✯"


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Lower case without diacritics, punctuation made single spaces. Cyrillic й is no diacritic."""
    marks = unicodedata.normalize("NFKD", text.casefold()).replace("и\u0306", "й")
    bare = "".join(mark for mark in marks if not unicodedata.combining(mark))
    return re.sub(r"[\W_]+", " ", bare).strip()


@lru_cache(maxsize=4096)
def is_empty(text: str) -> bool:
    """Nothing, or a sign for nothing such as ``n/a``, ``not applicable`` or a dash."""
    return not is_said(text) or plain(text) in EMPTY


def is_said(text: str) -> bool:
    """Anything but blanks, dashes and a spreadsheet's marks for no value."""
    return text.strip("-–—. \t\r\n\xa0") not in _NO_VALUE


_NO_VALUE = frozenset(("", "n/a", "N/A", "#N/A", "NULL", "null", "NaN", "nan", "None"))


def number(text: str) -> float:
    """Read a number with either decimal sign and any thousands separator; raises InvalidItem."""
    digits = re.sub(r"[\s'’]", "", text)
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"[-+]?[1-9]\d{0,2}((\.\d{3})+,\d+|(\.\d{3}){2,})", digits):
        digits = digits.replace(".", "")
    if not re.fullmatch(r"[-+]?(\d+[.,]?\d*|[.,]\d+)", digits, re.ASCII):
        raise InvalidItem(f"{text!r} is not a number")
    return float(digits.replace(",", "."))


@lru_cache(maxsize=4096)
def points(text: str) -> tuple[float, float | None] | None:
    """(value, the top of its scale where the cell names it) of a cell such as ``8/10``.

    None where no number, star or smiley stands in it.
    """
    text = text.strip()
    stars = sum(text.count(star) for star in _FILLED_STARS)
    if stars and not re.search(r"\d", text):
        return float(stars), 5.0
    if (fraction := _FRACTION.match(text)) is not None:
        return float(fraction[1].replace(",", ".")), float(fraction[2])
    if (leading := _LEADING.match(text)) is not None:
        return float(leading[1].replace(",", ".")), 100.0 if leading[2] else None
    if (trailing := _TRAILING.search(text)) is not None:
        return float(trailing[1].replace(",", ".")), None
    return None


@lru_cache(maxsize=4096)
def words(text: str) -> Scale | None:
    """The scale that a worded answer or a smiley belongs to; None for any other text."""
    if any(smiley in text for smiley in SMILEYS):
        return Scale.SMILEY
    answer = plain(text)
    if answer in ANSWERS:
        return ANSWERS[answer][0]
    return Scale.CES if answer in AGREEMENT else None


@lru_cache(maxsize=4096)
def rating(text: str, scale: Scale, top: float | None = None) -> int:
    """Read ``text`` on ``scale``.

    ``top`` is the highest value of the scale the column uses, if it is another: 7 of 10 is 4 of 5
    (``value * high / top``, halves rounded up, never below the lowest). Raises InvalidItem.
    """
    found = points(text)
    if found is None:
        return _worded(text, scale)
    value, named = found
    top = named or top or scale.high
    low = _lowest(scale, top)
    if not low <= value <= top:
        raise InvalidItem(f"{scale} {text} is outside {math.ceil(low)}-{top:g}")
    if top == scale.high and scale is not Scale.STARS and value != int(value):
        raise InvalidItem(f"{scale} {text} is not a whole number")
    return max(scale.low, math.floor(value * scale.high / top + 0.5))


def _lowest(scale: Scale, top: float) -> float:
    """Half a star is a rating; scales of ten and of a hundred begin at 0."""
    if top == scale.high:
        return 0.5 if scale is Scale.STARS else scale.low
    return 0 if top >= 10 else 1  # noqa: PLR2004 - the ten-point scale


def _worded(text: str, scale: Scale) -> int:
    for smiley, value in SMILEYS.items():
        if smiley in text:
            return _from_share((value - 1) / 3, scale)
    answer = plain(text)
    if scale is Scale.CES and answer in AGREEMENT:
        return AGREEMENT[answer]
    if answer in ANSWERS:
        return _from_share(ANSWERS[answer][1], scale)
    if answer in AGREEMENT:
        return _from_share((AGREEMENT[answer] - 1) / 6, scale)
    raise InvalidItem(f"{text.strip()[:80]!r} is not a rating that can be read as {scale}")


def _from_share(share: float, scale: Scale) -> int:
    return math.floor(scale.low + share * (scale.high - scale.low) + 0.5)
