"""JSON values flattened to columns, and JSON files read value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

_SPACE = re.compile(r"[\s,\ufeff\x00]*")
_LIMIT = 1 << 24


def flat(value: dict[str, object]) -> dict[str, str]:
    """Cells by dotted path (``user.name``, ``answers.0.text``); a list of plain values is one cell."""
    cells: dict[str, str] = {}
    for key, part in value.items():
        if isinstance(part, str):
            cells[key] = part
        else:
            _spread(key, part, cells)
    return cells


def _spread(path: str, value: object, cells: dict[str, str]) -> None:
    match value:
        case dict():
            for key, part in value.items():
                _spread(f"{path}.{key}", part, cells)
        case list() if any(isinstance(part, dict | list) for part in value):
            for at, part in enumerate(value):
                _spread(f"{path}.{at}", part, cells)
        case list():
            cells[path] = ", ".join(_cell(part) for part in value)
        case _:
            cells[path] = _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def values(text: Iterable[str]) -> Iterator[tuple[int, object, str]]:
    """(line, value, raw) of each element of a JSON array, or of values that follow each other.

    An object that wraps one list of objects stands for its elements. A broken end is a ValueError
    in place of a value.
    """
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    buffer, line, inside = "", 1, False
    parts = iter(text)
    ended = False
    while True:
        at = _SPACE.match(buffer).end()  # type: ignore[union-attr]  # it matches the empty string
        line += buffer.count("\n", 0, at)
        buffer = buffer[at:]
        if not inside and buffer.startswith("["):
            inside, buffer = True, buffer[1:]
            continue
        if inside and buffer.startswith("]"):
            inside, buffer = False, buffer[1:]
            continue
        try:
            value, end = decoder.raw_decode(buffer)
        except ValueError as error:
            if ended or len(buffer) > _LIMIT:
                if buffer:
                    yield line, error, buffer
                return
            more = "".join(part for part, _ in zip(parts, range(max(64, buffer.count("\n"))), strict=False))
            ended = not more
            buffer += more
            continue
        if inside or (elements := _wrapped(value)) is None:
            yield line, value, buffer[:end]
        else:
            for element in elements:
                yield line, element, json.dumps(element, ensure_ascii=False)
        line += buffer.count("\n", 0, end)
        buffer = buffer[end:]


def _wrapped(value: object) -> list[object] | None:
    """The rows of an API answer such as ``{"total": 2, "reviews": [{...}, {...}]}``."""
    if not isinstance(value, dict):
        return None
    lists = [part for part in value.values() if isinstance(part, list) and part]
    if len(lists) == 1 and all(isinstance(part, dict) for part in lists[0]):
        return lists[0]
    return None
