"""Files named on the command line: patterns spread out, what is no table refused in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path

from listening.errors import ConfigError

_MAGIC = {
    b"PK\x03\x04": "an Excel or zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"%PDF": "a PDF",
    b"SQLite format 3\x00": "a SQLite database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"PAR1": "a Parquet file",
}
_LOOKED_AT = 4096
_CONTROLS = bytes({*range(32)} - set(b"\t\n\v\f\r\x1b"))


def spread(name: str, streams: Sequence[str]) -> list[str]:
    """``name`` itself, or every file that it matches as a pattern; raises ConfigError for none."""
    if Path(name).is_dir():
        raise ConfigError(f"{name} is a folder; name the files in it, e.g. {Path(name, '*.csv')}")
    if Path(name).is_file():
        return [name]
    found = sorted(path for path in glob(name, recursive=True) if Path(path).is_file())
    if not found:
        known = f" (streams: {', '.join(streams)})" if streams else ""
        raise ConfigError(
            f"{name}: there is no such file, nor a stream of that name in the settings{known}; "
            f"check the path, it is relative to {Path.cwd()}"
        )
    return found


def refuse_binary(path: str) -> None:
    """Raise ConfigError for what is no text."""
    with Path(path).open("rb") as file:
        start = file.read(_LOOKED_AT)
    what = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    if what is None and _is_noise(start):
        what = "a binary file"
    if what is not None:
        raise ConfigError(f"{path} is {what}; export it as CSV or JSON lines and name that file")


def _is_noise(start: bytes) -> bool:
    """Whether no encoding of text explains the bytes; every other of UTF-16's may be anything."""
    if start.startswith(b"\x1f\x8b"):  # gzip, which is read
        return False
    halves = start, start[::2], start[1::2]
    return all(_controls(half) > len(half) / 50 for half in halves)


def _controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROLS))


def names(what: Sequence[str], streams: Sequence[str]) -> Iterator[str | ConfigError]:
    """Streams and files one by one; in place of what is neither, the error that says so."""
    for name in what:
        if name in streams:
            yield name
            continue
        try:
            yield from spread(name, streams)
        except ConfigError as error:
            yield error
