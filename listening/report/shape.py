"""What a report holds. docs/report.md describes it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import Any

from listening.records import Kind, Scale
from listening.views.figures import Change, Figure
from listening.views.sentiment import SentimentRow
from listening.views.surveys import Survey
from listening.views.words import TellingWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days in ``zone``; ``until`` is exclusive; both are None when there is nothing at all."""

    since: date | None
    until: date | None
    zone: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``since`` to ``until`` is compared with ``before_since`` to ``since``, as long."""

    before_since: date
    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The two sides of a comparison, and by how much net sentiment changed."""

    now: SentimentRow
    before: SentimentRow
    net: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """``share_of_voice`` counts public mentions and reviews only."""

    name: str
    headline: str
    sentiment: SentimentRow
    share_of_voice: Figure | None
    change: Moved | None
    over_time: tuple[SentimentRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyTable:
    """The answers on one scale.

    ``brands`` go by brand, ``cells`` by brand, segment and service where both are known,
    ``over_time`` by brand and start of the period; ``changes`` are those of each brand's score.
    """

    scale: Scale
    overall: Survey
    brands: tuple[Survey, ...]
    changes: Mapping[str, Change]
    cells: tuple[Survey, ...]
    over_time: tuple[Survey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One text in full."""

    id: str
    brand: str
    source: str
    kind: Kind
    language: str
    created_at: datetime
    text: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What the texts of a brand with one label say that its other texts do not.

    ``query`` finds the ``texts``; words come language by language, largest first.
    """

    brand: str
    texts: int
    words: tuple[TellingWord, ...]
    samples: tuple[Sample, ...]
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Crisis:
    """A negative spike with its evidence; UTC days, ``end`` inclusive; see ``views.spikes``.

    ``query`` finds exactly its ``negative`` texts.
    """

    brand: str
    start: date
    end: date
    negative: int
    texts: int
    expected: float
    share: float
    share_usual: float | None
    words: tuple[TellingWord, ...]
    samples: tuple[Sample, ...]
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``minimum`` is the number of answers below which a figure is None.

    ``quarantined`` counts what the store has set aside; None where a filter leaves some out, as
    nobody knows what such rows would have been.
    """

    query: str
    minimum: int
    period: Period
    comparison: Comparison | None
    quarantined: int | None
    overall: SentimentRow
    over_time: tuple[SentimentRow, ...]
    brands: tuple[Brand, ...]
    languages: tuple[SentimentRow, ...]
    sources: tuple[SentimentRow, ...]
    surveys: tuple[SurveyTable, ...]
    crises: tuple[Crisis, ...]
    complaints: tuple[Topic, ...]
    praise: tuple[Topic, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types; floats are rounded to 3 places, dates are ISO 8601."""
        found: dict[str, Any] = plain(self)
        return found


def plain(value: Any) -> Any:  # noqa: ANN401 - any field of a record
    """Records as plain JSON types; floats are rounded to 3 places, dates are ISO 8601."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 3) if isinstance(value, float) else value
