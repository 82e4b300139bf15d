"""Draws search results and telling words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from listening.records import Hit, Hits, Rating, Scale
from listening.terminal.safety import clean
from listening.terminal.style import SHADES, add_row, table_of
from listening.views.words import TellingWord


def draw_hits(hits: Hits, console: Console) -> None:
    """Every hit in full, what was searched for underlined; wrapped at a terminal only."""
    more = "" if hits.total_is_exact else "more than "
    console.print(Text(f"{more}{hits.total:,} found, {len(hits.hits)} shown, newest first"))
    whole = not console.is_terminal
    for hit in hits.hits:
        console.print()
        console.print(_hit_line(hit), soft_wrap=True)
        if hit.feedback.text:
            console.print(_highlighted(hit), soft_wrap=whole)
        if hit.feedback.url:
            console.print(Text(clean(hit.feedback.url), style="dim"), soft_wrap=True)


def draw_words(words: Sequence[TellingWord], console: Console) -> None:
    """Telling words with the share of texts that use each, here and elsewhere."""
    if not words:
        console.print(Text("No word is used clearly more often here than elsewhere."))
        return
    table = table_of("Word", "Language", "*Texts", "*Of these texts", "*Elsewhere")
    for word in words:
        shares = (f"{word.share:.0f} %", f"{word.background_share:.0f} %")
        add_row(table, word.term, word.language or "", f"{word.count:,}", *shares)
    console.print(table)


def _hit_line(hit: Hit) -> Text:
    one = hit.feedback
    line = Text(f"{one.created_at:%Y-%m-%d %H:%M}  ", style="dim")
    line.append(clean(one.brand), style="bold not dim")
    line.append(f"  {clean(one.source)}, {one.kind}, {one.language}  ")
    if hit.sentiment is not None:
        label, shade = hit.sentiment.label, SHADES[hit.sentiment.label]
        line.append(
            f"{shade.block} {label} {hit.sentiment.confidence:.0%}", f"not dim {shade.style}"
        )
    elif one.text:
        line.append("not scored yet")
    for rating in one.ratings:
        line.append(f"  {_rating(rating)}", style="not dim yellow")
    return line


def _rating(rating: Rating) -> str:
    scale, value = rating
    if scale is Scale.STARS:
        return "★" * value + "☆" * (scale.high - value)
    name = scale.value if scale is Scale.SMILEY else scale.upper()
    return f"{name} {value}/{scale.high}"


def _highlighted(hit: Hit) -> Text:
    text = Text(clean(hit.feedback.text))
    for span in hit.highlights:
        text.stylize("bold underline", span.start, span.end)
    return text
