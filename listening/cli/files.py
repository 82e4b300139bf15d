"""Reports as files: which format is meant, and where it goes."""

from __future__ import annotations

import sys
from pathlib import Path

from listening.cli import output
from listening.digest import Format
from listening.errors import ConfigError

_BINARY = (b"\x89PNG", b"%PDF")


def format_of(form: Format | None, out: Path | None) -> Format | None:
    """What was asked for, or what the file's name ends in; None: neither was given."""
    if form is not None or out is None:
        return form
    try:
        return Format(out.suffix.removeprefix(".").lower())
    except ValueError:
        known = ", ".join(Format)
        raise ConfigError(f"{out} ends in no format; add --format, one of {known}") from None


def write(content: bytes, out: Path | None, *, as_json: bool) -> None:
    """Into the file, or to the standard output where that shows it."""
    if out is not None:
        out.write_bytes(content)
        if as_json:
            output.as_json({"written": str(out), "bytes": len(content)})
        else:
            output.say(f"Wrote {out}")
        return
    if as_json:
        raise ConfigError("--json with --format says what was written: name a file with -o FILE")
    if content.startswith(_BINARY) and sys.stdout.isatty():
        raise ConfigError("this is no text for a terminal; name a file: -o FILE")
    sys.stdout.buffer.write(content)
