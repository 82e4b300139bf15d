"""Which scale a column of ratings uses, from its name, its values and what its rows are."""

from __future__ import annotations

from listening.records import Kind, Scale
from listening.sources.samples import Column, Sample
from listening.sources.values import plain, points, words
from listening.sources.wordings import AGREEMENT, ANSWERS

SCALES = tuple(scale.value for scale in Scale)
_MOST = 0.6
_FEW = 0.01


def scale_named(cell: str) -> Scale | None:
    """The scale that a cell such as ``NPS`` or ``CSAT score`` names."""
    for word in plain(cell).split():
        if word in SCALES:
            return Scale(word)
    return None


def _readable(cell: str) -> bool:
    answer = plain(cell)
    return (
        points(cell) is not None
        or words(cell) is not None
        or answer in ANSWERS
        or answer in AGREEMENT
    )


def _top(column: Sample) -> float:
    found = [read for cell in column.values if (read := points(cell)) is not None]
    named = [top for _, top in found if top]
    return max(named or [value for value, _ in found] or [0.0])


def by_name(column: Sample, scale: Scale) -> Column | None:
    """``scale`` where most cells can be read on it, as the name promises."""
    if column.share(lambda cell: _readable(cell) and len(cell) < 60) <= _MOST:  # noqa: PLR2004
        return None
    return scaled(column, scale)


def scaled(column: Sample, scale: Scale) -> Column:
    highest = _top(column)
    for top in (scale.high, 10, 100):
        if _within(column, top):
            return _with_top(scale, top)
    return _with_top(scale, scale.high if highest <= 20 else 100)  # noqa: PLR2004


def _within(column: Sample, top: float, *, strays: float = 0.1) -> bool:
    """At most one in ten (or one) is above ``top``: those rows are set aside."""
    found = [read for cell in column.values if (read := points(cell)) is not None]
    above = sum(value > top or (named or top) != top for value, named in found)
    return above <= max(1 if strays > _FEW else 0, strays * len(found))


def _with_top(scale: Scale, top: float) -> Column:
    if top == scale.high:
        return Column(scale, note=f"{scale.low}-{scale.high}")
    return Column(scale, top, note=f"of {top:g}, scaled to {scale.low}-{scale.high}")


def rating(column: Sample, kind: Kind | None) -> Column | None:
    """A column that says only that it is a rating: its values and the kind tell the scale.

    Up to 5: csat in surveys, stars elsewhere. Above 5: NPS in surveys, halved to stars elsewhere.
    """
    if column.share(lambda cell: _readable(cell) and len(cell) < 60) <= _MOST:  # noqa: PLR2004
        return None
    worded = [scale for cell in column.values if (scale := words(cell)) is not None]
    survey = kind == Kind.SURVEY
    if len(worded) * 2 > len(column.values):
        return _with_top(worded[0], worded[0].high)
    if _within(column, 5, strays=_FEW):
        return _with_top(Scale.CSAT if survey else Scale.STARS, 5)
    if survey and _within(column, 10):
        return _with_top(Scale.NPS, 10)
    return scaled(column, Scale.CSAT if survey else Scale.STARS)
