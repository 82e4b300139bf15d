"""What people may call things, so that a query can name them too."""

from __future__ import annotations

import unicodedata

from listening.errors import ConfigError
from listening.query import ANY

MOST_NAME = 60  # letters
MOST_NOTE = 2_000
MOST_TAGS = 20
_UNQUOTABLE = '"“”„‟«»*'


def name(text: str, what: str) -> str:
    """A name on one line, with single spaces; ConfigError where no query could write it."""
    found = " ".join(unicodedata.normalize("NFC", text).split())
    if not found or len(found) > MOST_NAME:
        raise ConfigError(f"{what} has 1 to {MOST_NAME} letters; shorten {found[:40]!r}…")
    if any(letter in _UNQUOTABLE or not letter.isprintable() for letter in found):
        raise ConfigError(
            f"{what} has no quotes, * or signs that cannot be seen: no query could find "
            f"{found[:40]!r}; leave them out"
        )
    if found.casefold() == ANY:
        raise ConfigError(f"{what} cannot be called {found!r}, which in queries means any of them")
    return found


def paragraph(text: str, most: int) -> str:
    """Several lines, without what cannot be stored."""
    found = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").strip()
    if len(found) > most:
        raise ConfigError(f"a note has {most:,} letters at most, not {len(found):,}; shorten it")
    return found
