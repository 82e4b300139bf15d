"""Faults between us and a real Elasticsearch, many of each; prints a table.

    python benchmarks/faults.py --url http://127.0.0.1:9200 --seeds 20

The story, the faults and what is checked are those of tests/test_faults.py.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' proxy, feed and checks

from tests.faults.kinds import every
from tests.faults.proxy import Fault, Proxy
from tests.faults.story import PHASES, Story
from tests.faults.trial import TIMEOUT, Client, Outcome, Quiet, meeting, quiet, remove, spoilt

FAULTS = every(held=TIMEOUT * 1.4)
HEAD = (
    "fault            phase   runs requests reruns  lost  doubled  wrong"
    "  worst recovery, s  requests, max x"
)
Table = dict[tuple[str, str], list[Outcome]]


def undisturbed(url: str, seed: int) -> Quiet:
    name = f"faults-{uuid4().hex[:8]}"
    try:
        with Proxy(url) as proxy:
            return quiet(Client(proxy, name), Story(seed, pages=6))
    finally:
        remove(url, name)


def run(url: str, fault: Fault, seed: int, story: Quiet, table: Table) -> None:
    name = f"faults-{uuid4().hex[:8]}"
    try:
        with Proxy(url) as proxy:
            client = meeting(fault, proxy, name, seed)
            for phase, done in spoilt(client, story, fault):
                table[fault.name, phase].append(done)
                for problem in done.found.wrong[:3]:
                    print(f"{fault.name}, {phase}, seed {seed}: {problem}", file=sys.stderr)
    finally:
        remove(url, name)


def print_row(fault: str, phase: str, runs: list[Outcome]) -> None:
    cells = (
        f"{fault:16} {phase:7} {len(runs):4}",
        f"{sum(run.spoilt for run in runs):8}",
        f"{sum(run.reruns for run in runs):6}",
        f"{sum(run.found.lost for run in runs):5}",
        f"{sum(run.found.doubled for run in runs):8}",
        f"{sum(bool(run.found.wrong) for run in runs):6}",
        f"{max(run.seconds for run in runs):18.1f}",
        f"{max(run.amplification for run in runs):16.2f}",
    )
    print(*cells, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    stories = {seed: undisturbed(options.url, seed) for seed in seeds}
    print(HEAD)
    for fault in FAULTS:
        table: Table = defaultdict(list)
        for seed, story in stories.items():
            run(options.url, fault, seed, story, table)
        for phase in PHASES:
            print_row(fault.name, phase, table[fault.name, phase])


if __name__ == "__main__":
    main()
