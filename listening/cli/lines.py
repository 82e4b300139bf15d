"""JSON lines given to a command: one row for every line, whatever stands in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from listening.errors import ConfigError

STANDARD_INPUT = "-"

Row = dict[str, Any]


def read(path: str) -> Iterator[Row]:
    """The rows of a file, or of standard input for ``-``.

    A line without a text is a row of ``error``, ``file`` and ``line`` in its place.
    """
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                yield _row(line)
            except ValueError as error:
                yield {"error": str(error), "file": path, "line": number}


def _opened(path: str) -> BinaryIO | nullcontext[BinaryIO]:
    if path == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; check the path") from error


def _row(line: bytes) -> Row:
    text = line.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ValueError("the line is empty")
    try:
        row = json.loads(text)
    except RecursionError as error:
        raise ValueError("not JSON that can be read: nested too deep") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise ValueError('no "text" that is a string; write {"text": "…"}')  # noqa: TRY004 - of a row
    return row
