"""The mail of each week: where it goes, and which week is due."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from listening.errors import ConfigError
from listening.records import Window

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEK = timedelta(days=7)


class Week(NamedTuple):
    """Seven days before ``until``; ``key`` is no other week's."""

    key: str
    since: date
    until: date

    def window(self, zone: str) -> Window:
        since, until = (
            datetime.combine(day, clock(), ZoneInfo(zone)) for day in (self.since, self.until)
        )
        return Window(since=since, until=until)


@dataclass(frozen=True, kw_only=True)
class Weekly:
    """Sent to ``channels`` on ``weekday`` at ``time``; without channels there is none.

    It is of the seven days before; ``query`` and ``brand`` say of what, and ``site`` is where the
    pages are, for a link.
    """

    channels: tuple[str, ...] = ()
    weekday: Weekday = "monday"
    time: str = "08:00"
    query: str = ""
    brand: tuple[str, ...] = ()
    site: str = ""

    @property
    def number(self) -> int:
        """Of the weekday; Monday is 0."""
        return get_args(Weekday).index(self.weekday)

    @property
    def at(self) -> clock:
        return clock.fromisoformat(self.time)

    def cron(self) -> str:
        return f"{self.at.minute} {self.at.hour} * * {(self.number + 1) % 7}"

    def due(self, now: datetime, zone: str) -> Week:
        """The week that was due last."""
        local = now.astimezone(ZoneInfo(zone))
        day = local.date() - timedelta(days=(local.weekday() - self.number) % 7)
        if datetime.combine(day, self.at, local.tzinfo) > local:
            day -= _WEEK
        return Week(f"{day:%F}", day - _WEEK, day)


def check(weekly: Weekly, channels: Collection[str], where: str) -> None:
    """Raises ConfigError for what cannot be; ``where`` begins the message."""
    unknown = [name for name in weekly.channels if name not in channels]
    if unknown:
        known = ", ".join(channels) or "none"
        raise ConfigError(
            f"{where}: there is no channel {unknown[0]!r} (known: {known}); add "
            f"[alerts.channels.{unknown[0]}]"
        )
    try:
        clock.fromisoformat(weekly.time)
    except ValueError as error:
        raise ConfigError(f'{where}: time = {weekly.time!r} is none; write e.g. "08:00"') from error
    if weekly.site and not weekly.site.startswith(("http://", "https://")):
        raise ConfigError(
            f'{where}: site = {weekly.site!r} is no address; write e.g. "https://listening.example"'
        )
