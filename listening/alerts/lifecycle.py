"""From "this bucket is worse than chance explains" to "somebody must be told", without a store.

Times named ``at`` and all that is measured from them (``pending_for``, ``keep_firing_for``,
``cooldown``) are those of the data, so that a back-test gives what would have been; ``now`` is the
clock, which repeats, silences and quiet hours go by.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from listening.alerts.alert import (
    Alert,
    Episode,
    Finding,
    Notification,
    Outcome,
    Reason,
    Status,
)
from listening.alerts.rules import NEVER, Rule, When
from listening.errors import ConfigError

SINGLY = 20  # answers of an instant rule that are told one by one in an evaluation
_FLOOR = 1e-300
_MISSING = {Finding.NO_DATA: Status.NO_DATA, Finding.ERROR: Status.ERROR}
Told = tuple[Alert, tuple[Notification, ...]]


def fingerprint(rule: str, brand: str, scope: Mapping[str, str]) -> str:
    """The same for a rule, brand and scope for ever: 20 hexadecimal digits."""
    whole = json.dumps([rule, brand, sorted(scope.items())])
    return hashlib.blake2b(whole.encode(), digest_size=10).hexdigest()


def fresh(rule: Rule, scope: Mapping[str, str]) -> Alert:
    """The alert of what was never evaluated; ``scope`` are the values of ``rule.by``."""
    rest = {name: value for name, value in scope.items() if name != "brand" and value}
    brand = scope.get("brand", "")
    return Alert(
        fingerprint=fingerprint(rule.name, brand, rest),
        labels={**rule.labels, **({"brand": brand} if brand else {}), **rest},
    )


def advance(
    alert: Alert, outcome: Outcome | None, rule: Rule, now: datetime, *, muted: bool = False
) -> Told:
    """The alert after an evaluation, equal to the last where nothing is new, and what to tell.

    None, or an outcome no later than the last, is no new bucket: only time has passed. ``muted``
    says that the alert is silenced or inhibited. The start of an alarm is then told when it no
    longer is, if it still goes on; the end of one whose start was told is always told.
    """
    if outcome is not None and (alert.at is None or outcome.at > alert.at):
        moved = _found(alert, outcome, rule)
    else:
        moved = alert
    return _tell(alert, moved, rule, now, muted=muted)


def acknowledge(alert: Alert, by: str, now: datetime) -> Alert:
    """Nobody is reminded of this alarm any more; it is told when it gets worse, and its end.

    Raises ConfigError where there is none.
    """
    if alert.episode is None:
        raise ConfigError(
            f"{alert.fingerprint} is {alert.status}: there is no alarm to acknowledge"
        )
    known = replace(alert.episode, acknowledged_by=by, acknowledged_at=now)
    return replace(alert, episode=known)


def answered(
    alert: Alert,
    answers: Mapping[str, datetime],
    rule: Rule,
    now: datetime,
    *,
    muted: bool = False,
) -> Told:
    """Tell each answer of an instant rule once: ``answers`` are the ids and times that it finds.

    They are all within ``rule.within`` of ``now``. Those found while ``muted`` are never told.
    """
    kept = {id_: at for id_, at in alert.answers.items() if at > now - 2 * rule.within}
    new = [id_ for id_ in answers if id_ not in kept]
    if not new and len(kept) == len(alert.answers):
        return alert, ()
    alert = replace(alert, answers={**kept, **{id_: answers[id_] for id_ in new}})
    batches = [*((id_,) for id_ in new[:SINGLY]), tuple(new[SINGLY:])]
    told: list[Notification] = []
    for ids in filter(None, () if muted else batches):
        alert, one = _notify(alert, Reason.ANSWER, rule, now)
        told.append(replace(one, answers=ids))
    return alert, tuple(told)


def _found(alert: Alert, outcome: Outcome, rule: Rule) -> Alert:
    """What a new bucket changes, before anybody is told."""
    if outcome.finding in _MISSING:
        # Time without data is not quiet: recovery starts over when there are some again.
        return replace(
            _become(alert, _MISSING[outcome.finding], outcome.at),
            missing_since=alert.missing_since or outcome.at,
            quiet_since=None,
            error=outcome.error,
        )
    if outcome.finding is Finding.HIGH:
        return _high(alert, outcome, rule)
    return _quiet(alert, outcome, rule)


def _high(alert: Alert, outcome: Outcome, rule: Rule) -> Alert:
    at, episode, pending = outcome.at, alert.episode, alert.pending_since or outcome.at
    if episode is None and not _may_start(alert, pending, at, rule):
        moved = replace(_become(alert, Status.PENDING, at), pending_since=pending)
    elif episode is None:
        number = alert.previous.number + 1 if alert.previous else 1
        begun = Episode(number=number, started=pending, peak=outcome)
        moved = replace(_become(alert, Status.FIRING, at), episode=begun, pending_since=None)
    else:
        peak = min(episode.peak, outcome, key=_rareness)
        moved = replace(_become(alert, Status.FIRING, at), episode=replace(episode, peak=peak))
    return replace(moved, at=at, latest=outcome, quiet_since=None, missing_since=None, error="")


def _may_start(alert: Alert, pending: datetime, at: datetime, rule: Rule) -> bool:
    cooled = (
        alert.previous is None
        or alert.previous.ended is None
        or at >= alert.previous.ended + rule.cooldown
    )
    return at - pending >= rule.pending_for and cooled


def _quiet(alert: Alert, outcome: Outcome, rule: Rule) -> Alert:
    at, episode = outcome.at, alert.episode
    usual = Status.LEARNING if outcome.finding is Finding.LEARNING else Status.NORMAL
    if episode is None:
        if alert.status is usual:
            return alert
        moved = replace(_become(alert, usual, at), pending_since=None)
    else:
        quiet = alert.quiet_since or at
        if at - quiet < rule.keep_firing_for:
            moved = replace(_become(alert, Status.RECOVERING, at), quiet_since=quiet)
        else:
            ended = replace(episode, ended=quiet)
            moved = replace(
                _become(alert, Status.RESOLVED, at), episode=None, previous=ended, quiet_since=None
            )
    return replace(moved, at=at, latest=outcome, missing_since=None, error="")


def _become(alert: Alert, status: Status, at: datetime) -> Alert:
    return alert if alert.status is status else replace(alert, status=status, since=at)


def _rareness(outcome: Outcome) -> tuple[float, float]:
    """The smaller, the worse."""
    return (1.0 if outcome.p is None else outcome.p, -(outcome.observed or 0.0))


def _tell(before: Alert, alert: Alert, rule: Rule, now: datetime, *, muted: bool) -> Told:
    told: list[Notification] = []

    def tell(reason: Reason, *more: str) -> None:
        nonlocal alert
        alert, one = _notify(alert, reason, rule, now, *more)
        told.append(one)

    if before.episode is not None and alert.episode is None:
        if before.episode.first_told is not None:
            tell(Reason.RESOLVED)
    elif alert.status is Status.FIRING and not muted:
        reason = _due(alert, rule, now)
        if reason is not None:
            tell(reason, *(rule.escalation if reason is Reason.ESCALATED else ()))
            alert = _noted(alert, reason, now)
    if alert.missing_since is None and alert.missing_told:
        tell(Reason.RETURNED)
        alert = replace(alert, missing_told=False)
    elif _is_long_missing(alert, rule, now) and not muted:
        tell(Reason.MISSING)
        alert = replace(alert, missing_told=True)
    return alert, tuple(told)


def _due(alert: Alert, rule: Rule, now: datetime) -> Reason | None:
    """Why somebody must hear now that an alarm goes on."""
    episode, latest = alert.episode, alert.latest
    assert episode is not None  # noqa: S101 - it fires
    assert latest is not None  # noqa: S101 - likewise
    if episode.first_told is None or episode.last_told is None:
        return Reason.STARTED
    if _decades(episode.told_p, latest.p) >= rule.escalate_decades:
        return Reason.ESCALATED
    if episode.acknowledged_at is not None:
        return None
    waited = now - episode.first_told
    if rule.escalate_after > NEVER and not episode.escalated and waited >= rule.escalate_after:
        return Reason.ESCALATED
    again = rule.repeat_interval > NEVER and now - episode.last_told >= rule.repeat_interval
    return Reason.REPEATED if again else None


def _decades(before: float | None, now: float | None) -> float:
    """By how many powers of ten a chance fell."""
    if before is None or now is None:
        return 0.0
    return math.log10(max(before, _FLOOR)) - math.log10(max(now, _FLOOR))


def _noted(alert: Alert, reason: Reason, now: datetime) -> Alert:
    episode, latest = alert.episode, alert.latest
    assert episode is not None  # noqa: S101 - it fires
    assert latest is not None  # noqa: S101 - likewise
    chances = [p for p in (episode.told_p, latest.p) if p is not None]
    return replace(
        alert,
        episode=replace(
            episode,
            first_told=episode.first_told or now,
            last_told=now,
            told_p=min(chances, default=None),
            escalated=episode.escalated or reason is Reason.ESCALATED,
        ),
    )


def _is_long_missing(alert: Alert, rule: Rule, now: datetime) -> bool:
    return (
        alert.missing_since is not None
        and not alert.missing_told
        and rule.when is not When.OUTAGE  # which tells just that
        and rule.no_data_after > NEVER
        and now - alert.missing_since >= rule.no_data_after
    )


def _notify(
    alert: Alert, reason: Reason, rule: Rule, now: datetime, *more: str
) -> tuple[Alert, Notification]:
    """The next notification, which takes the next number."""
    alert = replace(alert, sequence=alert.sequence + 1)
    status = Status.FIRING if reason is Reason.ANSWER else alert.status
    return alert, Notification(
        key=f"{alert.fingerprint}-{status.replace(' ', '-')}-{alert.sequence}",
        fingerprint=alert.fingerprint,
        labels=alert.labels,
        reason=reason,
        status=status,
        severity=rule.severity,
        at=now,
        due=rule.loud(now),
        channels=tuple(dict.fromkeys((*rule.channels, *more))),
        group=rule.group or rule.owner,
        zone=rule.zone,
        episode=alert.episode or (alert.previous if reason is Reason.RESOLVED else None),
        outcome=alert.latest,
    )
