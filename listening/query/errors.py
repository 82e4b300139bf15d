"""What is wrong with a query, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from listening.errors import ConfigError


class QueryError(ConfigError):
    """A query that cannot be read.

    ``position`` is the 0-based character at fault; the message counts characters from 1.
    """

    def __init__(self, what: str, mend: str, *, position: int) -> None:
        super().__init__(f"{what} at character {position + 1}; {mend}")
        self.position = position


def suggestion(wrong: str, known: Iterable[str]) -> str | None:
    """The known spelling that ``wrong`` was most likely meant to be."""
    close = get_close_matches(wrong.casefold()[:40], list(known), n=1, cutoff=0.6)
    return close[0] if close else None
