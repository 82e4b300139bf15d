"""A document as one HTML file, for mail and browsers: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

from listening.charts import png
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

Source = Callable[[Picture], str]  # where a picture is

# Mail programs read little: one column, colours of its own, nothing from elsewhere.
_STYLE = """
body { margin: 0; padding: 16px; font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans",
  "Noto Sans Georgian", "DejaVu Sans", sans-serif; color: #17202b; background: #fff; }
main { max-width: 760px; margin: 0 auto; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 28px 0 8px; }
p, ul { margin: 6px 0; } .muted { color: #5b6776; font-size: 13px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 8px; border-bottom: 1px solid #e2e7ed; }
th { color: #5b6776; font-weight: 500; } .r { text-align: right; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 3px solid #e2e7ed; }
img { max-width: 100%; height: auto; } a { color: #0f766e; }
@media (prefers-color-scheme: dark) {
  body { color: #e8edf3; background: #10151b; } .muted, th { color: #9aa7b6; }
  th, td, blockquote { border-color: #2a3541; } a { color: #4fd1bd; } img { border-radius: 8px; }
}
"""


_MUTED, _RIGHT = ' class="muted"', ' class="r"'


def html(document: Document, source: Source | None = None) -> str:
    """``source``: where the pictures are; by default in the file itself."""
    where = source or _inside
    body = "".join(_html(block, where) for block in document.blocks)
    if document.link:
        body = f'<p><a href="{escape(document.link)}">Open it in Listening</a></p>{body}'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(document.title)}</title><style>{_STYLE}</style></head>\n<body><main>"
        f'<h1>{escape(document.title)}</h1><p class="muted">{escape(document.subtitle)}</p>\n'
        f"{body}</main></body></html>\n"
    )


def _inside(picture: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(png(picture.chart)).decode()}"


def _html(block: Block, source: Source) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>\n"
        case Paragraph(text, muted):
            return f"<p{_MUTED if muted else ''}>{escape(text)}</p>\n"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>\n"
        case Quote(text, about, url):
            told = f'<a href="{escape(url)}">{escape(about)}</a>' if url else escape(about)
            return f"<blockquote><p>{escape(text)}</p><p{_MUTED}>{told}</p></blockquote>\n"
        case Picture(chart=chart):
            about = escape(chart["description"])
            return f'<p><img src="{source(block)}" alt="{about}" width="720"></p>\n'
        case Table(columns, rows):
            return _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    right = [_RIGHT if name.startswith("*") else "" for name in columns]
    head = _cells("th", [name.removeprefix("*") for name in columns], right)
    body = "".join(f"<tr>{_cells('td', row, right)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>{body}</table></div>\n'


def _cells(tag: str, cells: Sequence[str], right: Sequence[str]) -> str:
    both = zip(cells, right, strict=True)
    return "".join(f"<{tag}{side}>{escape(cell)}</{tag}>" for cell, side in both)
