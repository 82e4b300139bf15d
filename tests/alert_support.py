"""A server that webhooks go to, and a process of alerting that may be killed at any step."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from pytest_socket import enable_socket

from listening.alerts.alert import Finding, Notification, Outcome
from listening.alerts.ledger import Entry, Ledger, _entries
from listening.alerts.lifecycle import advance, fresh
from listening.alerts.notify import Channel, Notifier
from listening.alerts.outbox import deliver
from listening.alerts.rules import Rule
from listening.http import Http
from listening.records import Note
from listening.stores.sqlite import SqliteStore

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification
RULE = Rule(name="spikes", channels=("crm",), keep_firing_for=HOUR, owner="care")


@dataclass
class Server:
    """Keeps what it is sent; answers with each status in turn, the last one for ever."""

    url: str
    statuses: list[int] = field(default_factory=lambda: [200])
    requests: list[tuple[Message[str, str], bytes]] = field(default_factory=list)
    location: str = ""

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]


@contextmanager
def serving() -> Iterator[Server]:
    enable_socket()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.requests.append((self.headers, body))
            status = found.statuses.pop(0) if len(found.statuses) > 1 else found.statuses[0]
            self.send_response(status)
            if found.location:
                self.send_header("location", found.location)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found = Server(f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


HTTP = Http(interval=0.0, internal=["127.0.0.1"])
_entries()  # once, in the process that all that may be killed are forked from


def webhook(server: Server) -> Notifier:
    channel = Channel(name="crm", webhook=f"{server.url}/k3y-in-path?token=t0ken", secret=SECRET)
    return Notifier(channels={"crm": channel}, http=HTTP)


class Steps:
    """Dies at one of them."""

    def __init__(self, fatal: int) -> None:
        self.left = fatal

    def __call__(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


@dataclass(frozen=True)
class MortalStore:
    """A store in which each write is a step before and a step after it."""

    store: SqliteStore
    step: Steps

    def notes(self, kind: str) -> Mapping[str, Note]:
        return self.store.notes(kind)

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool:
        self.step()
        saved = self.store.save_note(kind, key, value, revision=revision)
        self.step()
        return saved


@dataclass(frozen=True)
class MortalSender:
    """Likewise each message."""

    notifier: Notifier
    step: Steps

    def groups(self, channel: str) -> bool:
        return self.notifier.groups(channel)

    def send(self, channel: str, notifications: Sequence[Notification]) -> None:
        self.step()
        self.notifier.send(channel, notifications)
        self.step()


def tick(ledger: Ledger, finding: Finding, now: datetime, rule: Rule = RULE) -> Entry:
    """Evaluate one alert, and save it with what that gives to tell."""
    outcome = Outcome(at=now, finding=finding, observed=40, expected=8, p=1e-6)
    first = fresh(rule, {"brand": "Sēlija"})

    def change(entry: Entry | None) -> Entry:
        entry = entry or Entry(alert=first)
        return entry.after(*advance(entry.alert, outcome, rule, now))

    return ledger.update(first.fingerprint, change)


def live(path: str, url: str, fatal: int) -> None:
    """An alarm from start to end, evaluated and told hour by hour; killed at step ``fatal``."""
    step = Steps(fatal)
    ledger = Ledger(MortalStore(SqliteStore(path), step))
    sender = MortalSender(webhook(Server(url)), step)
    for hour, finding in enumerate((Finding.HIGH, Finding.QUIET, Finding.QUIET, Finding.QUIET)):
        now = NOON + hour * HOUR
        tick(ledger, finding, now)
        deliver(ledger, sender, lambda now=now: now)  # type: ignore[misc]  # its default is ours
