"""Where output goes: answers to standard output, progress and troubles to the error output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from listening.pipeline import Progress as Count

console = Console(highlight=False, soft_wrap=False)
troubles = Console(stderr=True, highlight=False)


def as_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print one line of JSON. Half a surrogate pair, which UTF-8 lacks, is escaped."""
    line = json.dumps(value, ensure_ascii=False)
    sys.stdout.write(line.encode("utf-8", "backslashreplace").decode() + "\n")


@contextmanager
def counting(what: str) -> Iterator[Count]:
    """Show a running count and the time on the error output, if a person is looking."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=troubles, transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task(f"{what} …")
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            bar.update(task, description=f"{what} {done:,}")

        yield count
