"""The server is killed (-9) at work and started again: nothing is lost, nothing there twice.

Needs a server of its own: ``benchmarks/node_kills.py`` says what the variables are, and does the
same with three nodes.
"""

import os
from pathlib import Path

import pytest

from tests.faults.kills import Nodes, run

VARIABLES = ("ELASTICSEARCH_URL", "ELASTICSEARCH_PIDS", "ELASTICSEARCH_RESTART")
missing = [name for name in VARIABLES if not os.environ.get(name)]


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.skipif(bool(missing), reason=f"kills a server: set {', '.join(missing)} to have it")
def test_a_server_killed_while_we_ingest_and_while_we_score():
    url, pid, restart = (os.environ[name] for name in VARIABLES)
    rows = list(run(Nodes((url,), (Path(pid),), restart), seed=0, pages=12))
    assert [row.phase for row in rows] == ["ingest", "score"]
    for row in rows:
        assert (row.found.lost, row.found.doubled, row.found.wrong) == (0, 0, ())
        assert row.then < 90
