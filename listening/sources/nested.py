"""JSON values flattened to columns, and JSON files read value by value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TextIO

from listening.sources.values import plain
from listening.sources.wordings import STAFF

_SPACE = re.compile(r"[\s,\ufeff\x00]*")
_CHUNK, _LONGEST = 1 << 16, 1 << 26
_SPEAKERS = tuple(
    who + kind
    for who in ("from", "sender", "author", "user", "role", "direction")
    for kind in ("", "_type", "Type", "_role", "Role", ".type", ".role")
)


def flat(value: dict[str, object]) -> dict[str, str]:
    """Cells by dotted path (``user.name``, ``items.0.text``); a list of plain values is one."""
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


def is_staff(cell: str) -> bool:
    """Whether a cell such as ``agent`` or ``Support bot`` says that the brand is speaking."""
    who = plain(cell).split()
    return 0 < len(who) <= 2 and who[-1] in STAFF  # noqa: PLR2004 - more words are a sentence


def by_staff(path: str, cells: Mapping[str, str]) -> bool:
    """Whether the brand's side wrote the cell at ``path``: the part it belongs to says who did.

    The role may stand further out than the text: ``messages.0.role``, ``messages.0.content.text``.
    """
    while path := path.rpartition(".")[0]:
        if any(is_staff(cells.get(f"{path}.{speaker}", "")) for speaker in _SPEAKERS):
            return True
    return False


def values(text: TextIO) -> Iterator[tuple[int, object, str]]:
    """(line, value, raw) of each element of a JSON array, or of values that follow each other.

    An object that wraps one list of objects stands for its elements. A broken end is a ValueError
    in place of a value.
    """
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    buffer, at, line, inside, size = text.read(_CHUNK), 0, 1, False, _CHUNK
    while True:
        start = _SPACE.match(buffer, at).end()  # type: ignore[union-attr]  # it matches nothing too
        line, at = line + buffer.count("\n", at, start), start
        if buffer[at : at + 1] == ("]" if inside else "["):
            inside, at = not inside, at + 1
            continue
        try:
            value, end = decoder.raw_decode(buffer, at)
        except ValueError as error:
            if len(buffer) - at > _LONGEST or not (more := text.read(size)):
                if buffer[at:]:
                    yield line, error, buffer[at:]
                return
            # Doubling keeps the work on one long value linear in its length.
            buffer, at, size = buffer[at:] + more, 0, size * 2
            continue
        size = _CHUNK
        wrapped = None if inside else wrapped_in(value)
        for element in [value] if wrapped is None else wrapped:
            yield line, element, buffer[at:end] if wrapped is None else json.dumps(element)
        line, at = line + buffer.count("\n", at, end), end


def wrapped_in(value: object) -> list[object] | None:
    """The rows of an API answer such as ``{"total": 2, "reviews": [{...}, {...}]}``."""
    if not isinstance(value, dict):
        return None
    lists = [part for part in value.values() if isinstance(part, list) and part]
    if len(lists) == 1 and all(isinstance(part, dict) for part in lists[0]):
        return lists[0]
    return None
