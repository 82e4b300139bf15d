"""Alerts over one set of settings: evaluated, sent, shown, tried on history. ``App.alerts``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from listening import settings, status
from listening.alerts import backtest as tried
from listening.alerts.alert import Notification, Outcome, Reason, Status
from listening.alerts.backtest import Alarm, Backtest
from listening.alerts.evaluate import DETECTOR, Evaluated, evaluate, unreadable
from listening.alerts.evidence import Evidence, evidence
from listening.alerts.ledger import Entry, Ledger, add_silence, end_silence, silences
from listening.alerts.muting import Silence
from listening.alerts.notify import Channel, Letter, Notifier
from listening.alerts.outbox import ChannelState, Delivered, deliver, states
from listening.alerts.rules import Rule, Severity
from listening.alerts.trial import Course, Trial, course, try_out
from listening.alerts.watch import Pull, Scope, Watch, watched
from listening.errors import ConfigError, ListeningError
from listening.protocols import Progress, Store
from listening.records import Filter
from listening.rulebook import Rulebook, RuleError
from listening.settings import ChannelSettings, Settings

if TYPE_CHECKING:
    from listening.http import Http

SPIKES = "spikes"  # a rule with this name and nothing else is there to be tried
_PICTURED = {Reason.STARTED, Reason.REPEATED, Reason.ESCALATED}


@dataclass(frozen=True, slots=True)
class Run:
    rules: tuple[Evaluated, ...]
    delivered: Delivered


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert with what is behind its worst bucket, or its latest where none was an alarm."""

    entry: Entry
    outcome: Outcome | None
    evidence: Evidence | None


