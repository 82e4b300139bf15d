"""What to watch, when it is an alarm, and whom to tell: ``[alerts.rules]`` of the settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from zoneinfo import ZoneInfo

from listening import query
from listening.errors import ConfigError
from listening.query.errors import QueryError
from listening.records import Kind, Label, Scale

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOST = 30  # false alarms in 30 days
NEVER = timedelta(0)  # of what would otherwise happen after a time


class When(StrEnum):
    """What a rule asks of the feedback that it watches."""

    SPIKE = "spike"
    THRESHOLD = "threshold"
    INSTANT = "instant"
    DROP = "drop"
    OUTAGE = "outage"


class Width(StrEnum):
    """The buckets of time that are counted; they begin as the rule's zone says."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def span(self) -> timedelta:
        return {Width.HOUR: HOUR, Width.DAY: DAY, Width.WEEK: 7 * DAY}[self]


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Part(StrEnum):
    """A dimension of which every value is watched by itself."""

    BRAND = "brand"
    SOURCE = "source"
    LANGUAGE = "language"
    SEGMENT = "segment"


class Day(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One ``[alerts.rules.NAME]``; ``check`` says what does not go together.

    Watched is the feedback that ``query`` finds, narrowed by ``brand`` to ``kinds`` (empty: any),
    each value of ``by`` by itself. ``bucket`` is evaluated ``delay`` after its end.

    - SPIKE: more negative texts than chance explains, at most ``false_alarms`` in 30 days on each
      brand; the fields up to ``least_ratio`` are those of ``detect.Setting``.
    - THRESHOLD: ``count`` texts of ``label`` or more within ``within``, or ``share`` (0 to 1) of
      at least ``least`` texts.
    - INSTANT: every single answer with ``label``, or of at most ``at_most`` on ``scale``, that is
      not older than ``within``.
    - DROP: the figure of ``scale`` over ``within`` is lower by ``points`` or more than over
      ``against`` before it, with ``confidence``; from ``least`` answers on each side.
    - OUTAGE: nothing was collected for ``within``.

    An alarm fires when that has held for ``pending_for``, is over when it has not for
    ``keep_firing_for``, and does not fire again within ``cooldown``. While it fires it is told
    again each ``repeat_interval``, until somebody acknowledges it; once it is less likely by
    chance by ``escalate_decades`` powers of ten; and, to ``escalation`` too, when nobody did so
    for ``escalate_after``. ``no_data_after``: when to tell that nothing can be said. ``NEVER``
    stands for not at all.

    ``quiet_hours`` (``HH:MM-HH:MM``) and ``quiet_days`` hold notifications back. While it fires
    this rule keeps those silent whose names match ``inhibits`` and that have the same ``equal``
    labels. Of one ``group`` (else ``owner``) a channel gets one message.
    """

    name: str
    when: When = When.SPIKE
    enabled: bool = True
    query: str = ""
    brand: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    by: tuple[Part, ...] = (Part.BRAND,)
    bucket: Width = Width.HOUR
    delay: timedelta = timedelta(minutes=10)

    false_alarms: float = 1.0
    windows: tuple[int, ...] = ()
    surges: bool = False
    least_count: int = 5
    least_excess: float = 3.0
    least_ratio: float = 1.5

    label: Label | None = None
    count: int | None = None
    share: float | None = None
    scale: Scale | None = None
    at_most: int | None = None
    points: float = 0.0
    confidence: float = 0.95
    least: int = 30
    within: timedelta = DAY
    against: timedelta = 28 * DAY

    pending_for: timedelta = NEVER
    keep_firing_for: timedelta = 3 * HOUR
    cooldown: timedelta = NEVER
    repeat_interval: timedelta = DAY
    escalate_decades: float = 3.0
    escalate_after: timedelta = NEVER
    escalation: tuple[str, ...] = ()
    no_data_after: timedelta = DAY
    quiet_hours: str = ""
    quiet_days: tuple[Day, ...] = ()
    zone: str = "UTC"
    channels: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    owner: str = ""
    group: str = ""
    inhibits: tuple[str, ...] = ()
    equal: tuple[str, ...] = ("brand",)

    @property
    def labels(self) -> Mapping[str, str]:
        """What silences and inhibition see of every alert of this rule; none is empty."""
        found = {
            "rule": self.name,
            "severity": self.severity.value,
            "owner": self.owner,
            "group": self.group,
        }
        for part in Part:
            values: tuple[str, ...] = getattr(self, part)
            if len(values) == 1:
                found[part.value] = values[0]
        return {name: value for name, value in found.items() if value}

    def silences(self, other: Rule) -> bool:
        """Whether it inhibits another rule; none does itself."""
        return self.name != other.name and any(fnmatchcase(other.name, p) for p in self.inhibits)

    def loud(self, now: datetime) -> datetime:
        """When, from ``now`` (zone-aware) on, the quiet hours and days are over; UTC-comparable."""
        zone, moment = ZoneInfo(self.zone), now
        for _ in range(2 * len(DAYS) + 2):
            local = moment.astimezone(zone)
            end = self._quiet_until(local)
            if end is None:
                return moment
            moment = max(_instant(end), moment + timedelta(minutes=1))
        return moment

    def _quiet_until(self, local: datetime) -> datetime | None:
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if DAYS[local.weekday()] in self.quiet_days:
            return midnight + DAY
        if not self.quiet_hours:
            return None
        start, end = map(_minutes, self.quiet_hours.split("-"))
        at = local.hour * 60 + local.minute
        if start < end:
            inside, later = start <= at < end, NEVER
        else:
            inside, later = at >= start or at < end, DAY if at >= start else NEVER
        return midnight + later + timedelta(minutes=end) if inside else None


# The options that only some kinds of rule read; all others are any rule's.
_OWN: Mapping[When, Collection[str]] = MappingProxyType(
    {
        When.SPIKE: (
            *("false_alarms", "windows", "surges", "least_count", "least_excess", "least_ratio"),
            "escalate_decades",
        ),
        When.THRESHOLD: ("label", "count", "share", "least", "within"),
        When.INSTANT: ("label", "scale", "at_most", "within"),
        When.DROP: ("scale", "points", "confidence", "least", "within", "against"),
        When.OUTAGE: ("within",),
    }
)
_LIFECYCLE = {
    *("pending_for", "keep_firing_for", "cooldown", "repeat_interval", "escalate_after"),
    *("escalation", "no_data_after", "inhibits"),
}  # what an answer that is told once has no use for


def spans() -> set[str]:
    """The options that are written as ``15m``, ``6h`` or ``1d``."""
    return {each.name for each in fields(Rule) if each.type == "timedelta"}


def lists() -> set[str]:
    """The options that may be one value or several."""
    return {each.name for each in fields(Rule) if str(each.type).startswith("tuple")}


def check(rule: Rule, given: Collection[str], where: str) -> None:
    """Raise ConfigError for what is out of range or does not go together.

    ``given`` are the options that were written; ``where`` is the file and table, for messages.
    """
    _check_kind(rule, given, where)
    _check_ranges(rule, where)
    _check_quiet(rule, where)
    try:
        _ = query.parse(rule.query) if rule.query.strip() else None
    except QueryError as error:
        raise ConfigError(f"{where}: query: {error}") from error


def _check_kind(rule: Rule, given: Collection[str], where: str) -> None:
    some = {name for names in _OWN.values() for name in names} - set(_OWN[rule.when])
    if rule.when is When.INSTANT:
        some |= _LIFECYCLE
    for name in given:
        if name in some:
            kinds = [f'when = "{kind}"' for kind, names in _OWN.items() if name in names]
            mend = f", or write {' or '.join(kinds)}" if kinds else ""
            raise ConfigError(
                f'{where}: {name} means nothing with when = "{rule.when}"; take it out{mend}'
            )
    if rule.when is When.THRESHOLD and (rule.count is None) == (rule.share is None):
        raise ConfigError(f"{where}: a threshold is either a count or a share; write one of them")
    if rule.when is When.DROP and rule.scale is None:
        raise ConfigError(f'{where}: scale is missing; write what may drop, e.g. scale = "nps"')
    if rule.when is When.INSTANT:
        if (rule.scale is None) != (rule.at_most is None):
            raise ConfigError(f'{where}: scale and at_most need each other: "nps" and 6')
        if rule.scale is None and rule.label is None and not rule.kinds:
            raise ConfigError(
                f'{where}: every answer would be told; write label = "negative", or scale and '
                "at_most, or the kinds that are meant"
            )


def _check_ranges(rule: Rule, where: str) -> None:
    scale = rule.scale
    sound: dict[str, tuple[bool, str]] = {
        "false_alarms": (0 < rule.false_alarms <= MOST, f"more than 0 and at most {MOST}"),
        "windows": (all(n >= 1 for n in rule.windows), "buckets, 1 or more each"),
        "least_count": (rule.least_count >= 1, "1 or more"),
        "least_excess": (rule.least_excess >= 0, "0 or more"),
        "least_ratio": (rule.least_ratio >= 1, "1 or more"),
        "count": (rule.count is None or rule.count >= 1, "1 or more"),
        "share": (rule.share is None or 0 < rule.share <= 1, "more than 0 and at most 1"),
        "at_most": (
            scale is None or rule.at_most is None or scale.low <= rule.at_most < scale.high,
            f"from {scale.low} to below {scale.high}" if scale else "",
        ),
        "points": (rule.points >= 0, "0 or more"),
        "confidence": (1 / 2 <= rule.confidence < 1, "from 0.5 to below 1"),
        "least": (rule.least >= 1, "1 or more"),
        "within": (rule.within > NEVER, "longer than 0"),
        "against": (rule.against > NEVER, "longer than 0"),
        "escalate_decades": (rule.escalate_decades > 0, "more than 0"),
        "escalation": (
            not rule.escalation or rule.escalate_after > NEVER,
            "with an escalate_after",
        ),
    }
    for name, (holds, wanted) in sound.items():
        if not holds:
            raise ConfigError(f"{where}: {name} must be {wanted}")


def _check_quiet(rule: Rule, where: str) -> None:
    if len(set(rule.quiet_days)) == len(DAYS):
        raise ConfigError(f"{where}: quiet_days leaves no day; set enabled = false instead")
    try:
        start, end = map(_minutes, (rule.quiet_hours or "22:00-07:00").split("-"))
    except ValueError:
        start = end = 0
    if start == end:
        raise ConfigError(
            f"{where}: quiet_hours = {rule.quiet_hours!r} is no part of a day; write e.g. "
            '"22:00-07:00"'
        )


def check_together(rules: Iterable[Rule], channels: Collection[str], where: str) -> None:
    """Raise ConfigError where rules name a channel or rule that is not there, or each other."""
    rules = tuple(rules)
    for rule in rules:
        check_references(rule, rules, channels, f"{where}: [alerts.rules.{rule.name}]")


def check_references(
    rule: Rule, rules: Iterable[Rule], channels: Collection[str], where: str
) -> None:
    """Raise ConfigError where a rule names a channel or rule that is not there, or itself."""
    rules = tuple(rules)
    for name in (*rule.channels, *rule.escalation):
        if name not in channels:
            raise ConfigError(
                f"{where}: there is no channel {name!r}; add [alerts.channels.{name}] (known: "
                f"{', '.join(channels) or 'none'})"
            )
    for pattern in rule.inhibits:
        if not any(fnmatchcase(other.name, pattern) for other in rules if other != rule):
            raise ConfigError(f"{where}: inhibits: there is no other rule {pattern!r}")
    _check_circle(rule, rules, where)


def _check_circle(rule: Rule, rules: tuple[Rule, ...], table: str) -> None:
    """Two that silence each other would both never be heard."""
    reached, waiting = set(), [rule]
    while waiting:
        one = waiting.pop()
        for other in rules:
            if one.silences(other) and other.name not in reached:
                reached.add(other.name)
                waiting.append(other)
    if rule.name in reached:
        raise ConfigError(
            f"{table}: inhibits goes round in a circle, so that none of these would be heard; "
            "name the rules that it means one by one"
        )


def _minutes(clock: str) -> int:
    """Raises ValueError."""
    hours, minutes = clock.strip().split(":")
    found = int(hours) * 60 + int(minutes)
    if len(minutes) != 2 or not 0 <= int(minutes) < 60 or not 0 <= found < 24 * 60:  # noqa: PLR2004 - a clock
        raise ValueError(clock)
    return found


def _instant(local: datetime) -> datetime:
    """A wall-clock time as a moment; where the clock leaps over it, the one after the leap."""
    return local.astimezone(ZoneInfo("UTC"))
