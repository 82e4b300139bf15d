"""Reports made a moment ago: on large stores their telling words take seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, cast

from fastapi import Depends, Request

from listening.app import App
from listening.records import Bucket, Dimension, Filter
from listening.report import Report

MOST = 64
SECONDS = 60.0

_Counts = list[list[Bucket]]
_Key = tuple[Filter, str | None]


class _Made(NamedTuple):
    at: float
    counts: _Counts
    report: Report


@dataclass(frozen=True)
class Reports:
    """A report is used again for a minute, as long as what it counted is still the same."""

    _made: dict[_Key, _Made] = field(default_factory=dict)

    def report(self, app: App, where: Filter, by: str | None) -> Report:
        counts = [
            app.store.aggregate(where, by=[each], zone=app.settings.zone)
            for each in (Dimension.DAY, Dimension.BRAND, Dimension.SOURCE)
        ]
        now, made = time.monotonic(), self._made.get((where, by))
        if made and now - made.at < SECONDS and made.counts == counts:
            return made.report
        found = app.report(where, by=by)
        self._made.pop((where, by), None)
        self._made[where, by] = _Made(now, counts, found)
        for oldest in list(self._made)[:-MOST]:
            self._made.pop(oldest, None)
        return found


def _recent(request: Request) -> Reports:
    return cast("Reports", request.app.state.reports)


Recent = Annotated[Reports, Depends(_recent)]
