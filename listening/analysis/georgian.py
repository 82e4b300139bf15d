"""Georgian written in Latin letters, as people type it on phones: ``momsaxureba``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product

# The likeliest letter first. Digraphs are tried before their letters.
_LETTERS = {
    "sh": "შ", "ch": "ჩჭ", "kh": "ხ", "zh": "ჟ", "gh": "ღ", "dz": "ძ", "ts": "ცწ", "tz": "წ",
    "ph": "ფ", "th": "თ", "tch": "ჭ",
    "a": "ა", "b": "ბ", "c": "ცწ", "d": "დ", "e": "ე", "f": "ფ", "g": "გღ", "h": "ჰ", "i": "ი",
    "j": "ჯჟ", "k": "კქ", "l": "ლ", "m": "მ", "n": "ნ", "o": "ო", "p": "პფ", "q": "ქყ", "r": "რ",
    "s": "სშ", "t": "ტთ", "u": "უ", "v": "ვ", "w": "წვ", "x": "ხ", "y": "ყ", "z": "ზძ",
}  # fmt: skip
_SHORTEST = 4  # letters; shorter Latin words are more often another language's
_MOST = 256  # spellings tried


def spellings(word: str) -> Iterator[str]:
    """Georgian spellings of a Latin word, likeliest first; none when it has foreign characters."""
    letters = _split(word)
    if len(word) < _SHORTEST or letters is None:
        return iter(())
    return ("".join(spelling) for spelling in islice(product(*letters), _MOST))


def _split(word: str) -> list[str] | None:
    found, position = [], 0
    while position < len(word):
        for length in (3, 2, 1):
            letters = _LETTERS.get(word[position : position + length])
            if letters and position + length <= len(word):
                break
        else:
            return None
        found.append(letters)
        position += length
    return found
