"""Charts as inline SVG, without a script or a style: places are percent across and pixels down.

So they stretch to any width while letters and lines keep their size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

MOST_TICKS = 5
MOST_FACTOR = 10
SHORT = 2  # letters of a name: all of them have room
GAP = 18  # pixels of a slot's hundred between bars
EDGE = 8  # percent
_TEXT = 22  # pixels for the names below


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A bar from ``low`` to ``high`` in ``slot``, or with ``point`` a dot there; a link if it can.

    ``style`` is a class of the style sheet, ``title`` what is told on pointing at it.
    """

    slot: int
    low: float
    high: float
    style: str
    title: str
    href: str | None = None
    point: float | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Marks over an axis from ``low`` to ``high``; ``lines`` are values with their names.

    ``note`` is written where there are no marks.
    """

    low: float
    high: float
    height: int
    marks: Sequence[Mark]
    lines: Sequence[tuple[float, str]]
    note: str = ""


def chart(label: str, panels: Sequence[Panel], slots: Sequence[str]) -> Markup:
    """Panels under each other over the same slots; ``label`` says in words what they show."""
    axis: list[Markup] = []
    plot: list[Markup] = []
    top = 8
    for panel in panels:
        axis += _axis(panel, top)
        plot += _plot(panel, top, len(slots))
        top += panel.height + 28
    plot += _slots(slots, top - 10)
    height = top + _TEXT - 26
    return Markup(
        '<div class="chart"><svg class="axis" width="44" height="{0}" aria-hidden="true">{1}</svg>'
        '<svg class="plot" height="{0}" role="img" aria-label="{2}">{3}</svg></div>'
    ).format(height, Markup().join(axis), label, Markup().join(plot))


def shares(label: str, parts: Sequence[tuple[int, str, str, str]]) -> Markup:
    """One bar of parts (count, style, title, address), as long in all as the place allows."""
    whole = sum(count for count, *_ in parts)
    drawn: list[Markup] = []
    done = 0
    for count, style, title, href in parts:
        if count:
            bar = _rect(100 * done / whole, 100 * count / whole, 0, 12, style)
            drawn.append(_link(bar, title, href))
        done += count
    return Markup('<svg class="shares" height="12" role="img" aria-label="{}">{}</svg>').format(
        label, Markup().join(drawn)
    )


def ceiling(value: float) -> float:
    """The next round number, for the top of an axis."""
    step = 1
    while value > MOST_FACTOR * step:
        step *= 10
    return next(factor * step for factor in (1, 2, 4, 6, 8, MOST_FACTOR) if factor * step >= value)


def _axis(panel: Panel, top: int) -> Iterator[Markup]:
    for value, name in panel.lines:
        y = _down(panel, top, value) + 4
        yield Markup('<text x="38" y="{:.1f}" text-anchor="end">{}</text>').format(y, name)


def _plot(panel: Panel, top: int, slots: int) -> Iterator[Markup]:
    for value, _ in panel.lines:
        y = _down(panel, top, value)
        style = "zero" if value == 0 else "line"
        yield Markup('<line class="{0}" x1="0" x2="100%" y1="{1:.1f}" y2="{1:.1f}"/>').format(
            style, y
        )
    if not panel.marks:
        y = top + panel.height / 2 - 8
        yield Markup('<text x="50%" y="{:.1f}" text-anchor="middle">{}</text>').format(
            y, panel.note
        )
    width = 100 / max(1, slots)
    points = [mark for mark in panel.marks if mark.point is not None]
    for mark in panel.marks:
        high, low = (_down(panel, top, value) for value in (mark.high, mark.low))
        inset = width * GAP / 200
        bar = _rect(
            mark.slot * width + inset, width - 2 * inset, high, max(low - high, 0.5), mark.style
        )
        yield _link(bar, mark.title, mark.href)
    for one, other in pairwise(points):
        if other.slot == one.slot + 1:
            yield _segment(panel, top, width, one, other)
    for mark in points:
        yield _dot(panel, top, width, mark)


def _segment(panel: Panel, top: int, width: float, one: Mark, other: Mark) -> Markup:
    ends = [
        ((mark.slot + 0.5) * width, _down(panel, top, mark.point or 0)) for mark in (one, other)
    ]
    return Markup('<line class="path" x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}"/>').format(
        *ends[0], *ends[1]
    )


def _dot(panel: Panel, top: int, width: float, mark: Mark) -> Markup:
    dot = Markup('<circle class="dot" cx="{:.2f}%" cy="{:.1f}" r="4"/>').format(
        (mark.slot + 0.5) * width, _down(panel, top, mark.point or 0)
    )
    return _link(dot, mark.title, mark.href)


def _slots(names: Sequence[str], y: int) -> Iterator[Markup]:
    most = MOST_TICKS if max(map(len, names), default=0) > SHORT else len(names)
    every = -(-len(names) // max(1, most))
    for place, name in enumerate(names):
        if place % every == 0:
            x = 100 * (place + 0.5) / len(names)
            anchor = "middle"
            if every > 1 and not EDGE < x < 100 - EDGE:  # which the name would reach beyond
                x, anchor = (0.0, "start") if x <= EDGE else (100.0, "end")
            yield Markup('<text x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
                x, y, anchor, name
            )


def _down(panel: Panel, top: int, value: float) -> float:
    return top + panel.height * (panel.high - value) / (panel.high - panel.low)


def _rect(left: float, width: float, top: float, height: float, style: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.3f}%" width="{:.3f}%" y="{:.1f}" height="{:.1f}"/>'
    ).format(style, left, width, top, height)


def _link(inside: Markup, title: str, href: str | None) -> Markup:
    """Addresses here are our own; pointing at the mark tells its title."""
    told = Markup("<title>{}</title>").format(title)
    if href is None:
        return Markup("<g>{}{}</g>").format(told, inside)
    return Markup('<a href="{}" tabindex="-1">{}{}</a>').format(href, told, inside)
