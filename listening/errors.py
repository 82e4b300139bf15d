"""The three errors, named for what the caller should do.

ListeningError
├── ConfigError      a person must act: the message says what, where and the next step
├── TransientError   try again later, after ``retry_after`` seconds if it is known
└── InvalidItem      set this one item aside with its reason, and go on
"""

from __future__ import annotations


class ListeningError(Exception):
    """Any error that Listening raises on purpose."""


class ConfigError(ListeningError):
    """A person must act: a setting, a key, a query or a file is wrong."""


class TransientError(ListeningError):
    """The same call may succeed later; ``retry_after`` is in seconds, None when unknown."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidItem(ListeningError):  # noqa: N818 - the name says what to set aside
    """One item cannot be used; ``column`` names the field at fault where one is."""

    def __init__(self, reason: str, *, column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
