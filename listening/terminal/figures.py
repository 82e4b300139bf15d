"""Figures and changes as people read them."""

from __future__ import annotations

from rich.text import Text

from listening.records import Label, Scale
from listening.report.wording import points, signed
from listening.terminal.style import SHADES
from listening.views.figures import Change, Figure
from listening.views.surveys import Survey

NAMES = {
    Scale.NPS: "NPS",
    Scale.CSAT: "CSAT, 4-5",
    Scale.CES: "CES, mean",
    Scale.STARS: "Stars, mean",
    Scale.SMILEY: "Smileys, happy",
}


def written(text: str, figure: Figure) -> Text:
    return Text(text, style="bright_black" if figure.value is None else "")


def percent(figure: Figure) -> str:
    if figure.value is None or figure.margin is None:
        return figure.reason or ""
    return f"{figure.value:.0f} % ± {figure.margin:.0f}"


def score(row: Survey) -> Text:
    figure = row.score
    if row.scale is Scale.NPS:
        return written(points(figure), figure)
    if decimals(row.scale) and figure.value is not None:
        return Text(f"{figure.value:.1f} ± {figure.margin:.1f}")
    return written(percent(figure), figure)


def moved(change: Change, decimals: int = 0) -> Text:
    if change.value is None:
        return Text(f"{change.reason}", style="bright_black")
    arrow = "▲" if change.value > 0 else "▼"
    value = signed(change.value, decimals)
    if change.significant:
        return Text(f"{arrow} {value}", style=rising(change.value))
    return Text(f"({value})", style="bright_black")


def decimals(scale: Scale) -> int:
    return 1 if scale in (Scale.CES, Scale.STARS) else 0


def rising(value: float) -> str:
    return SHADES[Label.POSITIVE if value > 0 else Label.NEGATIVE].style
