"""Frozen records. A stage makes the next record; nobody edits the last one."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from listening.tree import Node


class Kind(StrEnum):
    """What sort of feedback an item is."""

    MENTION = "mention"
    REVIEW = "review"
    SURVEY = "survey"
    RATING = "rating"
    CHAT = "chat"


class Scale(StrEnum):
    """How a rating reads; ``low`` and ``high`` are its inclusive bounds, higher is better."""

    STARS = "stars"
    NPS = "nps"
    CSAT = "csat"
    CES = "ces"
    SMILEY = "smiley"

    @property
    def low(self) -> int:
        return 0 if self is Scale.NPS else 1

    @property
    def high(self) -> int:
        return _HIGH[self]


_HIGH = {Scale.STARS: 5, Scale.NPS: 10, Scale.CSAT: 5, Scale.CES: 7, Scale.SMILEY: 4}


class Label(StrEnum):
    """The sentiment of a text; ``UNKNOWN`` when the model is not sure enough to say."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """How far people are with an item; one that nobody has looked at has none."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    ANSWERED = "answered"
    CLOSED = "closed"
    IGNORED = "ignored"


class Order(StrEnum):
    """How hits are ordered. What is not scored, or has no such figure, comes last."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NEGATIVE = "negative"
    POSITIVE = "positive"
    ENGAGING = "engaging"


class Dimension(StrEnum):
    """What counts can be broken down by; HOUR to MONTH are the start of the period, ISO 8601.

    A day, week (from Monday) or month is ``2026-03-01``; an hour carries its offset from UTC,
    ``2026-03-01T14:00+02:00``. A value that is missing, as LABEL before scoring, is ``""``.
    """

    BRAND = "brand"
    SOURCE = "source"
    KIND = "kind"
    LANGUAGE = "language"
    LABEL = "label"
    COUNTRY = "country"
    TOUCHPOINT = "touchpoint"
    SEGMENT = "segment"
    SERVICE = "service"
    CAMPAIGN = "campaign"
    QUESTION = "question"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Rating(NamedTuple):
    """A whole number on its scale, e.g. ``Rating(Scale.NPS, 9)``."""

    scale: Scale
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing somebody said, in the source's own words and identifiers.

    ``created_at`` is time-zone aware. ``updated_at`` is the source's time of the last edit.
    ``deleted`` says that the source withdrew it. ``brand``, ``source`` and ``kind`` of None mean
    the stream's own. ``language`` is what the source claims (BCP 47), not what we detect.
    """

    native_id: str
    text: str
    created_at: datetime
    updated_at: datetime | None = None
    kind: Kind | None = None
    brand: str | None = None
    source: str | None = None
    language: str | None = None
    ratings: tuple[Rating, ...] = ()
    url: str | None = None
    author: str | None = None
    engagement: int | None = None
    country: str | None = None
    touchpoint: str | None = None
    segment: str | None = None
    service: str | None = None
    campaign: str | None = None
    question: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Input set aside, with where it stood, why, and its raw form for a retry.

    ``origin`` is a file or an address; ``line`` and ``column`` say where in it, 1-based line.
    """

    stream: str
    origin: str
    reason: str
    raw: str
    line: int | None = None
    column: str | None = None

    @property
    def id(self) -> str:
        """The same for the same input, whatever the reason."""
        whole = "\0".join((self.stream, self.origin, self.raw, str(self.line)))
        return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Items fetched together, and the cursor to resume from once they are stored."""

    items: tuple[Item, ...]
    cursor: str | None
    rejected: tuple[Rejected, ...] = ()


