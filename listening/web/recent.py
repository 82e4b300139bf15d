"""What was made a moment ago: on large stores telling words take seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar, cast

from fastapi import Depends, Request

from listening.app import App
from listening.records import Bucket, Dimension, Filter
from listening.report import Report

MOST = 64
SECONDS = 60.0

_Counts = list[list[Bucket]]
Of = TypeVar("Of")


class _Made(NamedTuple):
    at: float
    counts: _Counts
    made: Any


@dataclass(frozen=True)
class Reports:
    """A report is used again for a minute, as long as what it counted is still the same."""

    _made: dict[Hashable, _Made] = field(default_factory=dict)

    def report(self, app: App, where: Filter, by: str | None) -> Report:
        return self.kept(app, (where, by), [where], lambda: app.report(where, by=by))

    def kept(
        self, app: App, key: Hashable, counted: Sequence[Filter], make: Callable[[], Of]
    ) -> Of:
        """Anything else that counts what these filters find, and ``key`` tells from the rest."""
        counts = [
            app.store.aggregate(where, by=[each], zone=app.settings.zone)
            for where in counted
            for each in (Dimension.DAY, Dimension.BRAND, Dimension.SOURCE)
        ]
        now, made = time.monotonic(), self._made.get(key)
        if made and now - made.at < SECONDS and made.counts == counts:
            return cast("Of", made.made)
        found = make()
        self._made.pop(key, None)
        self._made[key] = _Made(now, counts, found)
        for oldest in list(self._made)[:-MOST]:
            self._made.pop(oldest, None)
        return found


def _recent(request: Request) -> Reports:
    return cast("Reports", request.app.state.reports)


Recent = Annotated[Reports, Depends(_recent)]
