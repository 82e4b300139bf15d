"""Whatever goes wrong between us and Elasticsearch: nothing is lost, and nothing is there twice.

``benchmarks/faults.py`` does the same for longer, and prints a table.
"""

import random
from contextlib import closing
from functools import cache
from uuid import uuid4

import pytest

from listening.errors import ConfigError
from listening.records import Rejected
from tests.elastic import server
from tests.faults.kinds import HTML, LARGEST, every
from tests.faults.proxy import Answer, Fault, Outage, Proxy
from tests.faults.story import Story
from tests.faults.trial import RECOVERY, TIMEOUT, Client, meeting, quiet, remove, spoilt

FAULTS = {fault.name: fault for fault in every(held=TIMEOUT * 1.4)}


@pytest.fixture
def elasticsearch():
    return server()


@pytest.fixture
def name():
    return f"faults-{uuid4().hex[:8]}"


@pytest.fixture
def proxy(elasticsearch, name):
    with Proxy(elasticsearch) as proxy:
        yield proxy
    remove(elasticsearch, name)


@cache
def undisturbed(url, seed):
    """Once a seed: it is the same for all faults."""
    name = f"faults-{uuid4().hex[:8]}"
    try:
        with Proxy(url) as proxy:
            return quiet(Client(proxy, name), Story(seed))
    finally:
        remove(url, name)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_nor_doubled(fault, seed, proxy, name, elasticsearch):
    story = undisturbed(elasticsearch, seed)
    client = meeting(FAULTS[fault], proxy, name, seed)
    for phase, done in spoilt(client, story, FAULTS[fault]):
        assert (done.found.lost, done.found.doubled) == (0, 0), phase
        assert done.found.wrong == (), phase
        assert done.spoilt, phase
        assert done.seconds < RECOVERY, phase
        assert done.amplification < 3, phase


class Pauses(list[float]):
    """A sleep that only notes how long it was to be."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.mark.parametrize("fault", ["429 whole", "503", "reset before", "truncated", "web page"])
def test_pauses_grow_and_no_two_clients_make_the_same(fault, proxy, name):
    made = {seed: Pauses() for seed in (1, 2, 3)}
    for seed, pauses in made.items():
        with closing(Client(proxy, name, rng=random.Random(seed), sleep=pauses).open()) as store:
            proxy.arm(Outage(FAULTS[fault], start=0, length=12), random.Random(0))
            assert store.cursor("nobody's") is None
    for pauses in made.values():
        assert len(pauses) == 12
        longest = [Client.base * 2**attempt for attempt in range(12)]
        assert all(0 <= one <= most for one, most in zip(pauses, longest, strict=True))
        assert sum(pauses[6:]) > 8 * sum(pauses[:6])
    assert made[1] != made[2] != made[3]


def test_a_row_too_large_for_the_way_there_is_not_lost_in_silence(proxy, name):
    with closing(Client(proxy, name).open()) as store:
        proxy.arm(Outage(FAULTS["413"], start=0, length=1_000), random.Random(0))
        large = Rejected(stream="s", origin="a.csv", reason="no date", raw="x" * 2 * LARGEST)
        with pytest.raises(ConfigError):
            store.set_aside([large])


def test_a_web_page_that_says_404_is_no_answer(proxy, name):
    page = Fault("404", lambda *_: Answer(404, HTML, b"<h1>404 Not Found</h1>"))
    with closing(Client(proxy, name).open()) as store:
        proxy.arm(Outage(page, start=0, length=2), random.Random(0))
        store.set_cursor("s", "5")
        proxy.arm(Outage(page, start=0, length=2), random.Random(0))
        assert store.cursor("s") == "5"