@dataclass(frozen=True)
class Alerting:
    """``find`` makes a filter of a query. Secrets of channels are looked up when one is used."""

    settings: Settings
    store: Store
    find: Callable[[str], Filter]
    environ: Mapping[str, str]

    def evaluate(self, clock: Callable[[], datetime] | None = None, *, anew: bool = False) -> Run:
        """Evaluate all rules that are on and send what is due; another may do so at the same time.

        ``anew`` learns what is usual from all that is stored, after that was scored again.
        Raises ConfigError where there are no rules.
        """
        written = self.book.written()
        if not written:
            raise ConfigError(
                f"there are no rules: write [alerts.rules.{SPIKES}] into {settings.FILE}, "
                "see: listening init; or make one on the page Alerts"
            )
        clock = clock or _now
        ledger = Ledger(self.store)
        found = evaluate(
            self.store,
            ledger,
            [one.rule for one in written if one.rule],
            find=self.find,
            now=clock(),
            pulls=tuple(self._pulls()),
            anew=anew,
        )
        found += [
            unreadable(ledger, one.name, one.error, clock())
            for one in written
            if one.rule is None and one.is_on
        ]
        return Run(tuple(found), deliver(ledger, self._notifier(), clock))

    def _pulls(self) -> Iterator[Pull]:
        """Of streams that bring what is new by themselves; a file has what it has."""
        times = status.pulls(self.store)
        for name, stream in self.settings.streams.items():
            if name in times and stream.source != "files":
                every = timedelta(seconds=settings.seconds(stream.every))
                yield Pull(stream.brand, stream.label or stream.source, times[name], every)

    # Rules

    @property
    def book(self) -> Rulebook:
        """The rules of the settings and those that are kept in the store."""
        return Rulebook(self.settings, self.store)

    def read(self, name: str, table: Mapping[str, Any]) -> Rule:
        """A table made a rule that can be evaluated. Raises RuleError saying what is wrong."""
        rule = self.book.read(name, table)
        try:
            self.find(rule.query)
        except ConfigError as error:  # a saved search that is not there
            raise RuleError(str(error), "query") from error
        return rule

    def keep(self, name: str, table: Mapping[str, Any], *, by: str, revision: int = 0) -> Rule:
        """Keep a rule, see ``Rulebook.save``; what is usual for it is learnt anew."""
        self.read(name, table)
        rule = self.book.save(name, table, by=by, now=_now(), revision=revision)
        self._unlearn(name)
        return rule

    def remove(self, name: str) -> None:
        """Take a kept rule away, with its alerts. Raises ConfigError where there is none."""
        self.book.remove(name)
        Ledger(self.store).forget(name)
        self._unlearn(name)

    def _unlearn(self, name: str) -> None:
        note = self.store.notes(DETECTOR).get(name)
        if note and note.value:
            self.store.save_note(DETECTOR, name, "", revision=note.revision)

    # What there is

    def entries(self) -> list[Entry]:
        """All alerts, those that fire first."""
        found = Ledger(self.store).entries.values()
        return sorted(
            found, key=lambda one: (not one.alert.is_firing, sorted(one.alert.labels.items()))
        )

    def channels(self) -> dict[str, ChannelState]:
        """Those that have not taken everything."""
        return states(Ledger(self.store).entries)

    def show(self, fingerprint: str) -> Shown:
        """Raises ConfigError where there is no such alert; the beginning of its name will do."""
        entry = self._entry(fingerprint)
        episode = entry.alert.episode or entry.alert.previous
        outcome = episode.peak if episode else entry.alert.latest
        rule = self.book.rules().get(entry.alert.labels.get("rule", ""))
        if outcome is None or rule is None:
            return Shown(entry, outcome, None)
        return Shown(entry, outcome, evidence(self.watch(rule), _scope(rule, entry), outcome))

    def _entry(self, fingerprint: str) -> Entry:
        found = [e for e in self.entries() if e.alert.fingerprint.startswith(fingerprint)]
        if len(found) != 1:
            what = "several alerts begin with" if found else "there is no alert"
            raise ConfigError(f"{what} {fingerprint}; see: listening alerts list --all")
        return found[0]

    def now(self) -> datetime:
        return _now()

    # What people do

    def acknowledge(self, fingerprint: str, by: str) -> Entry:
        key = self._entry(fingerprint).alert.fingerprint
        return Ledger(self.store).acknowledge(key, by, _now())

    def silences(self) -> dict[str, Silence]:
        return {key: one for key, one in silences(self.store).items() if one.ends > _now()}

    def silence(self, matchers: Mapping[str, str], span: str, by: str, comment: str) -> str:
        """For so long, e.g. ``2h``; returns its id."""
        now = _now()
        ends = now + settings.span(span, "--for")
        silence = Silence(matchers=matchers, starts=now, ends=ends, by=by, comment=comment)
        return add_silence(self.store, silence)

    def end_silence(self, key: str) -> None:
        end_silence(self.store, key)

    def test(self, channel: str) -> None:
        """Send a message to a channel; raises ListeningError when it is not taken."""
        now = _now()
        message = Notification(
            key=f"test-{secrets.token_hex(8)}",
            fingerprint="test",
            labels={"rule": "test"},
            reason=Reason.STARTED,
            status=Status.FIRING,
            severity=Severity.INFO,
            at=now,
            due=now,
            channels=(channel,),
            facts=("This is a test. Alerts will arrive here.",),
        )
        if channel not in self.settings.alerts.channels:
            known = ", ".join(self.settings.alerts.channels) or "none"
            raise ConfigError(f"there is no channel {channel!r} in the settings (known: {known})")
        self._notifier().send(channel, [message])

    def post(self, channel: str, letter: Letter) -> None:
        """What is no alert, to a channel of theirs; raises ListeningError when it is not taken."""
        self._notifier().post(channel, letter)

    def _notifier(self) -> Notifier:
        channels = _Channels(self.settings.alerts.channels, self.environ)
        return Notifier(channels=channels, http=self._http(), picture=self.picture)

    def _http(self) -> Http:
        from listening.http import Http  # noqa: PLC0415 - httpx

        return Http(interval=0.0, internal=self.settings.internal_hosts)

    # On history

    def rule(self, name: str) -> Rule:
        """A rule by its name; ``spikes`` is there to be tried, also where there is none."""
        rules = self.book.rules()
        if name in rules:
            return rules[name]
        if name == SPIKES:
            return Rule(name=SPIKES, zone=self.settings.zone)
        known = ", ".join(rules) or "none"
        raise ConfigError(f"there is no rule {name!r} (known: {known})")

    def watch(self, rule: Rule) -> Watch:
        return Watch(store=self.store, rule=rule, where=watched(rule, self.find(rule.query)))

    def backtest(self, rule: Rule, days: int) -> Backtest:
        """When a rule would have fired in the last ``days`` of what is stored."""
        watch = self.watch(rule)
        newest = self.store.search(watch.where, limit=1).hits
        if not newest:
            return Backtest(days, 0, (), _now())
        last = watch.end(watch.floor(newest[0].feedback.created_at))
        until = min(last, watch.floor(_now()))
        return tried.backtest(watch, until - timedelta(days=days), until)

    def trial(self, rule: Rule, days: int, progress: Progress) -> Trial:
        """The same with the course of each series and what is behind each alarm."""
        return try_out(self.watch(rule), self.backtest(rule, days), progress)

    def course(self, rule: Rule, scope: Scope, outcome: Outcome) -> Course:
        """What was seen and to be expected before an outcome, in its last days."""
        from listening.alerts import picture  # noqa: PLC0415 - seldom wanted

        watch, hours = self.watch(rule), timedelta(hours=outcome.hours or 0)
        points = picture.course(watch, scope, outcome)
        return course(watch, scope, points, outcome.at, [(outcome.at - hours, outcome.at)])

    def behind(self, rule: Rule, alarm: Alarm) -> Evidence | None:
        """What is behind an alarm of a back-test of that rule."""
        return evidence(self.watch(rule), alarm.scope, alarm.episode.peak)

    # Pictures

    def picture(self, one: Notification) -> bytes | None:
        """A PNG of an alarm; None for what is none, or where nothing can draw one."""
        if one.outcome is None or one.reason not in _PICTURED:
            return None
        try:
            return self.png(one.labels, one.outcome)
        except ListeningError:
            return None  # the words say it all, and are not held up

    def png(self, labels: Mapping[str, str], outcome: Outcome) -> bytes:
        """Raises ConfigError where the rule is gone, or what draws is not installed."""
        from listening.alerts import picture  # noqa: PLC0415 - seldom wanted

        return picture.png(self.chart(labels, outcome))

    def chart(self, labels: Mapping[str, str], outcome: Outcome) -> dict[str, object]:
        """The same as a Vega-Lite specification, for pages that draw it themselves."""
        from listening.alerts import picture  # noqa: PLC0415 - seldom wanted

        rule = self.rule(labels.get("rule", ""))
        scope = tuple(labels.get(part.value, "") for part in rule.by)
        points = picture.course(self.watch(rule), scope, outcome)
        title = f"{' · '.join(filter(None, scope)) or rule.name}: {outcome.kind or rule.name}"
        return picture.chart(points, outcome, title, picture.subject(rule))


@dataclass(frozen=True)
class _Channels(Mapping[str, Channel]):
    """Each is made when it is used: one whose secret is missing holds up no other."""

    chosen: Mapping[str, ChannelSettings]
    environ: Mapping[str, str]

    def __getitem__(self, name: str) -> Channel:
        one = self.chosen[name]
        found = {
            part: secret.find(self.environ)
            for part in ("apprise", "webhook", "secret")
            if (secret := getattr(one, part)) is not None
        }
        return Channel(name=name, **found)

    def __iter__(self) -> Iterator[str]:
        return iter(self.chosen)

    def __len__(self) -> int:
        return len(self.chosen)


def _scope(rule: Rule, entry: Entry) -> Scope:
    return tuple(entry.alert.labels.get(part.value, "") for part in rule.by)


def _now() -> datetime:
    return datetime.now(UTC)
