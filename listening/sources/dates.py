"""Dates and times as files write them: any order, six languages' months, clocks and zones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from listening.errors import ConfigError, InvalidItem
from listening.sources.values import plain

_STEMS = (
    "jan saus янв იან sty ene",
    "feb vas фев თებ lut fev",
    "mar kov мар მარ",
    "apr bal апр აპრ kwi abr avr",
    "mai may maj geg май мая მაი",
    "jun bir июн ივნ cze juin",
    "jul lie июл ივლ lip juil",
    "aug rugp авг აგვ sie ago aou",
    "sep rugs сен სექ wrz set",
    "oct okt spa окт ოქტ paz out",
    "nov lap ноя ნოე lis",
    "dec dez gru дек დეკ dic",
)
_MONTHS = sorted(
    ((stem, month) for month, stems in enumerate(_STEMS, 1) for stem in stems.split()),
    key=lambda pair: -len(pair[0]),
)
# Abbreviations that name one offset in practice; ambiguous ones (IST, CST) are left out.
_OFFSETS = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2,
    "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "GET": 4, "EST": -5, "EDT": -4, "PST": -8, "PDT": -7,
}  # fmt: skip
_CLOCK = re.compile(
    r"\b(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap])?\.?(?:m\b\.?)?|\b(\d{1,2})\s*([ap])m\b",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"(?:(?:^|\s)(?:UTC|GMT)?|\b(?:UTC|GMT))\s*([+-])(\d{1,2}):?(\d{2})?(?=$|\s+\d{4}$)",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})\s*[./-]\s*(\d{1,2})\s*[./-]\s*(\d{4}|\d{2})(?!\d)")
# ``14.05`` is a clock only behind a whole date.
_DOTTED = re.compile(
    r"(\d{4}\.?|\d[./-]\d{1,2}[./-]\d{2}\.?),?\s+(\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?=\s|$)"
)
_DOTTED_CLOCK = re.compile(r"([01]?\d|2[0-4])\.[0-5]\d(\.[0-5]\d)?")
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a serial is naive until its zone is known
_PIVOT = 70
_LAST_MONTH = 12
_LAST_DAY = 31


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name; raises ConfigError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"zone {name!r} is not a time zone; give an IANA name such as Europe/Riga"
        ) from error


@lru_cache(maxsize=65536)
def moment(text: str, *, day_first: bool = True, zone: str = "UTC") -> datetime:
    """The time in UTC; raises InvalidItem where there is no such date."""
    text = text.strip()
    try:
        when = _moment(text, day_first)
        if when.tzinfo is None:
            when = when.replace(tzinfo=zone_of(zone))
        return when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        order = "day first" if day_first else "month first"
        read = f" when read {order}" if _NUMERIC.search(text) else ""
        raise InvalidItem(f"{text[:60]!r} is no date{read}") from error


def _moment(text: str, day_first: bool) -> datetime:
    if text.replace(".", "", 1).isdigit() and "." not in text[:4]:
        return _from_number(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _spelled(text, day_first)


def _from_number(text: str) -> datetime:
    whole = text.split(".", 1)[0]
    match len(whole):
        case 5:
            return _EXCEL_EPOCH + timedelta(seconds=round(float(text) * 86_400))
        case 8:
            return datetime.strptime(whole, "%Y%m%d")  # noqa: DTZ007 - the caller adds the zone
        case 10:
            return datetime.fromtimestamp(float(text), UTC)
        case 13:
            return datetime.fromtimestamp(int(whole) / 1000, UTC)
        case 14:
            return datetime.strptime(whole, "%Y%m%d%H%M%S")  # noqa: DTZ007 - likewise
        case 16:
            return datetime.fromtimestamp(int(whole) / 1_000_000, UTC)
    raise ValueError(text)


def _spelled(text: str, day_first: bool) -> datetime:
    text = re.sub(r"\([^)]*\)\s*$", "", text).strip()
    text = re.sub(r"(?<=\d)T(?=24:)", " ", text)
    text = _DOTTED.sub(_colons, text)
    hour, minute, second, micro, rest = _clock(text)
    zone, rest = _zone(rest)
    year, month, day = _calendar(rest, day_first)
    midnight = (hour, minute, second, micro) == (24, 0, 0, 0)
    when = datetime(year, month, day, 0 if midnight else hour, minute, second, micro, tzinfo=zone)
    return when + timedelta(days=midnight)


def _colons(found: re.Match[str]) -> str:
    date, *clock = found.groups()
    return f"{date} {':'.join(part for part in clock if part)}"


def is_clock(text: str) -> bool:
    """Whether a cell is a time of day and nothing more."""
    text = text.strip()
    return _DOTTED_CLOCK.fullmatch(text) is not None or (
        (found := _CLOCK.search(text)) is not None and found[0].strip() == text
    )


def _clock(text: str) -> tuple[int, int, int, int, str]:
    found = _CLOCK.search(text)
    if found is None:
        return 0, 0, 0, 0, text
    hour = int(found[1] or found[6])
    half = (found[5] or found[7] or "").lower()
    if half:
        if not 1 <= hour <= _LAST_MONTH:
            raise ValueError(text)
        hour = hour % 12 + (12 if half == "p" else 0)
    micro = int((found[4] or "0")[:6].ljust(6, "0"))
    rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
    return hour, int(found[2] or 0), int(found[3] or 0), micro, rest


def _zone(text: str) -> tuple[tzinfo | None, str]:
    last = text.rsplit(None, 1)[-1] if text else ""
    if last.upper() in _OFFSETS:
        return timezone(timedelta(hours=_OFFSETS[last.upper()])), text[: -len(last)].strip()
    found = _OFFSET.search(text)
    if found is None:
        return None, text
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(
        -offset if found[1] == "-" else offset
    ), f"{text[: found.start()]} {text[found.end() :]}".strip()


def _calendar(text: str, day_first: bool) -> tuple[int, int, int]:
    numbers = [int(digits) for digits in re.findall(r"\d+", text)]
    month = _named_month(text)
    if month is not None:
        if len(numbers) != 2:  # noqa: PLR2004 - a day and a year
            raise ValueError(text)
        day, year = numbers if numbers[0] <= _LAST_DAY else reversed(numbers)
        return _year(year), month, day
    if len(numbers) != 3:  # noqa: PLR2004 - a day, a month and a year
        raise ValueError(text)
    first, second, third = numbers
    if first > _LAST_DAY:
        return _year(first), second, third
    return (_year(third), second, first) if day_first else (_year(third), first, second)


def _named_month(text: str) -> int | None:
    for word in plain(text).split():
        for stem, month in _MONTHS:
            if word.startswith(stem):
                return month
    return None


def _year(number: int) -> int:
    if number >= 100:  # noqa: PLR2004 - written out
        return number
    return number + (2000 if number < _PIVOT else 1900)


def day_first(values: Sequence[str]) -> tuple[bool, str]:
    """Which order a column of dates uses, and why.

    A part above 12 decides; else the order in which the column is sorted; else month first where
    a 12-hour clock stands by slashes, day first otherwise.
    """
    parts = [found for found in map(_NUMERIC.search, values) if found is not None]
    if not parts:
        counted = bool(values) and all(
            value.strip().replace(".", "", 1).isdigit() for value in values
        )
        return True, "a number" if counted else ""
    firsts = sum(int(found[1]) > _LAST_MONTH for found in parts)
    seconds = sum(int(found[2]) > _LAST_MONTH for found in parts)
    if firsts or seconds:
        return firsts >= seconds, "day first" if firsts >= seconds else "month first"
    by_day, by_month = _disorder(values, order=True), _disorder(values, order=False)
    if len(parts) > 2 and by_day != by_month and 0 in (by_day, by_month):  # noqa: PLR2004 - a trend
        return by_day == 0, f"{'day' if by_day == 0 else 'month'} first, by the order of the rows"
    american = any(
        "/" in value and re.search(r"\d\s*[ap]\.?m", value, re.IGNORECASE) for value in values
    )
    return not american, f"{'month' if american else 'day'} first, a guess: no day above 12"


def _disorder(values: Iterable[str], *, order: bool) -> int:
    times = []
    for value in values:
        try:
            times.append(moment(value, day_first=order))
        except InvalidItem:
            continue
    steps = [later > earlier for earlier, later in pairwise(times) if later != earlier]
    return min(sum(steps), len(steps) - sum(steps))
