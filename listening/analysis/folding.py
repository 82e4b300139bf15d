"""One spelling for what readers take as the same: case, accents, width, invisible characters."""

from __future__ import annotations

import unicodedata

_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "æ": "ae", "œ": "oe", "ı": "i"}
    | dict.fromkeys("'’ʼ`")
)
# Accents have combining classes from 200 up, Hebrew and Arabic points 10 to 35. The rest, viramas
# and voicing marks, tell words apart: か is not が.
_ACCENTS = 200
_POINTS = range(10, 36)


def fold(text: str) -> str:
    """NFKC, casefolded, without accents, apostrophes and invisible characters.

    ``Šķūnis`` is ``skunis``, ``ё`` is ``е``, Georgian Mtavruli is Mkhedruli; ``й`` stays.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain.replace("'", "").replace("`", "")
    if min(plain) >= "ა" and max(plain) <= "ჰ":  # Georgian has nothing to take off
        return plain
    parts = unicodedata.normalize("NFD", plain.replace("й", "\ue000"))
    kept = unicodedata.normalize("NFC", parts.translate(_DROPPED))
    return kept.replace("\ue000", "й").translate(_STROKES)


class _Dropped(dict[int, int | None]):
    """A table for translate; a character is looked into when first met."""

    def __missing__(self, code: int) -> int | None:
        self[code] = None if _is_dropped(chr(code)) else code
        return self[code]


_DROPPED = _Dropped()


def _is_dropped(character: str) -> bool:
    rank = unicodedata.combining(character)
    if rank >= _ACCENTS or rank in _POINTS:
        return True
    return unicodedata.category(character) in {"Cf", "Me"} or "\ufe00" <= character <= "\ufe0f"
