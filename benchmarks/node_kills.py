"""Servers killed (-9) at work, and whether anything was lost or is there twice; prints a table.

    python benchmarks/node_kills.py --nodes http://127.0.0.1:9500,http://127.0.0.1:9501,… \\
        --pids /es/node1/pid,/es/node2/pid,… --restart '/es/start-node {node}' --seeds 5

``--restart`` starts one node again, by its number from 1, and may return before it is ready. With
one node it is killed once during ingest and once during scoring; with three, which must be a
cluster, one during ingest and another, when the first is back, during a scoring by another model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tests' feed and what they check

from tests.faults.kills import Nodes, run


def main() -> None:
    how = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=how)
    parser.add_argument("--nodes", required=True)
    parser.add_argument("--pids", required=True)
    parser.add_argument("--restart", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=16, help="of 250 documents")
    options = parser.parse_args()
    pids = tuple(Path(path) for path in options.pids.split(","))
    nodes = Nodes(tuple(options.nodes.split(",")), pids, options.restart)
    print("seed phase    node  killed after, s  done then in, s  reruns  lost  doubled  wrong")
    for seed in range(options.seeds):
        for row in run(nodes, seed, options.pages):
            found = row.found
            print(
                f"{seed:4} {row.phase:8} {row.node:4} {row.after:16.1f} {row.then:16.1f} "
                f"{row.reruns:7} {found.lost:5} {found.doubled:8} {len(found.wrong):6}",
                flush=True,
            )
            print(*found.wrong[:5], sep="\n", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