class Checked(NamedTuple):
    """How many ids a source was asked about, those it no longer has, and its cursor by then."""

    checked: int
    withdrawn: tuple[str, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """``since`` <= created_at < ``until``; None is open. Times are zone-aware."""

    since: datetime | None = None
    until: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """An item made ours.

    ``id`` is ``brand:source:native_id``. ``created_at`` is UTC. ``version`` orders the writes of
    one id: a write is taken when its version is >= the stored one. ``author`` is a keyed
    pseudonym. ``language`` is a BCP 47 tag, ``und`` when unsure. ``text`` may be empty when there
    is a rating. ``ratings`` holds at most one per scale.
    """

    id: str
    brand: str
    source: str
    native_id: str
    kind: Kind
    text: str
    language: str
    created_at: datetime
    version: int
    ratings: tuple[Rating, ...] = ()
    url: str | None = None
    author: str | None = None
    engagement: int | None = None
    country: str | None = None
    touchpoint: str | None = None
    segment: str | None = None
    service: str | None = None
    campaign: str | None = None
    question: str | None = None


PERSON = "person"


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Three probabilities that sum to 1, and the model that gave them: PERSON where one did.

    Below ``threshold`` (of the highest probability) the label is UNKNOWN.
    """

    negative: float
    neutral: float
    positive: float
    model: str
    threshold: float = 0.0

    @property
    def confidence(self) -> float:
        """The highest of the three probabilities."""
        return max(self.negative, self.neutral, self.positive)

    @property
    def label(self) -> Label:
        if self.confidence < self.threshold:
            return Label.UNKNOWN
        ranked = zip((self.negative, self.neutral, self.positive), Label, strict=False)
        return max(ranked, key=lambda pair: pair[0])[1]

    @property
    def polarity(self) -> float:
        """Positive minus negative probability, -1 to 1."""
        return self.positive - self.negative


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which feedback is meant. None means any; several values of one field are alternatives.

    ``text`` is a parsed query (``query.parse``), whose field operators narrow further.
    """

    brand: tuple[str, ...] | None = None
    source: tuple[str, ...] | None = None
    kind: tuple[Kind, ...] | None = None
    language: tuple[str, ...] | None = None
    label: tuple[Label, ...] | None = None
    country: tuple[str, ...] | None = None
    touchpoint: tuple[str, ...] | None = None
    segment: tuple[str, ...] | None = None
    service: tuple[str, ...] | None = None
    campaign: tuple[str, ...] | None = None
    question: tuple[str, ...] | None = None
    author: tuple[str, ...] | None = None
    window: Window = Window()
    text: Node | None = None


class Span(NamedTuple):
    """Characters ``start`` to ``end`` (exclusive) of a text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result; ``sentiment`` is None while it is unscored."""

    feedback: Feedback
    sentiment: Sentiment | None
    highlights: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of results, in the order asked for.

    ``total`` is how many there are, exact up to ``10_000`` and cut there (``total_is_exact``).
    ``cursor`` asks for the next page; None on the last.
    """

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Counts of the feedback that shares ``key``, the values of the dimensions asked for.

    ``labels`` counts scored texts, ``unscored`` those still waiting; a rating without text is in
    neither. ``ratings[scale][value]`` counts answers. ``count`` is all of them.
    """

    key: tuple[str, ...]
    count: int
    labels: Mapping[Label, int] = field(default_factory=dict)
    unscored: int = 0
    ratings: Mapping[Scale, Mapping[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TermCount:
    """In how many texts of the filter, and of its background, a term occurs."""

    term: str
    count: int
    background: int


@dataclass(frozen=True, slots=True)
class TermCounts:
    """Document frequencies of terms; ``total`` and ``background_total`` are texts looked at."""

    terms: tuple[TermCount, ...]
    total: int
    background_total: int


class Refusal(NamedTuple):
    """The id of feedback that a store cannot hold, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the feedback handed to ``Store.put``; the four add up to its length.

    ``duplicates`` were known already, unchanged, older than what is stored, or erased.
    """

    stored: int = 0
    updated: int = 0
    duplicates: int = 0
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: Written) -> Written:
        return Written(
            self.stored + other.stored,
            self.updated + other.updated,
            self.duplicates + other.duplicates,
            self.refused + other.refused,
        )


DESK = "desk"  # kind of note: what people keep of the feedback whose id is its key
SLOTS = 256


def slot(id_: str) -> int:
    """The same number, 0 to 255, for an id wherever it is asked for."""
    return zlib.crc32(id_.encode("utf-8", "surrogatepass")) % SLOTS


class Note(NamedTuple):
    """A small value that a store keeps; ``revision``, from 1, counts its changes."""

    value: str
    revision: int


class Part(NamedTuple):
    """Number ``number``, from 0, of ``of`` disjoint parts that are together all; at most 256."""

    number: int
    of: int

    @property
    def slots(self) -> range:
        """The slots of its ids: those with ``slot * of // SLOTS == number``."""
        return range(-(-self.number * SLOTS // self.of), -(-(self.number + 1) * SLOTS // self.of))


WHOLE = Part(0, 1)


def month_of(moment: datetime) -> datetime:
    """The start of its calendar month, UTC."""
    day = moment.astimezone(UTC)
    return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
