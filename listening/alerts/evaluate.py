"""One evaluation of all rules: what the counts say, remembered in the ledger with what to tell.

It may be killed at any moment and run again: what was remembered is not told twice, and what was
not is found again in the counts. START HERE; sending is ``outbox.deliver``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from listening.alerts.alert import Event, Finding, Notification, Outcome, Reason
from listening.alerts.evidence import Evidence, evidence, explained, narrowed
from listening.alerts.judge import judged
from listening.alerts.ledger import Entry, Ledger, silences
from listening.alerts.lifecycle import advance, answered, fresh
from listening.alerts.muting import Silence, in_order, inhibited, silenced
from listening.alerts.replay import CATCH_UP, Checkpoint
from listening.alerts.rules import Rule, When
from listening.alerts.stories import newest
from listening.alerts.watch import Pull, Scope, Watch, watched
from listening.errors import ListeningError
from listening.protocols import Store
from listening.records import Filter, Hit, Window
from listening.tree import Field

_GOES_ON = {Reason.STARTED, Reason.REPEATED, Reason.ESCALATED}
DETECTOR = "detector"  # the kind of note
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Of one rule: alerts looked at, those that fire, and new notifications; or an ``error``."""

    rule: str
    alerts: int = 0
    firing: int = 0
    told: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one evaluation shares. ``find`` makes a filter of a rule's query."""

    store: Store
    ledger: Ledger
    rules: Sequence[Rule]
    find: Callable[[str], Filter]
    now: datetime
    pulls: Sequence[Pull] = ()
    quiet: Sequence[Silence] = ()
    anew: bool = False

    def run(self) -> list[Evaluated]:
        """All enabled rules; one that fails is remembered as such and stops no other."""
        return [self._safely(rule) for rule in in_order(self.rules) if rule.enabled]

    def _safely(self, rule: Rule) -> Evaluated:
        try:
            return self._rule(rule)
        except ListeningError as error:
            log.warning("rule %s: %s", rule.name, error)
            failed = Outcome(at=self.now, finding=Finding.ERROR, error=str(error))
            for scope in self._known(rule):
                self._advance(rule, scope, [failed], lambda _: None)
            return Evaluated(rule=rule.name, error=str(error))

    def _rule(self, rule: Rule) -> Evaluated:
        where = watched(rule, self.find(rule.query))
        watch = Watch(store=self.store, rule=rule, where=where, pulls=self.pulls)
        told = self._instant(watch) if rule.when is When.INSTANT else self._buckets(watch)
        entries = [self.ledger.entries[fresh(rule, label(rule, s)).fingerprint] for s in told]
        firing = sum(one.alert.is_firing for one in entries)
        return Evaluated(rule=rule.name, alerts=len(told), firing=firing, told=sum(told.values()))

    def _buckets(self, watch: Watch) -> Mapping[Scope, int]:
        """How many notifications there are of each alert."""
        rule = watch.rule
        outage = rule.when is When.OUTAGE
        until = watch.floor(self.now - rule.delay if outage else watch.closed(self.now))
        note = self.store.notes(DETECTOR).get(rule.name)
        kept = Checkpoint.from_json(note.value) if note and not self.anew else None
        since = until - max(CATCH_UP, 2 * watch.width)
        found: dict[Scope, list[Outcome]] = defaultdict(list)
        after: Checkpoint | None = None
        for one in judged(watch, since, until, kept):
            if isinstance(one, Checkpoint):
                after = one
            else:
                found[one.scope].append(one.outcome)
        told = {
            scope: self._advance(rule, scope, found.get(scope, []), _explaining(watch, scope))
            for scope in dict.fromkeys((*found, *self._known(rule)))
        }
        # After the alerts: what is remembered too early would not be found again.
        if after and _is_new(after, kept):
            revision = note.revision if note else 0
            self.store.save_note(DETECTOR, rule.name, after.to_json(), revision=revision)
        return told

    def _instant(self, watch: Watch) -> Mapping[Scope, int]:
        rule = watch.rule
        where = answers(rule, replace(watch.where, window=Window(since=self.now - rule.within)))
        found: dict[Scope, list[Hit]] = defaultdict(list)
        for hit in newest(self.store, where):
            scope = tuple(getattr(hit.feedback, part.value) or "" for part in rule.by)
            found[scope].append(hit)
        return {scope: self._answer(rule, scope, hits) for scope, hits in found.items()}

    def _answer(self, rule: Rule, scope: Scope, hits: Sequence[Hit]) -> int:
        first = fresh(rule, label(rule, scope))
        times = {hit.feedback.id: hit.feedback.created_at for hit in reversed(hits)}
        by_id = {hit.feedback.id: hit for hit in hits}
        muted = self._muted(rule, first.labels)
        told: Sequence[Notification] = ()

        def change(entry: Entry | None) -> Entry:
            nonlocal told
            entry = entry or Entry(alert=first)
            alert, told = answered(entry.alert, times, rule, self.now, muted=muted)
            return entry.after(alert, [_quoting(one, by_id) for one in told])

        self.ledger.update(first.fingerprint, change)
        return len(told)

    def _advance(
        self,
        rule: Rule,
        scope: Scope,
        outcomes: Sequence[Outcome],
        explain: Callable[[Outcome], Evidence | None],
    ) -> int:
        first = fresh(rule, label(rule, scope))
        muted = self._muted(rule, first.labels)
        told: list[Notification] = []

        def change(entry: Entry | None) -> Entry:
            nonlocal told
            entry, told = entry or Entry(alert=first), []
            alert, passed = entry.alert, []
            for outcome in [*outcomes, None]:
                before = alert.status
                alert, more = advance(alert, outcome, rule, self.now, muted=muted)
                for one in more:
                    told = _with(told, one)
                if alert.status is not before:
                    passed.append(Event(at=alert.since or self.now, status=alert.status))
            return entry.after(alert, [explained(one, explain) for one in told]).noted(*passed)

        self.ledger.update(first.fingerprint, change)
        return len(told)

    def _muted(self, rule: Rule, labels: Mapping[str, str]) -> bool:
        by_name = {one.name: one for one in self.rules}
        firing = (
            (by_name[entry.alert.labels["rule"]], entry.alert.labels)
            for entry in self.ledger.entries.values()
            if entry.alert.is_firing and entry.alert.labels.get("rule") in by_name
        )
        loud = any(other.silences(rule) for other in self.rules)
        return silenced(labels, self.quiet, self.now) or (loud and inhibited(rule, labels, firing))

    def _known(self, rule: Rule) -> list[Scope]:
        """The values of ``rule.by`` that there are alerts of."""
        return [
            tuple(entry.alert.labels.get(part.value, "") for part in rule.by)
            for entry in self.ledger.entries.values()
            if entry.alert.labels.get("rule") == rule.name
        ]


