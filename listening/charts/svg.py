"""Draws the specifications of ``vega`` as SVG for a page, without a script or a style of its own.

Places are percent across and pixels down: the picture stretches to any width while letters and
lines keep their size. Each mark has a class of the page's style sheet, a title that is told on
pointing at it, and is a link where its row has an address. Vega's own drawing has no titles,
shrinks letters on a phone, and takes a tenth of a second: see docs/web.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from listening.charts.vega import COLOURS, Row, Spec, names

MOST_TICKS = 5
SHORT = 2  # letters of a name: all of them have room
EDGE = 8  # percent
MOST_STOPS = 12  # marks that the keyboard stops at; of more, tables have the figures
_TOP = 8
_NAMES = 22  # pixels for the names below


class Svg(str):
    """Markup that templates do not escape again."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


class _Place(NamedTuple):
    """Where a panel is: its top, height and ends, and its slots' numbers."""

    top: int
    height: int
    low: float
    high: float
    slots: Mapping[str, int]
    gap: float

    def down(self, value: float) -> float:
        return self.top + self.height * (self.high - value) / (self.high - self.low)

    def across(self, slot: str, part: float) -> float:
        """Percent: the slot's left end at 0, its middle at a half, its right end at 1."""
        return 100 * (self.slots[slot] + part) / len(self.slots)


def svg(spec: Spec) -> Svg:
    """One picture with its axis beside it; ``spec`` is one of ``vega.chart``."""
    x = next(
        layer["encoding"]["x"] for layer in spec["vconcat"][-1]["layer"] if "x" in layer["encoding"]
    )
    slots = {slot: number for number, slot in enumerate(x["scale"]["domain"])}
    drawn = [*_drawn(spec, slots, x["scale"]["paddingInner"])]
    bottom = drawn[-1][0].top + drawn[-1][0].height
    axis = "".join(line for _, lines, _ in drawn for line in lines)
    plot = "".join(mark for _, _, marks in drawn for mark in marks)
    plot += "".join(_slots(x["axis"], slots, bottom + 18))
    size = f'height="{bottom + _NAMES + 2}"'
    return Svg(
        f'<div class="chart"><svg class="axis" width="44" {size} aria-hidden="true">{axis}</svg>'
        f'<svg class="plot" {size} role="group" aria-label="{escape(spec["description"])}">{plot}'
        "</svg></div>"
    )


def shares(about: str, parts: Sequence[tuple[int, str, str, str]]) -> Svg:
    """One bar of parts (count, style, title, address), as long in all as the place allows."""
    whole = sum(count for count, *_ in parts)
    drawn, done = "", 0
    for count, style, title, href in parts:
        if count:
            bar = _rect(100 * done / whole, 100 * count / whole, 0, 12, style)
            drawn += _told(bar, {"told": title, "href": href}, stop=False)
        done += count
    return Svg(
        f'<svg class="shares" height="12" role="img" aria-label="{escape(about)}">{drawn}</svg>'
    )


def _drawn(
    spec: Spec, slots: Mapping[str, int], gap: float
) -> Iterator[tuple[_Place, list[str], list[str]]]:
    """Of each panel its place, axis and marks."""
    top = _TOP
    for panel in spec["vconcat"]:
        y = panel["layer"][0]["encoding"]["y"]
        low, high = y["scale"]["domain"]
        place = _Place(top, panel["height"], low, high, slots, gap)
        lines = {value: names(y["axis"])[str(value)] for value in y["axis"]["values"]}
        grid = [_across(place.down(value), "line") for value in lines]
        yield (
            place,
            [*_axis(place, lines)],
            grid + [mark for layer in panel["layer"] for mark in _layer(layer, panel, place)],
        )
        top += panel["height"] + spec["spacing"]


def _layer(layer: Spec, panel: Spec, place: _Place) -> Iterator[str]:
    encoding = layer["encoding"]
    rows = (layer if "data" in layer else panel)["data"]["values"]
    draw = _MARKS[layer["mark"]["type"]]
    if "x" not in encoding:
        yield from draw(layer, rows, place)
        return
    field = encoding["y"]["field"]
    stop = len(rows) <= MOST_STOPS
    known = [row for row in rows if row[field] is not None]
    for drawn, row in zip(draw(layer, known, place), known, strict=False):
        yield _told(drawn, row, stop=stop) if "description" in encoding else drawn


