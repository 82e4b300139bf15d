"""What tests of the command line share; the fixtures are in conftest."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-c", "from listening.cli import main; main()"]
CSV = """id,date,comment,stars,author
1,2026-10-05,The crew was kind,5,anna
2,2026-10-06,They lost my bag,1,ben
3,yesterday-ish,No answer at all,1,ben
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> Any:
        (row,) = self.rows
        return row


def process(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    return {"PYTHONIOENCODING": "utf-8", **os.environ, "PYTHONPATH": str(ROOT)}


def files() -> set[str]:
    """SQLite's own companions of an open store come and go."""
    return {str(path) for path in Path().rglob("*") if not path.name.endswith(("-wal", "-shm"))}
