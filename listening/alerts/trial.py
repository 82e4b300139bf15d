"""A rule tried on the past for people to see: what would have rung, beside the whole course."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from listening.alerts.backtest import Alarm, Backtest
from listening.alerts.evidence import Evidence, counted, evidence
from listening.alerts.rules import When
from listening.alerts.watch import Scope, Watch
from listening.protocols import Progress
from listening.records import Window
from listening.views.reproduce import as_query

if TYPE_CHECKING:
    from listening.alerts.picture import Point  # numpy

COURSES, EXPLAINED = 6, 40  # so many pictures, and alarms with their evidence, the newest
MONTH = 30  # days
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Bar:
    """What was seen from ``start`` to before ``end``, and to be expected where that is known."""

    start: datetime
    end: datetime
    observed: int
    expected: float | None
    low: float | None
    high: float | None
    alarm: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()}


@dataclass(frozen=True, slots=True)
class Course:
    """The bars of one alert; ``query`` and a bar's times find what it counts."""

    scope: Scope
    query: str
    bars: tuple[Bar, ...]

    def as_json(self) -> dict[str, Any]:
        bars = [bar.as_json() for bar in self.bars]
        return {"scope": list(self.scope), "query": self.query, "bars": bars}


@dataclass(frozen=True, slots=True)
class Trial:
    """A back-test with a course of the alerts that rang most, and evidence of its alarms.

    ``promised``: how many alarms chance causes at most in 30 days on each alert, of a spike rule.
    """

    done: Backtest
    courses: tuple[Course, ...]
    evidence: tuple[Evidence | None, ...]
    promised: float | None

    @property
    def rate(self) -> float | None:
        """Alarms in 30 days on each alert; None where nothing was looked at."""
        looked_at = self.done.days * self.done.alerts
        return len(self.done.alarms) * MONTH / looked_at if looked_at else None

    def as_json(self) -> dict[str, Any]:
        """The alarms newest first."""
        pairs = zip(self.done.alarms, self.evidence, strict=True)
        return {
            "days": self.done.days,
            "until": self.done.until.isoformat(),
            "alerts": self.done.alerts,
            "rate": self.rate,
            "promised": self.promised,
            "alarms": [
                one.as_json()
                | {"scope": list(one.scope), "evidence": found.as_json() if found else None}
                for one, found in pairs
            ][::-1],
            "courses": [one.as_json() for one in self.courses],
        }


def try_out(watch: Watch, done: Backtest, progress: Progress) -> Trial:
    """``progress`` is told of each alarm and course."""
    return Trial(
        done=done,
        courses=tuple(_courses(watch, done, progress)),
        evidence=tuple(_behind(watch, done.alarms, progress)),
        promised=watch.rule.false_alarms if watch.rule.when is When.SPIKE else None,
    )


def course(
    watch: Watch, scope: Scope, points: Sequence[Point], until: datetime, alarms: Sequence[Span]
) -> Course:
    """The points as bars, the last of which ends at ``until``; those within an alarm are marked."""
    ends = [*(point.start for point in points[1:]), until][: len(points)]
    bars = tuple(
        Bar(
            start=one.start,
            end=end,
            observed=one.observed,
            expected=one.expected,
            low=one.low,
            high=one.high,
            alarm=any(since < end and one.start < until for since, until in alarms),
        )
        for one, end in zip(points, ends, strict=True)
    )
    return Course(scope, as_query(counted(watch.rule, watch.narrowed(scope))), bars)


def _courses(watch: Watch, done: Backtest, progress: Progress) -> Iterator[Course]:
    from listening.alerts import picture  # noqa: PLC0415 - numpy

    since = done.until - timedelta(days=done.days)
    rang = Counter(alarm.scope for alarm in done.alarms)
    scopes = [scope for scope, _ in rang.most_common(COURSES)]
    for scope in scopes or list(_largest(watch)):
        points = picture.period(watch, scope, since, done.until)
        spans = [_span(one, done.until) for one in done.alarms if one.scope == scope]
        yield course(watch, scope, points, done.until, spans)
        progress(1)


def _largest(watch: Watch) -> Iterator[Scope]:
    """Where nothing rang, the course of what is spoken of most says how near it was."""
    totals = [bucket for bucket in watch.totals(Window()) if all(bucket.key)]
    totals.sort(key=lambda bucket: -bucket.count)
    for bucket in totals[:COURSES]:
        yield bucket.key


def _span(alarm: Alarm, until: datetime) -> Span:
    episode = alarm.episode
    begun = episode.peak.at - timedelta(hours=episode.peak.hours or 0)
    return min(begun, episode.started), episode.ended or until


def _behind(watch: Watch, alarms: Sequence[Alarm], progress: Progress) -> Iterator[Evidence | None]:
    unexplained = len(alarms) - EXPLAINED
    for place, alarm in enumerate(alarms):
        yield None if place < unexplained else evidence(watch, alarm.scope, alarm.episode.peak)
        progress(1)
