"""Texts made safe to print; apart from the drawings, so that it loads no library."""

from __future__ import annotations

import unicodedata

_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def clean(text: str) -> str:
    """Without characters that would steer the terminal; offsets stay as they are."""
    return "".join(" " if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    control = unicodedata.category(character) == "Cc" and character != "\n"
    return control or ord(character) in _BIDI
