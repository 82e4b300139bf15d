"""A document as PDF, set by Typst: its markup is ours, all that others wrote goes in as data."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from typing import Any

from listening.charts.picture import FONTS, vector
from listening.digest.document import Block, Document, Picture
from listening.errors import ConfigError


def pdf(document: Document) -> bytes:
    """Raises ConfigError where what sets it is not installed."""
    typst = _library()
    data = {
        "title": document.title,
        "subtitle": document.subtitle,
        "link": document.link,
        "blocks": [_plain(block) for block in document.blocks],
    }
    template = resources.files("listening.digest").joinpath("digest.typ").read_bytes()
    inputs = {"data": json.dumps(data)}
    made: bytes = typst.compile(template, font_paths=[str(FONTS)], sys_inputs=inputs)
    return made


def _plain(block: Block) -> dict[str, Any]:
    if isinstance(block, Picture):
        return {"kind": "Picture", "svg": vector(block.chart), "about": block.chart["description"]}
    return {"kind": type(block).__name__, **asdict(block)}


def _library() -> Any:  # noqa: ANN401 - an extra
    try:
        import typst  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError("PDF needs an extra: pip install 'listening[pictures]'") from None
    return typst
