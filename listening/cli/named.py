"""Files named on the command line: patterns spread out, what is no table refused in words."""

from __future__ import annotations

from collections.abc import Collection
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
_GZIP = b"\x1f\x8b"  # is read as what it packs
_LOOKED_AT = 4096
_CONTROLS = bytes({*range(32)} - set(b"\t\n\v\f\r\x1b"))


def spread(name: str) -> list[str]:
    """The file itself, or all that it matches as a pattern, or itself again where nothing does."""
    if Path(name).is_file():
        return [name]
    found = glob(name, recursive=True)  # noqa: PTH207 - patterns may be absolute
    return sorted(path for path in found if Path(path).is_file()) or [name]


def check(path: str, streams: Collection[str]) -> None:
    """Raise ConfigError, in words, for what cannot be a file of feedback."""
    if Path(path).is_dir():
        raise ConfigError(f"{path} is a folder; name the files in it, e.g. {Path(path, '*.csv')}")
    if not Path(path).is_file():
        known = f" (streams: {', '.join(streams)})" if streams else ""
        raise ConfigError(
            f"{path}: there is no such file, nor a stream of that name in the settings{known}; "
            f"check the path, it is relative to {Path.cwd()}"
        )
    with Path(path).open("rb") as file:
        what = _binary(file.read(_LOOKED_AT))
    if what is not None:
        raise ConfigError(f"{path} is {what}; export it as CSV or JSON lines and name that file")


def _binary(start: bytes) -> str | None:
    """What kind of binary file begins like this, if any."""
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return name
    if start.startswith(_GZIP):
        return None
    # UTF-16 and UTF-32 are full of such bytes too, but not in every second or fourth place.
    parts = (start, *(start[place::4] for place in range(4)))
    noise = all(_controls(part) > len(part) / 50 for part in parts)
    return "a binary file" if noise and start else None


def _controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROLS))
