"""The findings in words, for people who do not read tables."""

from __future__ import annotations

from listening.report.shape import Comparison, Moved
from listening.views.figures import Change, Figure
from listening.views.sentiment import SentimentRow

MINUS = "−"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def headline(row: SentimentRow, moved: Moved | None, compared: Comparison | None) -> str:
    """One sentence about one brand, e.g. "Medus: 307 items, net sentiment +12 ± 9; …"."""
    sentence = f"{row.key[0]}: {counted(row.items, 'item')}, {_net(row)}"
    if moved is None or compared is None:
        return sentence
    return f"{sentence}; {_moved(moved.net, compared)}"


def points(figure: Figure) -> str:
    """A figure of net sentiment or NPS, e.g. "−31 ± 4", or why there is none."""
    if figure.value is None or figure.margin is None:
        return figure.reason or ""
    return f"{signed(figure.value)} ± {figure.margin:.0f}"


def signed(value: float, decimals: int = 0) -> str:
    rounded = round(value, decimals)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded):.{decimals}f}"


def length(days: int) -> str:
    """A number of days in words: "three weeks", "day", "45 days"."""
    count, unit = (days // 7, "week") if days % 7 == 0 else (days, "day")
    if count == 1:
        return unit
    return f"{_NUMBERS[count] if count < len(_NUMBERS) else count} {unit}s"


def _net(row: SentimentRow) -> str:
    if row.net.value is None:
        return f"too few scored texts ({row.net.n}) for net sentiment"
    return f"net sentiment {points(row.net)}"


def _moved(net: Change, compared: Comparison) -> str:
    before = f"the {length((compared.until - compared.since).days)} before"
    since = f"since {compared.since.day} {compared.since:%B}"
    if net.value is None:
        return f"too few scored texts ({net.n} and {net.n_before}) to compare with {before}"
    if not net.significant:
        return f"no significant change {since} on {before} ({signed(net.value)} points)"
    way = "up" if net.value > 0 else "down"
    by = counted(abs(round(net.value)), "point")
    return f"{since} {way} {by} on {before}: significant"


def counted(number: int, noun: str) -> str:
    """``1 text``, ``2,000 texts``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
