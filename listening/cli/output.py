"""Where output goes: answers to standard output, progress and troubles to the error output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from listening.errors import ListeningError, TransientError
from listening.protocols import Progress
from listening.terminal.safety import clean

if TYPE_CHECKING:
    from rich.console import Console


CONFIG, TEMPORARY = 2, 75  # exit codes: a person must act; try later (EX_TEMPFAIL)


@cache
def console(*, stderr: bool = False) -> Console:
    """Where drawings go."""
    from rich.console import Console  # noqa: PLC0415 - many an answer needs no drawing

    return Console(stderr=stderr, highlight=False)


def prepare(*, as_json: bool) -> None:
    """JSON is UTF-8 wherever it goes; what a terminal cannot show must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if as_json else None, errors="replace")


def as_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print one line of JSON. Half a surrogate pair, which UTF-8 lacks, is escaped."""
    line = json.dumps(value, ensure_ascii=False)
    sys.stdout.write(line.encode("utf-8", "backslashreplace").decode() + "\n")


def say(text: str) -> None:
    """An answer in words; never wrapped, so that it can be searched and piped."""
    sys.stdout.write(clean(text) + "\n")


def warn(text: str) -> None:
    """A trouble, or a remark that is no part of the answer."""
    console(stderr=True).print(
        f"listening: {clean(text)}", style="red", markup=False, soft_wrap=True
    )


def told(error: ListeningError, *, as_json: bool, **more: str) -> int:
    """Say what went wrong; returns the exit code that it deserves."""
    trouble(type(error).__name__, str(error), in_json=as_json, **more)
    return TEMPORARY if isinstance(error, TransientError) else CONFIG


def trouble(error: str, message: str, *, in_json: bool, **more: str) -> None:
    """A trouble by its kind, to people and, where they want it, to programs."""
    if in_json:
        as_json({"error": error, "message": message, **more})
    warn(message)


def plain(text: str) -> None:
    """A line of the error output as it is, for what stands under each other."""
    sys.stderr.write(clean(text) + "\n")


@contextmanager
def counting(what: str) -> Iterator[Progress]:
    """Show a running count and the time on the error output, if a person is looking."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress  # noqa: PLC0415 - slow to import, seldom seen

    columns = (
        progress.SpinnerColumn(),
        progress.TextColumn("{task.description}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{what} …")
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more
            bar.update(task, description=f"{what} {done:,}")

        yield count