def _bars(layer: Spec, rows: Sequence[Row], place: _Place) -> Iterator[str]:
    encoding, mark = layer["encoding"], layer["mark"]
    width = mark["width"]["band"] * (1 - place.gap)
    for row in rows:
        style = str(mark["style"] if "style" in mark else row[encoding["color"]["field"]])
        left = place.across(row["slot"], (1 - width) / 2)
        high, low = (place.down(row[encoding[end]["field"]]) for end in ("y", "y2"))
        yield _rect(left, 100 * width / len(place.slots), high, max(low - high, 0.5), style)


def _lines(layer: Spec, rows: Sequence[Row], place: _Place) -> Iterator[str]:
    field, style = layer["encoding"]["y"]["field"], layer["mark"]["style"]
    points = [(place.across(row["slot"], 0.5), place.down(row[field])) for row in rows]
    for (one, start), (other, end) in pairwise(zip(rows, points, strict=True)):
        if place.slots[other["slot"]] == place.slots[one["slot"]] + 1:
            yield _line(style, start, end)


def _dots(layer: Spec, rows: Sequence[Row], place: _Place) -> Iterator[str]:
    field, style = layer["encoding"]["y"]["field"], layer["mark"]["style"]
    for row in rows:
        x, y = place.across(row["slot"], 0.5), place.down(row[field])
        yield f'<circle class="{style}" cx="{x:.2f}%" cy="{y:.1f}" r="4"/>'


def _rules(layer: Spec, rows: Sequence[Row], place: _Place) -> Iterator[str]:
    y, style = layer["encoding"]["y"], layer["mark"]["style"]
    if "datum" in y:
        yield _across(place.down(y["datum"]), style)
        return
    inset = place.gap / 2
    for row in rows:
        down = place.down(row[y["field"]])
        left, right = (place.across(row["slot"], part) for part in (inset, 1 - inset))
        yield _line(style, (left, down), (right, down))


def _texts(layer: Spec, _: Sequence[Row], place: _Place) -> Iterator[str]:
    y = place.down(layer["encoding"]["y"]["datum"]) + 4
    yield f'<text x="50%" y="{y:.1f}" text-anchor="middle">{escape(layer["mark"]["text"])}</text>'


_MARKS: Mapping[str, Any] = {
    "bar": _bars,
    "line": _lines,
    "point": _dots,
    "rule": _rules,
    "text": _texts,
}


def _axis(place: _Place, lines: Mapping[float, str]) -> Iterator[str]:
    for value, name in lines.items():
        y = place.down(value) + 4
        yield f'<text x="38" y="{y:.1f}" text-anchor="end">{escape(name)}</text>'


def _slots(axis: Spec, slots: Mapping[str, int], y: int) -> Iterator[str]:
    """As many names as have room also on a phone, those at the ends not beyond them."""
    told, called = axis["values"], names(axis)
    most = MOST_TICKS if max((len(called[slot]) for slot in told), default=0) > SHORT else len(told)
    every = max(1, -(-len(told) // max(1, most)))
    for slot in told[::every]:
        x, anchor = 100 * (slots[slot] + 0.5) / len(slots), "middle"
        if len(slots) > most and not EDGE < x < 100 - EDGE:
            x, anchor = (0.0, "start") if x <= EDGE else (100.0, "end")
        name = escape(called[slot])
        yield f'<text x="{x:.2f}%" y="{y}" text-anchor="{anchor}">{name}</text>'


def _across(y: float, style: str) -> str:
    return f'<line class="{style}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'


def _line(style: str, one: tuple[float, float], other: tuple[float, float]) -> str:
    ends = f'x1="{one[0]:.2f}%" y1="{one[1]:.1f}" x2="{other[0]:.2f}%" y2="{other[1]:.1f}"'
    return f'<line class="{style}" {ends}/>'


def _rect(left: float, width: float, top: float, height: float, style: str) -> str:
    colour = f' fill="{COLOURS[style]}"' if style in COLOURS else ""
    return (
        f'<rect class="{style}"{colour} x="{left:.3f}%" width="{width:.3f}%" y="{top:.1f}"'
        f' height="{height:.1f}"/>'
    )


def _told(inside: str, row: Row, *, stop: bool) -> str:
    """Addresses are our own; pointing at the mark tells its title."""
    title = f"<title>{escape(row['told'])}</title>"
    if not row.get("href"):
        return f"<g>{title}{inside}</g>"
    tab = "" if stop else ' tabindex="-1"'
    return f'<a href="{escape(row["href"])}"{tab}>{title}{inside}</a>'
