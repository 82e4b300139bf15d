"""Moments to hours, days, weeks and months of a time zone, a million at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from listening.errors import ConfigError
from listening.records import Dimension

PERIODS = (Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
MOST_CODES = 1 << 18  # dates further apart than this many periods are numbered as they occur
_DAY = 86_400
_QUARTER = 900  # every offset from UTC of today is a whole number of these seconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ZONES_KNOWN = range(-62_135_000_000, 253_402_000_000)  # years 1 to 9999

Numbers = npt.NDArray[np.signedinteger[Any]]


def microseconds(moment: datetime) -> int:
    """Since 1970; exact."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_at(microseconds: int) -> datetime:
    """Undo ``microseconds``."""
    return _EPOCH + microseconds * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Periods:
    """For every moment the code of its period; ``names[code]`` is its ISO 8601 start.

    An hour is named with its offset from UTC, which tells the two equal hours of autumn apart.
    """

    codes: Numbers
    names: Sequence[str]

    @classmethod
    def of(cls, seconds: Numbers, period: Dimension, zone: str) -> Periods:
        """``seconds`` since 1970, sorted. Raises ConfigError for an unknown zone."""
        offsets, since = _offsets(seconds, zone_of(zone))
        if period is Dimension.HOUR:
            # Where clocks change within an hour, what is left of it and of the next are two.
            start = np.maximum((seconds + offsets) // 3600 * 3600 - offsets, since)
            codes, starts = _coded(start // _QUARTER)
            ahead = np.zeros(len(starts), np.int64)
            ahead[codes] = offsets
            return cls(codes, _hours(starts * _QUARTER, ahead))
        codes, days = _coded((seconds + offsets) // _DAY)
        names, places = np.unique(_starts(days, period), return_inverse=True)
        return cls(places[codes], names.tolist())


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises ConfigError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"there is no time zone {name!r}; name one as in the IANA list, e.g. Europe/Riga"
        ) from None


def _coded(values: Numbers) -> tuple[Numbers, Numbers]:
    """Small numbers that stand for ``values``, and the value of each."""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, -1)
    if high - low < MOST_CODES:
        return values - low, np.arange(low, high + 1)
    distinct, codes = np.unique(values, return_inverse=True)
    return codes, distinct


def _starts(days: Numbers, period: Dimension) -> npt.NDArray[np.str_]:
    if period is Dimension.WEEK:
        days = (days + 3) // 7 * 7 - 3  # 1970 began on a Thursday
    dates = days.astype("datetime64[D]")
    if period is Dimension.MONTH:
        dates = dates.astype("datetime64[M]").astype("datetime64[D]")
    return np.datetime_as_string(dates)


def _hours(starts: Numbers, ahead: Numbers) -> list[str]:
    local = (starts + ahead) // 3600 * 3600
    names = np.datetime_as_string(local.astype("datetime64[s]"), unit="m")
    return [f"{name}{_written(int(offset))}" for name, offset in zip(names, ahead, strict=True)]


def _written(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"


def _offsets(seconds: Numbers, zone: ZoneInfo) -> tuple[Numbers, Numbers]:
    """How far local time is ahead of UTC at each of the sorted moments, and since when."""
    changes = [*_changes(_distinct(seconds // _DAY), zone)]
    starts = np.searchsorted(seconds, [second for second, _ in changes])
    lengths = np.diff([*starts, len(seconds)])
    both = np.array([(offset, since) for since, offset in changes], np.int64).reshape(-1, 2)
    offsets, sinces = np.repeat(both, lengths, axis=0).T
    return offsets, sinces


def _distinct(ordered: Numbers) -> list[int]:
    return [*map(int, ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))])]


def _changes(days: Sequence[int], zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """When the offset changes and to what, looking only at ``days``."""
    last = None
    for day in days:
        first, end = day * _DAY, (day + 1) * _DAY
        before, after = offset_at(first, zone), offset_at(end, zone)
        if before != last:
            yield first, before
        if after != before:
            yield _change(first, end, zone), after
        last = after


def _change(low: int, high: int, zone: ZoneInfo) -> int:
    before = offset_at(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
    return high


def offset_at(second: int, zone: ZoneInfo) -> int:
    """How many seconds local time is ahead of UTC; ``second`` counts from 1970."""
    known = min(max(second, _ZONES_KNOWN.start), _ZONES_KNOWN.stop)
    moment = (_EPOCH + timedelta(seconds=known)).astimezone(zone)
    return int((moment.utcoffset() or timedelta()).total_seconds())
