"""When an alert is not told of: silences that people set, and alarms that explain others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter

from listening.alerts.rules import Rule
from listening.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """From ``starts`` to before ``ends`` alerts that have all these labels are not told of.

    A value may hold ``*`` for anything; a label that an alert lacks matches nothing. Raises
    ConfigError for one that would match everything or never end.
    """

    matchers: Mapping[str, str]
    starts: datetime
    ends: datetime
    by: str = ""
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.matchers:
            raise ConfigError("a silence needs a label to go by, e.g. brand=Amberwing or rule=*")
        if self.ends <= self.starts:
            raise ConfigError("a silence must end after it starts; say for how long, e.g. 2h")

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(
            name in labels and fnmatchcase(labels[name], pattern)
            for name, pattern in self.matchers.items()
        )


def silenced(labels: Mapping[str, str], silences: Iterable[Silence], now: datetime) -> bool:
    return any(one.starts <= now < one.ends and one.matches(labels) for one in silences)


def inhibited(
    rule: Rule, labels: Mapping[str, str], firing: Iterable[tuple[Rule, Mapping[str, str]]]
) -> bool:
    """Whether one of the alerts that fire (their rules and labels) stands for this one too."""
    return any(
        other.silences(rule)
        and all(name in labels and theirs.get(name) == labels[name] for name in other.equal)
        for other, theirs in firing
    )


def in_order(rules: Iterable[Rule]) -> list[Rule]:
    """Those that inhibit others before these, so that one evaluation knows what fires."""
    by_name = {rule.name: rule for rule in rules}
    before = {
        name: [other for other in by_name if by_name[other].silences(rule)]
        for name, rule in by_name.items()
    }
    return [by_name[name] for name in TopologicalSorter(before).static_order()]
