"""Texts as typed without the right keyboard: no diacritics, Georgian in Latin letters."""

from __future__ import annotations

import random
import unicodedata

# One letter may be typed in several ways; the first is the most usual.
GEORGIAN = {
    "ა": "a", "ბ": "b", "გ": "g", "დ": "d", "ე": "e", "ვ": "v", "ზ": "z", "თ": "t", "ი": "i",
    "კ": "k", "ლ": "l", "მ": "m", "ნ": "n", "ო": "o", "პ": "p", "ჟ": "j zh", "რ": "r", "ს": "s",
    "ტ": "t", "უ": "u", "ფ": "f p", "ქ": "q k", "ღ": "g gh", "ყ": "y k q", "შ": "sh", "ჩ": "ch",
    "ც": "c ts", "ძ": "dz", "წ": "w ts", "ჭ": "ch", "ხ": "x kh", "ჯ": "j", "ჰ": "h",
}  # fmt: skip


def bare(text: str) -> str:
    """Letters without their diacritics."""
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize(
        "NFC", "".join(c for c in decomposed if not unicodedata.combining(c))
    )


def latin(text: str, rng: random.Random) -> str:
    """Georgian in Latin letters; one writer keeps to one spelling of each letter."""
    spelling = {
        letter: rng.choices(ways.split(), weights=(3, 1, 1)[: len(ways.split())])[0]
        for letter, ways in GEORGIAN.items()
    }
    return "".join(spelling.get(letter, letter) for letter in text)


def typed(text: str, language: str, rng: random.Random) -> str:
    return latin(text, rng) if language == "ka" else bare(text)
