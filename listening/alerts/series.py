"""The bare detector on any series of counts: ``timestamp,value`` in a CSV file."""

from __future__ import annotations

import csv
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import NamedTuple

import numpy as np

from listening.alerts import detect
from listening.alerts.detect import PHASES, Setting, Verdict
from listening.alerts.state import State
from listening.errors import ConfigError

FINEST = timedelta(seconds=1)
FLOOR = 1e-300
DECADES = 3.0


class Row(NamedTuple):
    """``value`` is None where it is missing. ``text`` is the time as it was written."""

    text: str
    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """``p`` is the chance of so much in a bucket, None while it is learnt what is usual.

    ``score`` is -log10 of it where that is news, else 0: a thousand times less likely than what
    was news in the block (a day) before. ``firing``: an alarm begins, or is a thousand times less
    likely than what was told of it. ``high``: it begins or goes on.
    """

    row: Row
    score: float
    firing: bool
    high: bool
    phase: str
    observed: float | None
    expected: float | None
    p: float | None


def read(path: Path) -> list[Row]:
    """The rows in order of time; raises ConfigError naming the line that cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(csv.DictReader(file), path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return sorted(rows, key=lambda row: row.at)


def _rows(reader: csv.DictReader[str], path: Path) -> Iterator[Row]:
    if not {"timestamp", "value"} <= set(reader.fieldnames or ()):
        raise ConfigError(f"{path}: the first line must name the columns: timestamp,value")
    for row in reader:
        where, time = f"{path}, line {reader.line_num}", row["timestamp"] or ""
        try:
            at = datetime.fromisoformat(time.strip())
            value = float(row["value"]) if (row["value"] or "").strip() else None
        except ValueError as error:
            raise ConfigError(f"{where}: {error}; write e.g. 2026-10-09T14:00,12") from error
        if value is not None and (not math.isfinite(value) or value < 0):
            raise ConfigError(f"{where}: {value:g} is no count; a count is 0 or more")
        yield Row(time, at if at.tzinfo else at.replace(tzinfo=UTC), value)


def width_of(rows: list[Row]) -> timedelta:
    """The commonest step from a row to the next; an hour where there are fewer than two."""
    steps = [b.at - a.at for a, b in pairwise(rows) if b.at > a.at]
    return max(median_low(steps), FINEST) if steps else timedelta(hours=1)


def score(rows: list[Row], setting: Setting) -> Iterator[Scored]:
    """Each row by all that came before it; rows of one bucket are added up in its first."""
    setting = replace(setting, width=width_of(rows))
    sums: dict[int, float | None] = {}
    places = [round((row.at - rows[0].at) / setting.width) for row in rows]
    for row, place in zip(rows, places, strict=True):
        before = sums.get(place)
        sums[place] = before if row.value is None else (before or 0) + row.value
    buckets = (
        detect.Counts(
            rows[0].at + place * setting.width,
            np.array([value or 0.0]),
            complete=np.array([value is not None]),
        )
        for place, value in sums.items()
    )
    verdicts = detect.replay(State.empty(1, setting.spans), buckets, setting)
    news, last = _News(setting.block), -1
    for row, place in zip(rows, places, strict=True):
        if place != last:
            last, verdict = place, next(verdicts)[1]
            found = news.take(place, verdict)
        yield replace(found, row=row)


class _News:
    """Tells what is new from what goes on."""

    def __init__(self, block: int) -> None:
        self.block = block
        self.scores: deque[tuple[int, float]] = deque()  # rising
        self.high_at = self.told = -math.inf

    def take(self, place: int, verdict: Verdict) -> Scored:
        p = _known(verdict.p[0])
        rarity = 0.0 if p is None else -math.log10(max(p, FLOOR))
        high = bool(verdict.fires[0] and verdict.phase[0] != detect.NO_DATA)
        begins = high and place - self.high_at > self.block
        firing = begins or (high and rarity >= self.told + DECADES)
        if high:
            self.high_at = place
        if firing:
            self.told = rarity
        return Scored(
            Row("", verdict.start, None),
            score=rarity if self._is_news(place, rarity) else 0.0,
            firing=firing,
            high=high,
            phase=PHASES[verdict.phase[0]].value,
            observed=_known(verdict.observed[0]),
            expected=_known(verdict.expected[0]),
            p=p,
        )

    def _is_news(self, place: int, rarity: float) -> bool:
        """Whether it is rarer by ``DECADES`` than what was news in the block before."""
        while self.scores and place - self.scores[0][0] > self.block:
            self.scores.popleft()
        news = not self.scores or rarity >= self.scores[-1][1] + DECADES
        if news:
            self.scores.append((place, rarity))
        return news


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
