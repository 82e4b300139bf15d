"""All rules of alerts: those of the settings, and those that people keep in the store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from listening import settings
from listening.alerts import rules
from listening.alerts.rules import Rule
from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import Note
from listening.settings import Settings

RULE = "rule"  # the kind of note
MOST = 500  # rules that are kept: each is evaluated every quarter of an hour
_WHERE = "rule"
_NAME = re.compile(r"\w[\w .-]{0,59}")
_FIELDS = {each.name for each in fields(Rule)}
T = TypeVar("T")


class RuleError(ConfigError):
    """``field`` is the option that is wrong; empty where it is none."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A rule as it is written; ``error`` says why it cannot be evaluated where ``rule`` is None.

    ``table`` is what would stand in the settings. ``revision`` is 0 for one that does stand there,
    and what ``by`` saved last otherwise.
    """

    name: str
    table: Mapping[str, Any] = field(hash=False)
    rule: Rule | None
    error: str = ""
    revision: int = 0
    by: str = ""
    at: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it is in the store, so that people may change it."""
        return self.revision > 0

    @property
    def is_on(self) -> bool:
        return bool(self.table.get("enabled", True))


@dataclass(frozen=True)
class Rulebook:
    """The rules as of now. One that cannot be read is there with its error, and hinders no other.

    What is written in the settings has the right of way: a kept rule of the same name is an error.
    """

    settings: Settings
    store: Store

    def written(self) -> list[Written]:
        """Those of the settings, then those that are kept, each by name."""
        kept = {name: self._kept(name, note) for name, note in self._notes().items()}
        found = {**self.settings.alerts.rules}
        found |= {name: one.rule for name, one in kept.items() if one.rule and name not in found}
        ours = [
            Written(name=name, table=as_table(rule, self.settings.zone), rule=rule)
            for name, rule in sorted(self.settings.alerts.rules.items())
        ]
        return ours + [self._beside(one, found) for _, one in sorted(kept.items())]

    def rules(self) -> dict[str, Rule]:
        """Those that can be evaluated, switched off or not, by name."""
        return {one.name: one.rule for one in self.written() if one.rule}

    def find(self, name: str) -> Written | None:
        return next((one for one in self.written() if one.name == name), None)

    def read(self, name: str, table: Mapping[str, Any]) -> Rule:
        """A table as the settings have it made a rule. Raises RuleError saying what is wrong."""
        if not _NAME.fullmatch(name):
            raise RuleError("a name has up to 60 letters, digits, spaces and . _ -", "name")
        rule = self._read(name, table)
        self._check(rule, {**self.rules(), name: rule})
        return rule

    def save(
        self, name: str, table: Mapping[str, Any], *, by: str, now: datetime, revision: int
    ) -> Rule:
        """Keep a rule; ``revision`` is that of the one it replaces, 0 for a new one.

        Raises RuleError where it cannot be read, the name is another's, or somebody else saved it
        meanwhile.
        """
        if name in self.settings.alerts.rules:
            raise RuleError(f"the settings have a rule {name}; choose another name", "name")
        if revision == 0 and name in self._notes():
            raise RuleError(f"there is a rule {name}; choose another name", "name")
        if revision == 0 and len(self._notes()) >= MOST:
            raise RuleError(f"there are {MOST} rules; remove one that nobody needs")
        rule = self.read(name, table)
        value = json.dumps({"table": dict(table), "by": by, "at": now.isoformat()})
        self._write(name, value, revision)
        return rule

    def remove(self, name: str) -> None:
        """Raises ConfigError where no such rule is kept."""
        note = self._notes().get(name)
        if note is None:
            raise ConfigError(f"no rule {name} is kept; those of the settings stand in their file")
        self._write(name, "", note.revision)

    def _write(self, name: str, value: str, revision: int) -> None:
        """A rule that was removed has left an empty note, from whose revision a new one goes on."""
        left = self.store.notes(RULE).get(name)
        if revision == 0 and left is not None and not left.value:
            revision = left.revision
        if not self.store.save_note(RULE, name, value, revision=revision):
            raise RuleError(f"somebody else changed the rule {name} meanwhile; look at it again")

    def _notes(self) -> dict[str, Note]:
        return {name: note for name, note in self.store.notes(RULE).items() if note.value}

    def _kept(self, name: str, note: Note) -> Written:
        try:
            value = json.loads(note.value)
            table, by, at = dict(value["table"]), str(value["by"]), str(value["at"])
        except (ValueError, KeyError, TypeError):
            error = "a newer Listening wrote it; upgrade this one, or remove the rule"
            return Written(name=name, table={}, rule=None, error=error, revision=note.revision)
        found = Written(name=name, table=table, rule=None, revision=note.revision, by=by, at=at)
        try:
            return replace(found, rule=self._read(name, table))
        except ConfigError as error:
            return replace(found, error=str(error))

    def _beside(self, one: Written, others: Mapping[str, Rule]) -> Written:
        """What does not go together with the other rules is an error, too."""
        if one.rule is None:
            return one
        error = ""
        if one.name in self.settings.alerts.rules:
            error = "the settings have a rule of this name by now; remove this one"
        try:
            self._check(one.rule, others)
        except RuleError as wrong:
            error = error or str(wrong)
        return replace(one, rule=None, error=error) if error else one

    def _read(self, name: str, table: Mapping[str, Any]) -> Rule:
        return _told(lambda: settings.rule(name, table, _WHERE, self.settings.zone))

    def _check(self, rule: Rule, others: Mapping[str, Rule]) -> None:
        channels = self.settings.alerts.channels
        _told(lambda: rules.check_references(rule, others.values(), channels, _WHERE))


def as_table(rule: Rule, zone: str) -> dict[str, Any]:
    """What would stand in the settings for a rule, of what is not usual."""
    usual = Rule(name=rule.name, zone=zone)
    return {
        each.name: plain(value)
        for each in fields(rule)
        if (value := getattr(rule, each.name)) != getattr(usual, each.name)
    }


def plain(value: object) -> Any:  # noqa: ANN401 - as JSON and TOML have it
    """An option's value as it is written."""
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


def _span(value: timedelta) -> str:
    seconds = round(value.total_seconds())
    sizes = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    exact = (f"{seconds // size}{unit}" for unit, size in sizes if seconds % size == 0)
    return next(exact) if seconds else "0s"


def _told(check: Callable[[], T]) -> T:
    """A complaint about a table made one about an option of it."""
    try:
        return check()
    except ConfigError as error:
        message = str(error).removeprefix(f"{_WHERE}: ")
        raise RuleError(message, next(_named(message), "")) from error


def _named(message: str) -> Iterator[str]:
    """The options that a message names, the first of which is the one that is wrong."""
    return (word for word in re.findall(r"[a-z_]+", message) if word in _FIELDS)
