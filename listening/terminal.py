"""Draws reports and search results for people at a terminal; plain text anywhere else."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import groupby
from math import ceil
from typing import NamedTuple

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from listening.records import Hit, Hits, Label, Rating, Scale
from listening.report.shape import Brand, Crisis, Report, Sample, Topic
from listening.report.wording import length, points, signed
from listening.views.figures import Change, Figure
from listening.views.sentiment import SentimentRow
from listening.views.surveys import Survey
from listening.views.words import TellingWord


class Shade(NamedTuple):
    """Each label has its own block as well as its colour: not everybody sees colours."""

    block: str
    style: str


SHADES = {
    Label.NEGATIVE: Shade("█", "red"),
    Label.NEUTRAL: Shade("░", "bright_black"),
    Label.POSITIVE: Shade("▒", "green"),
    Label.UNKNOWN: Shade("?", "bright_black"),
}
NAMES = {
    Scale.NPS: "NPS",
    Scale.CSAT: "CSAT, 4-5",
    Scale.CES: "CES, mean",
    Scale.STARS: "Stars, mean",
    Scale.SMILEY: "Smileys, happy",
}
MOST_ROWS = 12
MOST_STEPS = 31
MOST_COLUMNS = 14
MOST_SAMPLES = 2
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def draw_report(report: Report, console: Console) -> None:
    """One to two screens, the findings in words first; figures are with 95 % intervals."""
    for part in _parts(report, console.width):
        console.print(part)


def draw_hits(hits: Hits, console: Console) -> None:
    """Every hit in full, what was searched for underlined."""
    more = "" if hits.total_is_exact else "more than "
    console.print(Text(f"{more}{hits.total:,} found, {len(hits.hits)} shown, newest first"))
    for hit in hits.hits:
        console.print()
        console.print(_hit_line(hit))
        if hit.feedback.text:
            console.print(_highlighted(hit))
        if hit.feedback.url:
            console.print(Text(_clean(hit.feedback.url), style="dim"))


def draw_words(words: Sequence[TellingWord], console: Console) -> None:
    """Telling words with the share of texts that use each, here and elsewhere."""
    if not words:
        console.print(Text("No word is used clearly more often here than elsewhere."))
        return
    table = _table("Word", "Language", "*Texts", "*Of these texts", "*Elsewhere")
    for word in words:
        shares = (f"{word.share:.0f} %", f"{word.background_share:.0f} %")
        table.add_row(_clean(word.term), word.language or "", f"{word.count:,}", *shares)
    console.print(table)


def _parts(report: Report, width: int) -> Iterable[RenderableType]:
    yield _title(report)
    if not report.overall.items:
        yield Text("Nothing was found: widen the period or the query, or ingest first.")
        return
    for brand in report.brands:
        yield _headline(brand)
    yield Text()
    yield _over_time(report, width)
    yield from map(_crisis, report.crises)
    yield from _section("Brands", [_brands(report)])
    yield from _section("Surveys and ratings", _surveys(report))
    yield from _section("What the complaints say", map(_complaint, report.complaints))
    praise = [*map(_said, report.praise)]
    yield from _section("What the praise says", [*praise, Text()] if praise else [])
    yield from _section("Languages", [_rows(report.languages, "Language")])
    yield from _section("Sources", [_rows(report.sources, "Source", "Kind")])
    yield _footnote(report)


def _section(title: str, parts: Iterable[RenderableType]) -> Iterable[RenderableType]:
    found = list(parts)
    if found:
        yield Rule(title, align="left", style="dim")
        yield from found


def _title(report: Report) -> Text:
    period, rows = report.period, report.overall
    title = Text(style="bold")
    if period.since and period.until:
        title.append(f"{_days(period.since, period.until - timedelta(days=1))} ({period.zone})")
    if report.query:
        title.append(f"  {_clean(report.query)}")
    scored = rows.texts - rows.unscored
    counts = [f"{rows.items:,} items", f"{rows.texts:,} with text", f"{scored:,} scored"]
    if rows.unknown_share:
        counts.append(f"{rows.unknown_share:.0f} % of them unknown")
    if rows.unscored:
        counts.append(f"{rows.unscored:,} not scored yet")
    if report.quarantined:
        counts.append(f"{report.quarantined:,} set aside as unreadable")
    return title.append(f"\n{', '.join(counts)}\n", style="not bold dim")


def _headline(brand: Brand) -> Text:
    text = Text("• " + _clean(brand.headline))
    text.stylize("bold", 2, 2 + len(brand.name))
    if brand.change and brand.change.net.significant:
        text.stylize(_rising(brand.change.net.value or 0), len(text.plain) - len("significant"))
    return text


def _rising(value: float) -> str:
    return SHADES[Label.POSITIVE if value > 0 else Label.NEGATIVE].style


def _over_time(report: Report, width: int) -> Table:
    legend = Text(f"By {report.period.by}: ")
    for label in (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE):
        legend.append(f"{SHADES[label].block} {label}  ", SHADES[label].style)
    table = _table("From", "*Items", legend, "*Net sentiment")
    most = max(row.negative + row.neutral + row.positive for row in report.over_time)
    for row in report.over_time[-MOST_STEPS:]:
        bar = _bar(row, most, max(10, width - 45))
        table.add_row(row.key[0], f"{row.items:,}", bar, _figure(points(row.net), row.net))
    return table


def _bar(row: SentimentRow, most: int, width: int) -> Text:
    bar, done, drawn = Text(), 0, 0
    parts = ((Label.NEGATIVE, row.negative), (Label.NEUTRAL, row.neutral))
    for label, count in (*parts, (Label.POSITIVE, row.positive)):
        done += count
        # Rounding the running sum keeps the bar's length right whatever its parts.
        end = round(width * done / most) if most else 0
        bar.append(SHADES[label].block * (end - drawn), SHADES[label].style)
        drawn = end
    return bar


def _brands(report: Report) -> Table:
    names = ("Brand", "*Items", "*Share of voice", "*Net sentiment", "*Without neutral")
    steps = report.brands[0].over_time[-MOST_COLUMNS:]
    table = _table(*names, *_against(report), f"Negative share, {len(steps)} {report.period.by}s")
    for brand in report.brands:
        voice, row = brand.share_of_voice, brand.sentiment
        cells: list[str | Text] = [
            _clean(brand.name),
            f"{row.items:,}",
            _figure(_percent(voice), voice) if voice else "",
            _figure(points(row.net), row.net),
            _figure(points(row.net_polar), row.net_polar),
        ]
        if report.comparison:
            cells.append(_change(brand.change.net) if brand.change else "")
        table.add_row(*cells, _columns(map(_negative_share, brand.over_time[-MOST_COLUMNS:])))
    return table


def _surveys(report: Report) -> Iterable[Table]:
    if not report.surveys:
        return
    table = _table("Scale", "Brand", "*Score", "*Answers", "Low to high", *_against(report))
    for scale in report.surveys:
        for row in scale.brands:
            cells: list[str | Text] = [
                NAMES[row.scale],
                _clean(row.key[0]),
                _score(row),
                f"{row.n:,}",
                _spread(row),
            ]
            if report.comparison:
                moved = scale.changes.get(row.key[0])
                cells.append(_change(moved, _decimals(scale.scale)) if moved else "")
            table.add_row(*cells)
    yield table
    for scale in report.surveys:
        if scale.scale is Scale.NPS:
            for brand, known in groupby(scale.cells, key=lambda cell: cell.key[0]):
                yield from _matrix(f"NPS of {_clean(brand)}", [*known], report.minimum)


def _matrix(title: str, cells: Sequence[Survey], minimum: int) -> Iterable[Table]:
    """Customer segments by services; without a single cell half full it would tell nothing."""
    if max(cell.n for cell in cells) < minimum / 2:
        return
    found = {cell.key[1:]: cell for cell in cells}
    services = sorted({service for _, service in found})
    table = _table(title, *(f"*{_clean(service)}" for service in services))
    for segment in sorted({segment for segment, _ in found}):
        row = [found.get((segment, service)) for service in services]
        table.add_row(_clean(segment), *map(_cell, row))
    yield table


def _cell(row: Survey | None) -> Text:
    if row is None or row.score.value is not None:
        return _score(row) if row else Text()
    return _figure(f"n={row.n}", row.score)


def _score(row: Survey) -> Text:
    figure = row.score
    if row.scale is Scale.NPS:
        return _figure(points(figure), figure)
    if _decimals(row.scale) and figure.value is not None:
        return Text(f"{figure.value:.1f} ± {figure.margin:.1f}")
    return _figure(_percent(figure), figure)


def _decimals(scale: Scale) -> int:
    return 1 if scale in (Scale.CES, Scale.STARS) else 0


def _spread(row: Survey) -> Text:
    """A column for each value of the scale, the commonest to full height."""
    most = max(row.distribution.values())
    return _columns(count / most for count in row.distribution.values())


def _negative_share(row: SentimentRow) -> float:
    """0 to 1, where anybody spoke a little over 0 at least, so that silence looks otherwise."""
    known = row.negative + row.neutral + row.positive
    return max(0.01, row.negative / known) if known else 0.0


def _columns(heights: Iterable[float]) -> Text:
    """Heights of 0 to 1; only 0 has no column."""
    return Text("".join(" ▁▂▃▄▅▆▇█"[ceil(8 * height)] for height in heights))


def _percent(figure: Figure) -> str:
    if figure.value is None or figure.margin is None:
        return figure.reason or ""
    return f"{figure.value:.0f} % ± {figure.margin:.0f}"


def _figure(written: str, figure: Figure) -> Text:
    return Text(written, style="bright_black" if figure.value is None else "")


def _change(change: Change, decimals: int = 0) -> Text:
    if change.value is None:
        return Text(f"{change.reason}", style="bright_black")
    arrow = "▲" if change.value > 0 else "▼"
    value = signed(change.value, decimals)
    if change.significant:
        return Text(f"{arrow} {value}", style=_rising(change.value))
    return Text(f"({value})", style="bright_black")


def _against(report: Report) -> list[str]:
    if report.comparison is None:
        return []
    days = (report.comparison.until - report.comparison.since).days
    return [f"*Against {length(days)} before"]


def _complaint(topic: Topic) -> Group:
    samples = topic.samples[:MOST_SAMPLES]
    return Group(_said(topic), *_quotes(samples), _search(topic.query), Text())


def _said(topic: Topic) -> Text:
    head = Text(f"{_clean(topic.brand)}: {topic.texts:,} texts", style="bold")
    return head.append("; ", style="not bold").append_text(_words(topic.words))


def _crisis(crisis: Crisis) -> Panel:
    usual = "" if crisis.share_usual is None else f" against {crisis.share_usual:.0f} % usually"
    finding = Text(
        f"{crisis.negative:,} negative texts where about {crisis.expected:.0f} are usual;"
        f" {crisis.share:.0f} % of the texts are negative{usual}."
    )
    quotes = _quotes(crisis.samples)
    title = f"Negative spike: {_clean(crisis.brand)}, {_days(crisis.start, crisis.end)}"
    return Panel(
        Group(finding, _words(crisis.words), *quotes, _search(crisis.query)),
        title=Text(title, style="bold"),
        title_align="left",
        border_style=SHADES[Label.NEGATIVE].style,
    )


def _words(words: Sequence[TellingWord]) -> Text:
    """Word and number of texts, language by language."""
    text = Text("telling words: " if words else "no word stands out", style="not bold")
    for number, (language, found) in enumerate(groupby(words, key=lambda word: word.language)):
        text.append(f"{' · ' * bool(number)}{language} ", style="dim not bold")
        text.append(
            ", ".join(f"{_clean(word.term)} {word.count}" for word in found), style="not bold"
        )
    return text


def _quotes(samples: Sequence[Sample]) -> Iterable[Text]:
    for sample in samples:
        origin = f" {sample.language}, {_clean(sample.source)}, {_day(sample.created_at)}"
        yield Text(f"“{_clean(sample.text)}”").append(origin, style="dim")


def _search(query: str) -> Text:
    return Text("search: ", style="dim").append(_clean(query), style="cyan not dim")


def _rows(rows: Sequence[SentimentRow], *names: str) -> Table:
    table = _table(*names, "*Items", "*Negative", "*Neutral", "*Positive", "*Net sentiment")
    for row in rows[:MOST_ROWS]:
        counts = (row.items, row.negative, row.neutral, row.positive)
        keys = (_clean(value) or "not given" for value in row.key)
        table.add_row(*keys, *map("{:,}".format, counts), _figure(points(row.net), row.net))
    if len(rows) > MOST_ROWS:
        table.add_row(f"and {len(rows) - MOST_ROWS} more")
    return table


def _footnote(report: Report) -> Text:
    return Text(
        "Net sentiment: positive minus negative of all scored texts, −100 to +100. ± is the 95 %"
        f" margin; a change in brackets is within it; under {report.minimum} answers there is no"
        " figure. Share of voice: public mentions and reviews. Telling words: how many texts use"
        " them, more often than the brand's other texts do.",
        style="dim",
    )


def _table(*columns: str | Text) -> Table:
    """A column whose name begins with ``*`` is of numbers, to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        number = str(column).startswith("*")
        name = str(column)[1:] if number else column
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _hit_line(hit: Hit) -> Text:
    one = hit.feedback
    line = Text(f"{one.created_at:%Y-%m-%d %H:%M}  ", style="dim")
    line.append(_clean(one.brand), style="bold not dim")
    line.append(f"  {_clean(one.source)}, {one.kind}, {one.language}  ")
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
    return f"{scale.upper()} {value} of {scale.high}"


def _highlighted(hit: Hit) -> Text:
    text = Text(_clean(hit.feedback.text))
    for span in hit.highlights:
        text.stylize("bold underline", span.start, span.end)
    return text


def _clean(text: str) -> str:
    """Without characters that would steer the terminal; offsets stay as they are."""
    return "".join(" " if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    control = unicodedata.category(character) == "Cc" and character != "\n"
    return control or ord(character) in _BIDI


def _days(first: date, last: date) -> str:
    if first == last:
        return _day(first)
    if first.year != last.year:
        return f"{_day(first)} to {_day(last)}"
    month = "" if first.month == last.month else f" {first:%b}"
    return f"{first.day}{month} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
