"""Servers killed at work: started again, the store must hold what SQLite holds."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from listening.pipeline import score
from listening.records import Part
from listening.stores.elasticsearch import ElasticsearchStore
from listening.stores.sqlite import SqliteStore
from tests.faults.story import Checksum, Step, Story, ingesting, state
from tests.faults.trial import Audit, audit, done, held, remove

PARTS = 16


@dataclass(frozen=True)
class Nodes:
    urls: tuple[str, ...]
    pids: tuple[Path, ...]
    restart: str

    def kill(self, number: int) -> None:
        os.kill(int(self.pids[number].read_text()), signal.SIGKILL)

    def start(self, number: int) -> None:
        subprocess.run(shlex.split(self.restart.format(node=number + 1)), check=True, timeout=120)

    def wait_until_whole(self) -> None:
        """All nodes there, and every copy of every shard."""
        deadline = time.monotonic() + 180
        params = {"wait_for_status": "green", "wait_for_nodes": f">={len(self.urls)}"}
        while time.monotonic() < deadline:
            for url in self.urls:
                try:
                    health = httpx.get(f"{url}/_cluster/health", params=params, trust_env=False)
                except httpx.TransportError:
                    break
                if health.status_code != httpx.codes.OK or health.json()["timed_out"]:
                    break
            else:
                return
            time.sleep(0.5)
        raise RuntimeError("the cluster did not become green in three minutes")


@dataclass(frozen=True)
class Kill:
    """A node is killed ``after`` seconds, and started again ``down`` seconds later."""

    nodes: Nodes
    number: int
    after: float
    down: float

    def during(self, work: Callable[[], int]) -> tuple[int, float]:
        """Returns how often the work was run again, and its seconds from the kill to its end."""
        killer = threading.Thread(target=self._kill)
        started = time.monotonic()
        killer.start()
        reruns = work()
        took = time.monotonic() - started
        killer.join()
        if took < self.after:
            raise RuntimeError("the work was over before the node was killed: give it more pages")
        return reruns, took - self.after

    def _kill(self) -> None:
        time.sleep(self.after)
        self.nodes.kill(self.number)
        time.sleep(self.down)
        self.nodes.start(self.number)


@dataclass(frozen=True)
class Row:
    """``then`` is how many seconds the work went on from the kill to its end."""

    phase: str
    node: int
    after: float
    then: float
    reruns: int
    found: Audit


def run(nodes: Nodes, seed: int, pages: int) -> Iterator[Row]:
    """Tell a story to the nodes while they are killed, one after the other."""
    rng, name = random.Random(seed), f"kills-{uuid4().hex[:8]}"
    telling = Telling(nodes, Story(seed, pages=pages, rows=250), name)
    cluster = len(nodes.urls) > 1
    first, second = rng.sample(range(len(nodes.urls)), 2) if cluster else (0, 0)
    try:
        yield telling.killed("ingest", partial(ingesting, telling.story), first, rng)
        if cluster:
            telling.quietly(partial(_scoring, "first"))
        yield telling.killed("score", partial(_scoring, "second"), second, rng)
    finally:
        nodes.wait_until_whole()
        remove(nodes.urls[0], name)


@dataclass(frozen=True)
class Telling:
    """A story on its way into the store of that name, and beside it into SQLite."""

    nodes: Nodes
    story: Story
    name: str
    right: SqliteStore = field(default_factory=lambda: SqliteStore(":memory:"))

    def open(self) -> ElasticsearchStore:
        hosts = ",".join(urlsplit(url).netloc for url in self.nodes.urls)
        replicas = min(1, len(self.nodes.urls) - 1)
        return ElasticsearchStore.open(f"elasticsearch://{hosts}/{self.name}", replicas=replicas)

    def quietly(self, steps: Callable[[], Iterator[Step]]) -> int:
        for step in steps():
            step(self.right)
        return self._work(steps)

    def _work(self, steps: Callable[[], Iterator[Step]]) -> int:
        return sum(done(step, self.open, lambda: True) for step in steps())

    def killed(
        self, phase: str, steps: Callable[[], Iterator[Step]], victim: int, rng: random.Random
    ) -> Row:
        self.nodes.wait_until_whole()
        kill = Kill(self.nodes, victim, after=rng.uniform(0.3, 2.0), down=rng.uniform(0.0, 3.0))
        reruns, then = kill.during(lambda: self._work(steps))
        self.nodes.wait_until_whole()
        for step in steps():
            step(self.right)
        gone = self.story.gone_after(phase)
        found = audit(self.nodes.urls[0], self.name, state(self.right), held(self.open), gone)
        return Row(phase, victim + 1, kill.after, then, reruns, found)


def _scoring(model: str) -> Iterator[Step]:
    for number in range(PARTS):
        yield partial(score, scorer=Checksum(model), part=Part(number, PARTS))
