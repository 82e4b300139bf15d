"""Telling words, quotes and the query behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from listening.records import Label
from listening.report.shape import Crisis, Sample, Topic
from listening.report.wording import counted
from listening.terminal.safety import clean
from listening.terminal.style import SHADES, on_day, span
from listening.views.words import TellingWord

MOST_SAMPLES = 2


def complaint(topic: Topic) -> Iterable[Text]:
    samples = topic.samples[:MOST_SAMPLES]
    return (said(topic), *_quotes(samples), _search(topic.query), Text())


def crisis_box(crisis: Crisis) -> Panel:
    usual = "" if crisis.share_usual is None else f" against {crisis.share_usual:.0f} % usually"
    finding = Text(
        f"{counted(crisis.negative, 'negative text')} where about {crisis.expected:.0f} are usual;"
        f" {crisis.share:.0f} % of the texts are negative{usual}."
    )
    quotes = _quotes(crisis.samples)
    title = f"Negative spike: {clean(crisis.brand)}, {span(crisis.start, crisis.end)}"
    return Panel(
        Group(finding, _words(crisis.words), *quotes, _search(crisis.query)),
        title=Text(title, style="bold"),
        title_align="left",
        border_style=SHADES[Label.NEGATIVE].style,
    )


def said(topic: Topic) -> Text:
    head = Text(f"{clean(topic.brand)}: {counted(topic.texts, 'text')}", style="bold")
    return head.append("; ", style="not bold").append_text(_words(topic.words))


def _words(words: Sequence[TellingWord]) -> Text:
    """Word and number of texts, language by language."""
    text = Text("telling words: " if words else "no word stands out", style="not bold")
    for number, (language, found) in enumerate(groupby(words, key=lambda word: word.language)):
        text.append(f"{' · ' * bool(number)}{language} ", style="dim not bold")
        text.append(
            ", ".join(f"{clean(word.term)} {word.count}" for word in found), style="not bold"
        )
    return text


def _quotes(samples: Sequence[Sample]) -> Iterable[Text]:
    for sample in samples:
        origin = f" {sample.language}, {clean(sample.source)}, {on_day(sample.created_at)}"
        yield Text(f"“{clean(sample.text)}”").append(origin, style="dim")


def _search(query: str) -> Text:
    return Text("search: ", style="dim").append(clean(query), style="cyan not dim")
