"""A document as Markdown; for pictures their figures stand in a table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from listening.digest.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Paragraph,
    Picture,
    Quote,
    Table,
)

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def markdown(document: Document) -> str:
    link = f"[Open it in Listening]({document.link})\n\n" if document.link else ""
    parts = "".join(_markdown(block) for block in document.blocks)
    return f"# {_plain(document.title)}\n\n{_plain(document.subtitle)}\n\n{link}{parts}"


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {_plain(text)}\n\n"
        case Paragraph(text):
            return f"{_plain(text)}\n\n"
        case Bullets(items):
            return "".join(f"- {_plain(item)}\n" for item in items) + "\n"
        case Quote(text, about, url):
            told = f"[{_plain(about)}](<{url}>)" if url else _plain(about)
            return f"> {_plain(text)}\n>\n> {told}\n\n"
        case Table(columns, rows):
            return _table(columns, rows)
        case Picture(figures=figures):
            return _table(figures.columns, figures.rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    sides = ["---:" if name.startswith("*") else "---" for name in columns]
    lines = [[_plain(name.removeprefix("*")) for name in columns], sides]
    lines += [[_plain(cell) for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _plain(text: str) -> str:
    """What others wrote is text and no markup, and ends no line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
