"""Alerts as ``--json`` and the API give them; docs/json.md describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from listening.alerting import Shown
    from listening.alerts.alert import Episode, Event, Outcome
    from listening.alerts.ledger import Entry
    from listening.alerts.muting import Silence
    from listening.rulebook import Written

Json = dict[str, Any]


def entry(one: Entry) -> Json:
    alert = one.alert
    return {
        "alert": alert.fingerprint,
        "labels": dict(alert.labels),
        "status": alert.status.value,
        "firing": alert.is_firing,
        "since": _moment(alert.since),
        "latest": _outcome(alert.latest),
        "alarm": _episode(alert.episode or alert.previous),
        "error": alert.error or None,
        "waiting": sorted({name for one in one.pending for name in one.channels}),
    }


def shown(one: Shown) -> Json:
    """With its evidence and what happened to it."""
    return {
        **entry(one.entry),
        "evidence": one.evidence.as_json() if one.evidence else None,
        "history": [_event(event) for event in one.entry.history],
        "notifications": [
            {
                "reason": pending.notification.reason.value,
                "at": _moment(pending.notification.at),
                "channel": name,
                "next": _moment(delivery.next_at),
                "attempts": delivery.attempts,
                "error": delivery.error or None,
            }
            for pending in one.entry.pending
            for name, delivery in pending.channels.items()
        ],
    }


def silence(key: str, one: Silence) -> Json:
    return {
        "id": key,
        "labels": dict(one.matchers),
        "ends": one.ends.isoformat(),
        "by": one.by,
        "comment": one.comment,
    }


def rule(one: Written) -> Json:
    return {
        "rule": one.name,
        "kept": one.is_kept,
        "enabled": one.is_on,
        "error": one.error or None,
        "table": dict(one.table),
        "revision": one.revision,
        "by": one.by or None,
        "at": one.at or None,
    }


def _outcome(one: Outcome | None) -> Json | None:
    return (
        one
        if one is None
        else {
            "at": one.at.isoformat(),
            "kind": one.kind or None,
            "observed": one.observed,
            "expected": one.expected,
            "low": one.low,
            "high": one.high,
            "p": one.p,
            "hours": one.hours,
        }
    )


def _episode(one: Episode | None) -> Json | None:
    return (
        one
        if one is None
        else {
            "start": one.started.isoformat(),
            "end": _moment(one.ended),
            "peak": _outcome(one.peak),
            "acknowledged_by": one.acknowledged_by or None,
        }
    )


def _event(one: Event) -> Json:
    return {
        "at": one.at.isoformat(),
        "status": one.status and one.status.value,
        "reason": one.reason and one.reason.value,
        "channel": one.channel or None,
        "by": one.by or None,
    }


def _moment(one: datetime | None) -> str | None:
    return one.isoformat() if one else None
