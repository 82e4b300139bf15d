"""Charts as Vega-Lite specifications: panels of layers under each other, over the same slots.

They use a part of the language only, which ``svg`` can draw too: no transforms, no aggregates,
every bar with both its ends. Colours go by names, a style or a value of the data: a page gives
these its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Row = Mapping[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
WIDTH = 720
SPACING = 28
COLOURS = {
    "negative": "#d0454f",
    "neutral": "#b4bdc9",
    "positive": "#1d9680",
    "unknown": "#dde2e9",
    "none": "#ebeef2",
    "alarm": "#d0454f",
    "usual": "#b4bdc9",
}
_INK, _SOFT, _RULE, _ACCENT = "#17202b", "#5b6776", "#e2e7ed", "#0f766e"
_STYLES = {
    "band": {"color": _ACCENT, "opacity": 0.2},
    "path": {"color": _ACCENT, "strokeWidth": 2.25},
    "dot": {"color": _ACCENT, "fill": "white", "strokeWidth": 2.25, "size": 50, "opacity": 1},
    "interval": {"color": "#9aa5b1", "opacity": 0.3},
    "expected": {"color": _ACCENT, "strokeWidth": 1.5},
    "zero": {"color": _SOFT, "opacity": 0.6},
    "note": {"color": _SOFT, "fontSize": 12},
}
_CONFIG = {
    "font": "DejaVu Sans, Noto Emoji, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _SOFT,
        "labelFontSize": 11,
        "gridColor": _RULE,
        "gridDash": [2, 3],
        "domain": False,
        "ticks": False,
        "titleColor": _SOFT,
        "titleFontWeight": "normal",
    },
    "title": {"color": _INK, "subtitleColor": _SOFT, "anchor": "start", "fontSize": 14},
    "style": _STYLES,
}


def chart(  # noqa: PLR0913 - options, by keyword
    panels: Sequence[Spec],
    slots: Mapping[str, str],
    *,
    about: str,
    title: str = "",
    subtitle: str = "",
    named: Sequence[str] | None = None,
    gap: float = 0.18,
) -> Spec:
    """``slots`` are keys of the data and their names, in order, ``gap`` the part between them.

    ``named``: the slots whose names may be written, by default all. ``about`` says what is shown.
    """
    axes = [None] * (len(panels) - 1) + [_slots(slots, named)]
    scale = {"domain": list(slots), "paddingInner": gap, "paddingOuter": gap / 2}
    for one, axis in zip(panels, axes, strict=True):
        for layer in one["layer"]:
            if "x" in layer["encoding"]:
                layer["encoding"]["x"] |= {"scale": scale, "axis": axis, "title": None}
    found: Spec = {"$schema": SCHEMA, "description": about, "config": _CONFIG}
    if title:
        found["title"] = {"text": title, "subtitle": subtitle}
    return found | {
        "vconcat": list(panels),
        "spacing": SPACING,
        "padding": 8,
        "background": "white",
    }


def panel(
    rows: Sequence[Row], layers: Sequence[Spec], axis: Mapping[float, str], *, height: int = 110
) -> Spec:
    """``axis``: what is written at which values; the lowest and highest are its ends."""
    y = {
        "scale": {"domain": [min(axis), max(axis)], "nice": False},
        "axis": {"grid": True, "values": list(axis), "labelExpr": _lookup(axis)},
        "title": None,
    }
    for layer in layers:
        layer["encoding"]["y"] |= y
        if not any(row.get("href") for row in rows):
            layer["encoding"].pop("href", None)  # which Vega would make a link to "null"
    return {"width": WIDTH, "height": height, "data": {"values": list(rows)}, "layer": list(layers)}


def bars(low: str, high: str, *, style: str = "", by: str = "", width: float = 1) -> Spec:
    """From a field to another, in one ``style`` or in the colour of the field ``by``.

    ``width`` is the part of the slot, less its gap.
    """
    mark: Spec = {"type": "bar", "width": {"band": width}}
    encoding: Spec = {"x": _x(), "y": _field(high), "y2": {"field": low}, **_TOLD}
    if style:
        return {"mark": {**mark, "style": style}, "encoding": encoding}
    scale = {"domain": list(COLOURS), "range": list(COLOURS.values())}
    encoding["color"] = {"field": by, "type": "nominal", "scale": scale, "legend": None}
    return {"mark": mark, "encoding": encoding}


def line(field: str) -> Spec:
    """Where a slot has no value, the line is broken."""
    mark = {"type": "line", "style": "path", "invalid": "break-paths-show-path-domains"}
    return {"mark": mark, "encoding": {"x": _x(), "y": _field(field)}}


def dots(field: str) -> Spec:
    mark = {"type": "point", "style": "dot"}
    return {"mark": mark, "encoding": {"x": _x(), "y": _field(field), **_TOLD}}


def levels(field: str) -> Spec:
    """A line across each slot that has a value."""
    ends = {"x": {**_x(), "bandPosition": 0}, "x2": {"field": "slot", "bandPosition": 1}}
    return {
        "mark": {"type": "rule", "style": "expected"},
        "encoding": {**ends, "y": _field(field)},
    }


def zero() -> Spec:
    mark = {"type": "rule", "style": "zero"}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": {"y": {"datum": 0}}}


def note(text: str, at: float) -> Spec:
    """Written in the middle, where there is nothing to draw."""
    mark = {"type": "text", "text": text, "style": "note", "x": WIDTH / 2}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": {"y": {"datum": at}}}


_TOLD = {
    "href": {"field": "href", "type": "nominal"},
    "tooltip": {"field": "told", "type": "nominal"},
    "description": {"field": "told", "type": "nominal"},
}


def _x() -> Spec:
    return {"field": "slot", "type": "ordinal", "sort": None}


def _field(name: str) -> Spec:
    return {"field": name, "type": "quantitative", "stack": None}


def _slots(slots: Mapping[str, str], named: Sequence[str] | None) -> Spec:
    return {
        "values": list(slots if named is None else named),
        "labelExpr": _lookup(slots),
        "labelAngle": 0,
        "labelOverlap": "greedy",
        "labelFlush": True,
        "grid": False,
    }


def _lookup(names: Mapping[Any, str]) -> str:
    """An expression that is a name by its value; as JSON ``svg`` reads it as well."""
    return f"{json.dumps({str(key): name for key, name in names.items()})}[datum.value]"


def names(axis: Spec) -> dict[str, str]:
    """What ``_lookup`` was made of."""
    found: dict[str, str] = json.loads(axis["labelExpr"].removesuffix("[datum.value]"))
    return found
