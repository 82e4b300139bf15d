"""Dictionaries as tries in the user's cache folder: built once, loaded in milliseconds after."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from marisa_trie import BytesTrie

_CHECK = 4  # bytes of the checksum that ends a file


def kept(name: str, entries: Callable[[], Iterable[tuple[str, bytes]]]) -> BytesTrie | None:
    """The trie of ``entries`` kept as ``name``; built where it is missing, spoilt or outdated.

    Its folder is ``$LISTENING_CACHE``, or ``listening`` in the user's cache folder. None, and
    nothing built, when that cannot be written. Processes may build the same trie at once.
    """
    try:
        path = _folder() / f"{name}.trie"
        found = _loaded(path)
        return _built(path, entries) if found is None else found
    except OSError:
        return None


def _folder() -> Path:
    chosen = os.environ.get("LISTENING_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path  # noqa: PLC0415 - not always wanted

    return user_cache_path("listening")


def _loaded(path: Path) -> BytesTrie | None:
    from marisa_trie import BytesTrie  # noqa: PLC0415 - not always wanted

    try:
        whole = path.read_bytes()
        if _checksum(memoryview(whole)[:-_CHECK]) != whole[-_CHECK:]:
            return None
        return BytesTrie().frombytes(whole)
    except (FileNotFoundError, RuntimeError):  # RuntimeError: written on another kind of machine
        return None


def _built(path: Path, entries: Callable[[], Iterable[tuple[str, bytes]]]) -> BytesTrie:
    from marisa_trie import BytesTrie  # noqa: PLC0415 - not always wanted

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{token_hex(4)}")  # nobody reads half a file
    try:
        with part.open("xb") as file:  # before building, which is in vain where this fails
            trie = BytesTrie(entries())
            content = trie.tobytes()
            file.write(content + _checksum(content))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return trie


def _checksum(content: bytes | memoryview) -> bytes:
    return crc32(content, _rules()).to_bytes(_CHECK)


@lru_cache(maxsize=1)
def _rules() -> int:
    # What a trie holds follows from simplemma's dictionaries and the code of this folder. A file
    # of other rules fails its checksum.
    code = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return crc32(code, crc32(version("simplemma").encode()))
