"""The alerts that fire now, for every page: their number in the tab, and the strip on Home."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Scope, Send

from listening.alerts.ledger import Entry
from listening.app import App
from listening.errors import ListeningError

SECONDS = 5.0  # how old the answer may be: each is asked of the store's notes


@dataclass(eq=False)
class Open:
    """Of one app; asked for at most every few seconds, and after ``forget``."""

    app: App
    _at: float = 0.0
    _found: tuple[Entry, ...] = field(default=(), repr=False)

    def firing(self) -> tuple[Entry, ...]:
        """Those of rules that are on. A store that cannot be read is told elsewhere."""
        if not self._at or time.monotonic() - self._at > SECONDS:
            try:
                self._found = tuple(self._asked())
            except ListeningError:
                self._found = ()
            self._at = time.monotonic()
        return self._found

    def forget(self) -> None:
        self._at = 0.0

    def _asked(self) -> list[Entry]:
        if not self.app.has_store:
            return []
        alerts = self.app.alerts
        on = {one.name for one in alerts.book.written() if one.rule and one.is_on}
        return [
            one
            for one in alerts.entries()
            if one.alert.is_firing and one.alert.labels.get("rule") in on
        ]


def name_of(labels: Mapping[str, str]) -> str:
    """What an alert is about: its brand, source, language and segment, or its rule."""
    parts = (labels.get(part) for part in ("brand", "source", "language", "segment"))
    return " · ".join(filter(None, parts)) or labels.get("rule", "")


_current: ContextVar[Open | None] = ContextVar("open_alerts", default=None)


def open_alerts() -> tuple[Entry, ...]:
    """For templates: what fires in the app of this request."""
    found = _current.get()
    return found.firing() if found else ()


def forgetting() -> Callable[[], None]:
    """What is to be called, from any thread, when somebody may have changed what fires."""
    found = _current.get()
    return found.forget if found else lambda: None


class Watching:
    """Says to all that answers a request whose alerts it is about."""

    def __init__(self, inner: ASGIApp, app: App) -> None:
        self.inner = inner
        self.open = Open(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _current.set(self.open)
        await self.inner(scope, receive, send)