def _with(told: list[Notification], one: Notification) -> list[Notification]:
    """What is told of one evaluation: of buckets that are caught up with, once, how it is now."""
    last = told[-1] if told else None
    if last is None or last.reason not in _GOES_ON or one.reason not in _GOES_ON:
        return [*told, one]
    channels = tuple(dict.fromkeys((*last.channels, *one.channels)))
    return [*told[:-1], replace(one, key=last.key, reason=last.reason, channels=channels)]


def label(rule: Rule, scope: Scope) -> dict[str, str]:
    return {part.value: value for part, value in zip(rule.by, scope, strict=True)}


def answers(rule: Rule, where: Filter) -> Filter:
    """The single answers that an instant rule tells of."""
    if rule.label is not None:
        where = replace(where, label=(rule.label,))
    if rule.scale is not None and rule.at_most is not None:
        where = narrowed(where, Field(rule.scale.value, low=rule.scale.low, high=rule.at_most))
    return where


def evaluate(  # noqa: PLR0913 - by keyword
    store: Store,
    ledger: Ledger,
    rules: Sequence[Rule],
    *,
    find: Callable[[str], Filter],
    now: datetime,
    pulls: Sequence[Pull] = (),
    anew: bool = False,
) -> list[Evaluated]:
    """``anew``: from all counts that are stored, not from where the detector stood."""
    quiet = tuple(silences(store).values())
    evaluation = Evaluation(
        store=store,
        ledger=ledger,
        rules=rules,
        find=find,
        now=now,
        pulls=pulls,
        quiet=quiet,
        anew=anew,
    )
    return evaluation.run()


def unreadable(ledger: Ledger, rule: str, error: str, now: datetime) -> Evaluated:
    """Remember of the alerts of a rule that cannot be read why nothing can be said of them."""
    failed = Outcome(at=now, finding=Finding.ERROR, error=error)

    def change(entry: Entry | None) -> Entry:
        assert entry is not None  # noqa: S101 - the ledger has it
        alert, _ = advance(entry.alert, failed, Rule(name=rule), now, muted=True)
        passed = [Event(at=now, status=alert.status)] if alert.status != entry.alert.status else []
        return replace(entry, alert=alert).noted(*passed)

    for key, entry in ledger.entries.items():
        if entry.alert.labels.get("rule") == rule:
            ledger.update(key, change)
    return Evaluated(rule=rule, error=error)


def _explaining(watch: Watch, scope: Scope) -> Callable[[Outcome], Evidence | None]:
    """Looked up once, however often a change is made again."""
    found: dict[datetime, Evidence | None] = {}

    def explain(outcome: Outcome) -> Evidence | None:
        if outcome.at not in found:
            found[outcome.at] = evidence(watch, scope, outcome)
        return found[outcome.at]

    return explain


def _quoting(one: Notification, hits: Mapping[str, Hit]) -> Notification:
    """An answer in its author's words, with its ratings and where it stands."""
    told = [hits[id_].feedback for id_ in one.answers if id_ in hits]
    ratings = [
        f"{rating.scale} {rating.value}: {each.id}" for each in told for rating in each.ratings
    ]
    links = [each.url for each in told if each.url]
    return replace(
        one,
        facts=tuple(ratings[:5]) if len(told) == 1 else (f"{len(told)} more answers",),
        samples=tuple(each.text for each in told[:3] if each.text),
        link=links[0] if len(told) == 1 and links else "",
    )


def _is_new(after: Checkpoint, before: Checkpoint | None) -> bool:
    """Whether it is worth writing: a state of many brands is megabytes."""
    if before is None or before.scopes != after.scopes or before.setting != after.setting:
        return True
    last, was = after.state.last, before.state.last
    return last is not None and (was is None or last - was >= timedelta(hours=12))
