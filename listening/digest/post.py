"""The mail of a week: each channel gets it once, however often and wherever it is sent from.

As the outbox of alerts does it: a channel is claimed, sent to, and struck off, in one note of the
store for each week. Who is killed in between leaves a claim that runs out, and the next run sends
again, under the same key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, partial
from urllib.parse import urlencode

from listening.alerts.notify import Letter
from listening.alerts.outbox import CLAIM
from listening.alerts.weekly import Week, Weekly
from listening.alerts.wording import inert
from listening.app import App
from listening.charts import png
from listening.digest.as_html import html
from listening.digest.compose import TEXT, compose
from listening.digest.document import Document, Picture
from listening.errors import ConfigError, ListeningError, TransientError
from listening.report import Report
from listening.settings import FILE

KIND = "digest"  # of note
_ATTEMPTS = 20
_State = dict[str, str]  # of a channel: until when it is claimed, or when it was sent


class Status(StrEnum):
    SENT = "sent"
    BEFORE = "sent before"
    CLAIMED = "being sent"  # by another, or by one that was killed minutes ago
    FAILED = "failed"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a channel; ``error`` where it failed."""

    channel: str
    status: Status
    error: ListeningError | None = None


@dataclass(frozen=True)
class Post:
    """The mail of the week that was due ``at`` a time.

    Raises ConfigError where the settings name no channel.
    """

    app: App
    at: datetime

    def __post_init__(self) -> None:
        if not self.weekly.channels:
            raise ConfigError(
                f"the digest goes to nobody: write [digest] with channels into {FILE}, "
                "see: listening init"
            )

    @property
    def weekly(self) -> Weekly:
        return self.app.settings.digest

    @cached_property
    def week(self) -> Week:
        return self.weekly.due(self.at, self.app.settings.zone)

    @cached_property
    def report(self) -> Report:
        window = self.week.window(self.app.settings.zone)
        where = self.app.where(self.weekly.query, window)
        return self.app.report(replace(where, brand=self.weekly.brand or None), by="day")

    @cached_property
    def letter(self) -> Letter:
        """In it nothing that others wrote does anything, also in a chat."""
        alerts = self.app.alerts.entries()
        document = compose(self.report, alerts, said=partial(inert, most=TEXT), link=self._link)
        return Letter(
            key=f"digest-{self.week.key}",
            type="digest.sent",
            at=_now(),
            title=f"{document.title}: {document.subtitle}",
            html=html(document, lambda picture: f"cid:{picture.name}"),
            pictures=self._drawn(document) if self._is_read else {},
            data=self.report.as_json(),
        )

    @property
    def _is_read(self) -> bool:
        """Whether anybody looks at it: webhooks get the figures only, which needs no drawing."""
        channels = self.app.settings.alerts.channels
        return any(channels[name].apprise for name in self.weekly.channels)

    @staticmethod
    def _drawn(document: Document) -> dict[str, bytes]:
        pictures = (block for block in document.blocks if isinstance(block, Picture))
        return {picture.name: png(picture.chart) for picture in pictures}

    @property
    def _link(self) -> str:
        if not self.weekly.site:
            return ""
        asked = {
            "q": self.weekly.query,
            "brand": self.weekly.brand,
            "since": self.week.since,
            "to": self.week.until - timedelta(days=1),
        }
        given = urlencode({name: value for name, value in asked.items() if value}, doseq=True)
        return f"{self.weekly.site.rstrip('/')}/?{given}"

    def statuses(self) -> list[Posted]:
        """Of each channel; nothing is sent."""
        kept = self._read()[0]
        return [Posted(name, _status(kept.get(name))) for name in self.weekly.channels]

    def send(self) -> list[Posted]:
        """A channel that fails holds up no other."""
        return [
            self._send(one.channel) if one.status is Status.DUE else one for one in self.statuses()
        ]

    def _send(self, channel: str) -> Posted:
        letter = self.letter  # before the claim, which is for sending only
        if not self._keep(channel, {"until": (_now() + CLAIM).isoformat()}):
            return Posted(channel, Status.CLAIMED)
        try:
            self.app.alerts.post(channel, letter)
        except ListeningError as error:
            self._keep(channel, {})
            return Posted(channel, Status.FAILED, error)
        self._keep(channel, {"sent": _now().isoformat()})
        return Posted(channel, Status.SENT)

    def _keep(self, channel: str, state: _State) -> bool:
        """False where the channel is to be claimed and somebody else was first."""
        for _ in range(_ATTEMPTS):
            kept, revision = self._read()
            if "until" in state and _status(kept.get(channel)) is not Status.DUE:
                return False
            value = json.dumps({**kept, channel: state})
            if self.app.store.save_note(KIND, self.week.key, value, revision=revision):
                return True
        raise TransientError("the digest is being sent by others all the time; try later")

    def _read(self) -> tuple[dict[str, _State], int]:
        note = self.app.store.notes(KIND).get(self.week.key)
        return (json.loads(note.value), note.revision) if note else ({}, 0)


def _status(state: _State | None) -> Status:
    if not state:
        return Status.DUE
    if "sent" in state:
        return Status.BEFORE
    return Status.CLAIMED if datetime.fromisoformat(state["until"]) > _now() else Status.DUE


def _now() -> datetime:
    return datetime.now(UTC)
