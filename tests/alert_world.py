"""Five weeks of what is said about two brands, with a crisis, a story that is shared, an outage."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from listening import query
from listening.alerts.evaluate import Evaluated, evaluate
from listening.alerts.ledger import Ledger
from listening.alerts.rules import Rule
from listening.alerts.watch import Pull, Watch, watched
from listening.protocols import Store
from listening.records import Feedback, Filter, Kind, Rating, Sentiment
from listening.stores.sqlite import SqliteStore

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
CRISIS = START + timedelta(days=34, hours=12)
END = CRISIS + 3 * HOUR
LAST = START + timedelta(days=36)
SHARED = START + timedelta(days=30, hours=12)
RULE = Rule(name="spikes", channels=("crm",))
PLACES = ("Riga", "Vilnius", "Tbilisi", "Berlin", "Tallinn", "Kaunas", "Batumi")
TALK = ("seat", "crew", "coffee", "queue", "gate", "website", "price", "ticket", "snack", "bus")


def texts(hours: int = 36 * 24) -> Iterator[Feedback]:
    rng = np.random.default_rng(5)
    for hour in range(hours):
        at = START + hour * HOUR
        rate = 0.6 * (1 + np.sin(2 * np.pi * (hour % 24 - 8) / 24))
        for brand in ("Medus", "Sēlija"):
            for label, often in (("negative", rate), ("positive", 2 * rate)):
                for _ in range(rng.poisson(often)):
                    yield said(brand, at + timedelta(seconds=int(rng.integers(3600))), label, rng)


def said(brand: str, at: datetime, label: str, rng: Any, text: str = "", **more: Any) -> Feedback:
    number = int(rng.integers(10**9))
    words = " ".join(rng.permutation(TALK)[:4])
    verdict = "awful" if label == "negative" else "lovely"
    values = {"source": ("x", "reviews")[number % 3 == 0], "country": ("LV", "LT")[number % 2]}
    return Feedback(
        id=f"{brand}:{label}:{number}",
        native_id=str(number),
        brand=brand,
        kind=Kind.MENTION,
        text=text or f"{words}: {verdict} in {PLACES[number % 7]} {number}",
        language="en",
        created_at=at,
        version=1,
        author=f"a{number % 400}",
        **{**values, **more},
    )


def crisis(count: int = 30) -> Iterator[Feedback]:
    rng = np.random.default_rng(6)
    for number in range(count):
        at = CRISIS + number * 3 * HOUR / count
        text = f"lost my luggage at the {rng.permutation(TALK)[0]}, {PLACES[number % 7]} {number}"
        yield said("Sēlija", at, "negative", rng, text, source="x")


def story(count: int = 60) -> Iterator[Feedback]:
    rng = np.random.default_rng(7)
    for number in range(count):
        text = (
            f"RT @someone{number}: they charged my whole village twice for one jar of honey, look!"
        )
        yield said("Medus", SHARED + number * timedelta(minutes=1), "negative", rng, text)


def put(store: Store, feedback: Sequence[Feedback]) -> None:
    store.put(feedback)
    rows = []
    for one in feedback:
        negative = ":negative:" in one.id
        low, high = (0.9, 0.05) if negative else (0.05, 0.9)
        rows.append((one.id, one.text, Sentiment(low, 0.05, high, "test")))
    store.annotate([row for row in rows if row[1]])


def answer(number: int, at: datetime, value: int, scale: Any, text: str = "") -> Feedback:
    return Feedback(
        id=f"Sēlija:survey:{number}",
        native_id=str(number),
        brand="Sēlija",
        source="survey",
        kind=Kind.SURVEY,
        text=text,
        language="en",
        created_at=at,
        version=1,
        ratings=(Rating(scale, value),),
    )


def find(text: str) -> Filter:
    return Filter(text=query.parse(text) if text else None)


def watch(store: Store, rule: Rule = RULE, pulls: Sequence[Pull] = ()) -> Watch:
    return Watch(store=store, rule=rule, where=watched(rule, find(rule.query)), pulls=pulls)


def look(
    store: Store, now: datetime, *rules: Rule, pulls: Sequence[Pull] = ()
) -> tuple[Ledger, list[Evaluated]]:
    ledger = Ledger(store)
    return ledger, evaluate(store, ledger, rules or (RULE,), find=find, now=now, pulls=pulls)


def ticks() -> list[datetime]:
    """When the crisis is looked at, until it is over."""
    return [CRISIS + timedelta(minutes=15) + hour * HOUR for hour in (1, 3, 34)]


@dataclass(frozen=True)
class Mortal:
    """A store that dies before or after the write of a note."""

    store: SqliteStore
    left: list[int]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool:
        self._step()
        saved = self.store.save_note(kind, key, value, revision=revision)
        self._step()
        return saved

    def _step(self) -> None:
        if self.left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left[0] -= 1


def live(path: str, fatal: int) -> None:
    """The crisis, tick by tick, from where it stands; killed at step ``fatal``."""
    store: Any = Mortal(SqliteStore(path), [fatal])
    for now in ticks():
        look(store, now)
