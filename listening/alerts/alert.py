"""What alerting remembers and says, as frozen records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from listening.alerts.rules import Severity


class Status(StrEnum):
    LEARNING = "learning"
    NORMAL = "normal"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"
    NO_DATA = "no data"
    ERROR = "error"


class Finding(StrEnum):
    """What an evaluation says; a rule that alarms while it learns says HIGH."""

    LEARNING = "learning"
    QUIET = "quiet"
    HIGH = "high"
    NO_DATA = "no data"
    ERROR = "error"


class Reason(StrEnum):
    """Why somebody is told."""

    STARTED = "started"
    REPEATED = "repeated"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    MISSING = "missing"
    RETURNED = "returned"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One evaluation of one alert. ``at`` is the end of the newest bucket it looked at.

    ``p`` is the chance of so much in a bucket where nothing is wrong; ``kind`` what it is, such as
    ``negative spike``; ``expected`` lies in ``low`` to ``high`` with 80 %; ``hours`` is how long
    the counts are for; ``error`` says why there is no finding. None is unknown.
    """

    at: datetime
    finding: Finding
    kind: str = ""
    observed: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    hours: float | None = None
    error: str = ""

    def __post_init__(self) -> None:
        for name in ("observed", "expected", "low", "high", "p", "hours"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                object.__setattr__(self, name, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One alarm, from its start to its end.

    ``told_p`` is the smallest ``p`` that was told; ``peak`` the outcome that was the least likely.
    """

    number: int
    started: datetime
    peak: Outcome
    ended: datetime | None = None
    first_told: datetime | None = None
    last_told: datetime | None = None
    told_p: float | None = None
    escalated: bool = False
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is remembered of a rule's brand and scope. ``labels`` are what silences look at.

    ``episode`` is the alarm that goes on, ``previous`` the last one that ended. ``sequence``
    numbers the notifications. ``error`` is why nothing can be said. ``answers`` are those that an
    instant rule has told.
    """

    fingerprint: str
    labels: Mapping[str, str]
    status: Status = Status.LEARNING
    since: datetime | None = None
    at: datetime | None = None
    latest: Outcome | None = None
    pending_since: datetime | None = None
    quiet_since: datetime | None = None
    missing_since: datetime | None = None
    missing_told: bool = False
    episode: Episode | None = None
    previous: Episode | None = None
    sequence: int = 0
    error: str = ""
    answers: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def is_firing(self) -> bool:
        """Whether an alarm goes on, also while it recovers or its data are missing."""
        return self.episode is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """It became ``status``, a ``channel`` took what it was told, or somebody acknowledged it.

    ``at`` of a status is the time of the data.
    """

    at: datetime
    status: Status | None = None
    reason: Reason | None = None
    channel: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What somebody is told. ``key`` is the same however often it is sent, and no other's.

    It may leave at ``due``, later than ``at`` where that is in quiet hours. ``group``: those of
    one group are sent as one message. The rest the evaluation fills in, from the data: ``facts``
    are sentences, ``samples`` what people wrote, ``query`` finds exactly what was counted,
    ``link`` is a page of ours. ``zone`` is where the times in a text are of.
    """

    key: str
    fingerprint: str
    labels: Mapping[str, str]
    reason: Reason
    status: Status
    severity: Severity
    at: datetime
    due: datetime
    channels: tuple[str, ...]
    group: str = ""
    zone: str = "UTC"
    episode: Episode | None = None
    outcome: Outcome | None = None
    answers: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    query: str = ""
    link: str = ""
