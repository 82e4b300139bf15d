"""When a rule would have fired on what is stored: the same evaluation, with nobody told."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from listening.alerts.alert import Alert, Episode
from listening.alerts.judge import judged
from listening.alerts.lifecycle import advance, fresh
from listening.alerts.replay import Checkpoint
from listening.alerts.rules import When
from listening.alerts.watch import Scope, Watch
from listening.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of a back-test; ``episode`` has no end where it goes on."""

    scope: Scope
    labels: dict[str, str]
    episode: Episode

    def as_json(self) -> dict[str, Any]:
        """``start`` is when it would have been told, ``peak`` when chance was the least likely."""
        one, parts = self.episode, ("source", "language", "segment")
        return {
            "brand": self.labels.get("brand", ""),
            **{part: self.labels[part] for part in parts if part in self.labels},
            "start": one.started.isoformat(),
            "end": one.ended and one.ended.isoformat(),
            "peak": one.peak.at.isoformat(),
            "observed": one.peak.observed,
            "expected": one.peak.expected,
            "low": one.peak.low,
            "high": one.peak.high,
            "p": one.peak.p,
            "kind": one.peak.kind,
            "hours": one.peak.hours,
        }


@dataclass(frozen=True, slots=True)
class Backtest:
    """``days`` up to ``until`` and ``alerts`` that were looked at; what fired, oldest first."""

    days: float
    alerts: int
    alarms: tuple[Alarm, ...]
    until: datetime


def backtest(watch: Watch, since: datetime, until: datetime) -> Backtest:
    """From ``since`` on; what came before is what a rule has learnt from by then.

    Raises ConfigError for a rule of single answers, which is no matter of counts.
    """
    if watch.rule.when is When.INSTANT:
        raise ConfigError(
            f"{watch.rule.name} tells every single answer: see them with listening search"
        )
    alerts: dict[Scope, Alert] = {}
    ended: dict[Scope, list[Episode]] = defaultdict(list)
    for one in judged(watch, since, until):
        if isinstance(one, Checkpoint):
            continue
        alert = alerts.get(one.scope) or fresh(watch.rule, _labels(watch, one.scope))
        alert, _ = advance(alert, one.outcome, watch.rule, one.outcome.at)
        before = alerts.get(one.scope)
        if before and before.episode and alert.episode is None and alert.previous:
            ended[one.scope].append(alert.previous)
        alerts[one.scope] = alert
    found = [
        Alarm(scope, dict(alert.labels), episode)
        for scope, alert in alerts.items()
        for episode in [*ended[scope], *([alert.episode] if alert.episode else [])]
    ]
    found.sort(key=lambda alarm: (alarm.episode.started, alarm.scope))
    return Backtest((until - since).total_seconds() / 86400, len(alerts), tuple(found), until)


def _labels(watch: Watch, scope: Scope) -> dict[str, str]:
    return {part.value: value for part, value in zip(watch.rule.by, scope, strict=True)}
