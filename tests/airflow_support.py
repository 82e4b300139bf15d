"""Airflow for tests: a home of its own, and a process that runs DAGs in it."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
needs_airflow = pytest.mark.skipif(
    find_spec("airflow") is None,
    reason="Airflow is not installed; get it with: pip install 'listening[airflow]'",
)


def environment(home: Path, **more: str) -> dict[str, str]:
    """What Airflow needs to run our DAGs in ``home``, and nothing of whoever runs the tests."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LISTENING_CACHE", "LANG")
        if name in os.environ
    }
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def migrate(home: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment(home),
        check=True,
        capture_output=True,
    )


@dataclass
class Driver:
    """Runs DAGs over the settings in ``settings``; ``log`` is what Airflow said."""

    process: subprocess.Popen[str]
    log: Path
    settings: Path

    def ask(self, **command: Any) -> Any:
        environ = {"LISTENING_SETTINGS": str(self.settings), **command.pop("environ", {})}
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps({"environ": environ, **command}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, self.log.read_text()[-3000:]
        return json.loads(line)

    def run(self, dag: str, conf: Any = None, *, asset: bool = False, **environ: str) -> Any:
        return self.ask(dag=f"listening_{dag}", conf=conf, asset=asset, environ=environ)

    def parse(self, **environ: str) -> Any:
        return self.ask(environ=environ)


@contextmanager
def driver(home: Path, **environ: str) -> Iterator[Driver]:
    log = home / "driver.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "tests" / "airflow_driver.py")],
            env=environment(home, **environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Driver(process, log, home / "listening.toml")
        assert process.stdin
        process.stdin.close()


@dataclass
class Deployment:
    """Airflow as a team runs it, each part a process; what they say is in ``home``."""

    home: Path
    environ: dict[str, str]
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *parts: str) -> None:
        for part in parts:
            with (self.home / f"{part}.log").open("ab") as log:
                self.parts[part] = subprocess.Popen(
                    [sys.executable, "-m", "airflow", part],
                    env=self.environ,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def kill(self, part: str) -> None:
        """With -9, and all that it has started, as a machine that loses its power."""
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 - Airflow's

        process = self.parts.pop(part)
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()

    def command(self, *arguments: str) -> str:
        """What a command of Airflow prints; its SQLite database may be locked for a moment."""
        command = [sys.executable, "-m", "airflow", *arguments]
        for _ in range(5):
            done = subprocess.run(
                command, env=self.environ, check=False, capture_output=True, text=True
            )
            if done.returncode == 0 or "database is locked" not in done.stderr + done.stdout:
                break
        assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of Airflow's own database."""
        with closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True)) as database:
            return database.execute(sql).fetchall()

    def runs(self, dag: str) -> list[str]:
        return [
            state
            for (state,) in self.read(
                f"SELECT state FROM dag_run WHERE dag_id = 'listening_{dag}' ORDER BY id"  # noqa: S608 - a test's own
            )
        ]

    def said(self) -> str:
        """Everything Airflow wrote: logs, output, its database."""
        files = [path for path in self.home.rglob("*") if path.is_file()]
        return "\n".join(path.read_bytes().decode(errors="replace") for path in files)

    def wait(self, what: str, ready: Callable[[], object], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            for part, process in self.parts.items():
                assert process.poll() is None, f"{part} ended: {self.tail()}"
            assert time.monotonic() < deadline, f"{what} did not come: {self.tail()}"
            time.sleep(0.2)

    def tail(self) -> str:
        return "\n".join(path.read_text("utf-8")[-2000:] for path in self.home.glob("*.log"))


@contextmanager
def deployment(home: Path, **environ: str) -> Iterator[Deployment]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quick = {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef" * 4,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        # A scheduler that was killed is missed after ten seconds, not after minutes.
        "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
    }
    made = Deployment(home, environment(home, **quick, **environ))
    try:
        yield made
    finally:
        for part in list(made.parts):
            made.kill(part)


@dataclass
class Site:
    """A site on this machine that answers with the statuses it is told, then with a feed."""

    statuses: list[int] = field(default_factory=list)
    asked: int = 0
    url: str = ""


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>a</guid><title>The new lounge is wonderful</title>
<pubDate>Fri, 09 Oct 2026 12:00:00 GMT</pubDate></item></channel></rss>"""


@contextmanager
def site() -> Iterator[Site]:
    here = Site()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked += 1
            status = here.statuses.pop(0) if here.statuses else 200
            self.send_response(status)
            self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(FEED.encode() if status == 200 else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here.url = f"http://127.0.0.1:{server.server_port}/feed.xml"
    yield here
    server.shutdown()
    server.server_close()
