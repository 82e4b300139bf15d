"""Files written and read by the tests of the files source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from listening.http import Http
from listening.records import Item, Page, Rejected, Scale, Window
from listening.sources.files import Files

Write = Callable[..., Files]


def writer(folder: Path) -> Write:
    def write(content: str | bytes, name: str = "export.csv", **options: Any) -> Files:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Files(path=str(path), **options)

    return write


def pages(source: Files, cursor: str | None = None) -> list[Page]:
    return list(source.fetch(cursor, http=Http(), window=Window()))


def read(source: Files) -> tuple[list[Item], list[Rejected]]:
    found = pages(source)
    return [i for page in found for i in page.items], [r for page in found for r in page.rejected]


def ratings(item: Item) -> dict[Scale, int]:
    return {rating.scale: rating.value for rating in item.ratings}


def mapping(source: Files) -> dict[str, str | None]:
    return dict(source.inspect().mapping)
