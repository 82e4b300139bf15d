"""One story told to a real server through the proxy, and what is true of the store afterwards."""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import httpx

from listening.errors import TransientError
from listening.stores.elasticsearch import ElasticsearchStore
from listening.stores.sqlite import SqliteStore
from tests.faults.proxy import Fault, Outage, Proxy, Request
from tests.faults.story import PHASES, State, Step, Story, state

TIMEOUT = 1.0
"""Seconds that a client waits who is to be kept waiting."""
RECOVERY = 60.0
"""Seconds within which all must be done once a fault is over."""

Open = Callable[[], ElasticsearchStore]


@dataclass(frozen=True)
class Client:
    """A store as one process opens it; its pauses are short, so that the tests are quick."""

    proxy: Proxy
    name: str
    patience: float = 30.0
    rng: random.Random = field(default_factory=random.Random)
    sleep: Callable[[float], None] = time.sleep
    timeout: float = 10.0
    base: ClassVar[float] = 0.01

    def open(self) -> ElasticsearchStore:
        return ElasticsearchStore.open(
            f"{self.proxy.url}/{self.name}",
            environ={},
            replicas=0,
            patience=self.patience,
            timeout=self.timeout,
            base=self.base,
            random=self.rng.random,
            sleep=self.sleep,
        )


@dataclass(frozen=True)
class Quiet:
    """A story where nothing went wrong: what each phase asked, and what held after it."""

    story: Story
    asked: Mapping[str, Sequence[Request]]
    after: Mapping[str, State]


@dataclass(frozen=True)
class Outcome:
    """What a fault did: ``seconds`` are from its end to the end of the work.

    ``amplification`` is the requests made, over those made where nothing goes wrong.
    """

    spoilt: int
    reruns: int
    seconds: float
    amplification: float
    found: Audit


@dataclass(frozen=True)
class Audit:
    """How many ids are ``lost``, how many ``doubled``, and what else is ``wrong``."""

    lost: int
    doubled: int
    wrong: tuple[str, ...]


def quiet(client: Client, story: Story) -> Quiet:
    right, asked, after = SqliteStore(":memory:"), {}, {}
    for name, phase in PHASES.items():
        client.proxy.arm(None, client.rng)
        for step in phase(story):
            step(right)
            done(step, client.open, lambda: False)
        asked[name] = [one.request for one in client.proxy.seen]
        after[name] = state(right)
    return Quiet(story, asked, after)


def meeting(fault: Fault, proxy: Proxy, name: str, seed: int) -> Client:
    """A client that soon gives up, to be run again, or by another seed a patient one."""
    rng = random.Random(f"{fault.name} {seed}")
    timeout = TIMEOUT if fault.name == "timeout" else 10.0
    return Client(proxy, name, patience=(0.3, 30.0)[seed % 2], rng=rng, timeout=timeout)


def spoilt(client: Client, quiet: Quiet, fault: Fault) -> Iterator[tuple[str, Outcome]]:
    """Go through the phases, each with the fault in it."""
    for phase in PHASES:
        yield phase, _spoilt(client, quiet, fault, phase)


def _spoilt(client: Client, quiet: Quiet, fault: Fault, phase: str) -> Outcome:
    proxy, asked, steps = client.proxy, quiet.asked[phase], PHASES[phase](quiet.story)
    proxy.arm(outage(fault, asked, client.rng), client.rng)
    reruns = sum(done(step, client.open, partial(_in_time, proxy)) for step in steps)
    over, hit, sent = time.monotonic(), proxy.spoilt, len(proxy.seen)
    proxy.disarm()
    gone, holds = quiet.story.gone_after(phase), held(client.open)
    return Outcome(
        spoilt=hit,
        reruns=reruns,
        seconds=max(0.0, over - (proxy.ended or over)),
        amplification=sent / len(asked),
        found=audit(proxy.upstream, client.name, quiet.after[phase], holds, gone),
    )


def outage(fault: Fault, asked: Sequence[Request], rng: random.Random) -> Outage:
    """Begin at any request that the fault can hit, for up to a third of the phase's."""
    start = rng.choice([number for number, request in enumerate(asked) if fault.hits(request)])
    return Outage(fault, start, rng.randint(1, min(fault.longest, max(1, len(asked) // 3))))


def _in_time(proxy: Proxy) -> bool:
    return proxy.ended is None or time.monotonic() - proxy.ended < RECOVERY


def done(step: Step, open_: Open, in_time: Callable[[], bool]) -> int:
    """Run a step as a scheduler does: a new process each time. Returns how often it had to."""
    reruns = 0
    while True:
        try:
            with closing(open_()) as store:
                step(store)
        except TransientError:
            if not in_time():
                raise
            reruns += 1
            time.sleep(0.05)
        else:
            return reruns


def held(open_: Open) -> State:
    """What a store says that it holds."""
    with closing(open_()) as store:
        return state(store)


def audit(server: str, name: str, want: State, held: State, gone: set[str]) -> Audit:
    """Compare what there should be with what the store says, and with what the server holds."""
    copies = Counter(document["_source"]["id"] for document in documents(server, f"{name}-v*"))
    wrong = [f"{id_} should not be there" for id_ in copies.keys() - want.feedback.keys()]
    wrong += [
        f"{id_} is {held.feedback.get(id_)}, not {right}"
        for id_, right in want.feedback.items()
        if held.feedback.get(id_) != right
    ]
    if held.quarantine != want.quarantine:
        wrong.append(f"quarantine: {held.quarantine} is not {want.quarantine}")
    if held.cursor != want.cursor:
        wrong.append(f"cursor: {held.cursor} is not {want.cursor}")
    graves = {document["_id"] for document in documents(server, f"{name}-state-v*-erased")}
    if graves != {key(id_) for id_ in gone}:
        wrong.append(f"tombstones: {len(graves)}, not those of the {len(gone)} erased")
    return Audit(
        lost=len(want.feedback.keys() - copies.keys()),
        doubled=sum(1 for copies_of_one in copies.values() if copies_of_one > 1),
        wrong=tuple(wrong),
    )


def key(id_: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(id_.encode()).digest())[:27].decode()


def documents(server: str, indices: str) -> list[dict[str, Any]]:
    """All documents, up to the 10,000 that one search may give."""
    with httpx.Client(base_url=server, trust_env=False, timeout=30) as client:
        client.post(f"/{indices}/_refresh").raise_for_status()
        answer = client.post(f"/{indices}/_search", json={"size": 10_000, "_source": ["id"]})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["hits"]["hits"]
        return found


def remove(server: str, name: str) -> None:
    """Leave nothing of the name behind."""
    with httpx.Client(base_url=server, trust_env=False, timeout=30) as client:
        indices = client.get(f"/{name}-*", params={"expand_wildcards": "all"}).json()
        for index in indices:
            client.delete(f"/{index}")
        for kind in ("_index_template", "_component_template"):
            listed = client.get(f"/{kind}/{name}*").json().get(f"{kind[1:]}s", [])
            for template in listed:
                client.delete(f"/{kind}/{template['name']}")
