"""Passwords: what makes a fair one, and Argon2id, which keeps them."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from listening.errors import ConfigError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 1000
_AT_ONCE = BoundedSemaphore(2)  # each takes 64 MiB of memory


def kept(password: str) -> str:
    """What is stored of it; raises ConfigError for one that can be guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigError(
            f"a password has {SHORTEST} to {LONGEST:,} characters, and this one "
            f"{len(password):,}; take e.g. four words that nobody puts together"
        )
    if len(set(password)) < SHORTEST // 3:
        raise ConfigError("this password repeats a few characters, which can be guessed")
    with _AT_ONCE:
        return _hasher().hash(_bytes(password))


def matches(stored: str | None, password: str) -> bool:
    """It takes as long where nothing is stored, so that time does not tell which names exist."""
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - an extra

    with _AT_ONCE:
        nobodys = _nobodys()  # made at the first call, whosever that is
        try:
            _hasher().verify(stored or nobodys, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether it was kept with weaker parameters than today's."""
    return _hasher().check_needs_rehash(stored)


def _bytes(password: str) -> bytes:
    """The same however a keyboard composes its accents."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - an extra

    return PasswordHasher()


@cache
def _nobodys() -> str:
    return _hasher().hash(secrets.token_bytes())
