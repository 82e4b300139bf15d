"""Runs DAGs in a process of its own, where Airflow may have its database, warnings and sockets.

One JSON command a line comes in, ``{"environ": {…}}`` and, to run it, ``"dag"`` and its ``"conf"``;
one JSON answer a line goes out. What Airflow logs goes to standard error.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parent.parent / "dags"


def parsed() -> Any:
    from airflow.dag_processing.dagbag import BundleDagBag  # noqa: PLC0415 - needs its environment

    return BundleDagBag(dag_folder=str(DAGS), bundle_path=DAGS, bundle_name="dags-folder")


def schedule(timetable: Any) -> str:
    """How often in seconds, a cron expression, or which kind of timetable."""
    if delta := getattr(timetable, "delta", None):
        return f"{delta.total_seconds():.0f}"
    return getattr(timetable, "expression", type(timetable).__name__)


def described(bag: Any) -> dict[str, Any]:
    return {
        "errors": list(bag.import_errors.values()),
        "dags": {
            name: {
                "schedule": schedule(dag.timetable),
                "tags": sorted(dag.tags),
                "tasks": {
                    one.task_id: {"pool": one.pool, "retries": one.retries} for one in dag.tasks
                },
            }
            for name, dag in bag.dags.items()
        },
    }


def run(dag: Any, conf: dict[str, Any] | None, *, asset: bool) -> dict[str, Any]:
    from airflow.models.asset import AssetEvent  # noqa: PLC0415 - needs its environment
    from airflow.utils.session import create_session  # noqa: PLC0415 - likewise
    from sqlalchemy import func, select  # noqa: PLC0415 - Airflow's

    def events() -> int:
        with create_session() as session:
            return session.scalar(select(func.count()).select_from(AssetEvent)) or 0

    for one in dag.tasks:
        one.retry_delay, one.retry_exponential_backoff = timedelta(seconds=1), 0
    before = events()
    # A run that an asset starts has no date.
    done = dag.test(run_conf=conf, **({"logical_date": None} if asset else {}))
    tasks = sorted(done.get_task_instances(), key=lambda one: (one.task_id, one.map_index))
    return {
        "state": str(done.state),
        "tasks": [[one.task_id, str(one.state), one.try_number] for one in tasks],
        "names": [one.rendered_map_index for one in tasks],
        "xcom": [one.xcom_pull(one.task_id, map_indexes=one.map_index) for one in tasks],
        "events": events() - before,
    }


def answer(command: dict[str, Any]) -> dict[str, Any]:
    os.environ.update(command["environ"])
    try:
        bag = parsed()
        if "dag" not in command:
            return described(bag)
        return run(bag.dags[command["dag"]], command["conf"], asset=command["asset"])
    finally:
        for name in command["environ"]:
            os.environ.pop(name, None)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)), default=str), file=answers, flush=True)
