"""Draws a report on one to two screens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain, groupby

from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from listening.records import Label, Scale
from listening.report.shape import Brand, Report
from listening.report.wording import counted, length, points
from listening.terminal.evidence import complaint, crisis_box, said
from listening.terminal.figures import NAMES, decimals, moved, percent, rising, score, written
from listening.terminal.safety import clean
from listening.terminal.style import SHADES, add_row, columns, span, table_of
from listening.views.sentiment import SentimentRow
from listening.views.surveys import Survey

MOST_ROWS = 12
MOST_STEPS = 31
MOST_COLUMNS = 14


def draw_report(report: Report, console: Console) -> None:
    """One to two screens, the findings in words first; figures are with 95 % intervals.

    Away from a terminal only tables keep to the width: sentences and queries stay whole lines.
    """
    for part in _parts(report, console.width):
        console.print(part, soft_wrap=isinstance(part, Text) and not console.is_terminal)


def _parts(report: Report, width: int) -> Iterable[RenderableType]:
    yield _title(report)
    if not report.overall.items:
        yield Text("Nothing was found: widen the period or the query, or ingest first.")
        return
    for brand in report.brands[:MOST_ROWS]:
        yield _headline(brand)
    yield Text()
    yield _over_time(report, width)
    yield from map(crisis_box, report.crises)
    yield from _section("Brands", [_brands(report)])
    yield from _section("Surveys and ratings", _surveys(report))
    yield from _section("What the complaints say", chain(*map(complaint, report.complaints)))
    praise = [*map(said, report.praise)]
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
        title.append(f"{span(period.since, period.until - timedelta(days=1))} ({period.zone})")
    if report.query:
        title.append(f"  {clean(report.query)}")
    scored = rows.texts - rows.unscored
    counts = [counted(rows.items, "item"), f"{rows.texts:,} with text", f"{scored:,} scored"]
    if rows.unknown_share:
        counts.append(f"{rows.unknown_share:.0f} % of them unknown")
    if rows.unscored:
        counts.append(f"{rows.unscored:,} not scored yet")
    if report.quarantined:
        counts.append(f"{report.quarantined:,} set aside (listening quarantine list)")
    return title.append(f"\n{', '.join(counts)}\n", style="not bold dim")


def _headline(brand: Brand) -> Text:
    text = Text("• " + clean(brand.headline))
    text.stylize("bold", 2, 2 + len(brand.name))
    if brand.change and brand.change.net.significant:
        text.stylize(rising(brand.change.net.value or 0), len(text.plain) - len("significant"))
    return text


def _over_time(report: Report, width: int) -> Table:
    legend = Text(f"By {report.period.by}: ")
    for label in (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE):
        legend.append(f"{SHADES[label].block} {label}  ", SHADES[label].style)
    table = table_of("From", "*Items", legend, "*Net sentiment")
    most = max(row.negative + row.neutral + row.positive for row in report.over_time)
    for row in report.over_time[-MOST_STEPS:]:
        bar = _bar(row, most, max(10, width - 45))
        add_row(table, row.key[0], f"{row.items:,}", bar, written(points(row.net), row.net))
    if len(report.over_time) > MOST_STEPS:
        table.caption = f"the last {MOST_STEPS} of {len(report.over_time)} {report.period.by}s"
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
    table = table_of(*names, *_against(report), f"Negative share by {report.period.by}")
    for brand in report.brands[:MOST_ROWS]:
        voice, row = brand.share_of_voice, brand.sentiment
        cells: list[str | Text] = [
            brand.name,
            f"{row.items:,}",
            written(percent(voice), voice) if voice else "",
            written(points(row.net), row.net),
            written(points(row.net_polar), row.net_polar),
        ]
        if report.comparison:
            cells.append(moved(brand.change.net) if brand.change else "")
        add_row(table, *cells, columns(map(_negative_share, brand.over_time[-MOST_COLUMNS:])))
    return _more(table, len(report.brands))


def _against(report: Report) -> list[str]:
    if report.comparison is None:
        return []
    days = (report.comparison.until - report.comparison.since).days
    return [f"*Against {length(days)} before"]


def _surveys(report: Report) -> Iterable[Table]:
    if not report.surveys:
        return
    table = table_of("Scale", "Brand", "*Score", "*Answers", "Low to high", *_against(report))
    for scale in report.surveys:
        for row in scale.brands:
            named = (NAMES[row.scale], row.key[0], score(row), f"{row.n:,}", _spread(row))
            cells: list[str | Text] = [*named]
            if report.comparison:
                change = scale.changes.get(row.key[0])
                cells.append(moved(change, decimals(scale.scale)) if change else "")
            add_row(table, *cells)
    yield table
    for scale in report.surveys:
        if scale.scale is Scale.NPS:
            for brand, known in groupby(scale.cells, key=lambda cell: cell.key[0]):
                yield from _matrix(f"NPS of {brand}", [*known], report.minimum)


def _spread(row: Survey) -> Text:
    """A column for each value of the scale, the commonest to full height."""
    most = max(row.distribution.values())
    return columns(count / most for count in row.distribution.values())


def _matrix(title: str, cells: Sequence[Survey], minimum: int) -> Iterable[Table]:
    """Customer segments by services; without a single cell half full it would tell nothing."""
    if max(cell.n for cell in cells) < minimum / 2:
        return
    found = {cell.key[1:]: cell for cell in cells}
    services = sorted({service for _, service in found})
    table = table_of(title, *(f"*{service}" for service in services))
    for segment in sorted({segment for segment, _ in found}):
        row = [found.get((segment, service)) for service in services]
        add_row(table, segment, *map(_cell, row))
    yield table


def _cell(row: Survey | None) -> Text:
    if row is None or row.score.value is not None:
        return score(row) if row else Text()
    return written(f"n={row.n}", row.score)


def _negative_share(row: SentimentRow) -> float:
    """0 to 1, where anybody spoke a little over 0 at least, so that silence looks otherwise."""
    known = row.negative + row.neutral + row.positive
    return max(0.01, row.negative / known) if known else 0.0


def _rows(rows: Sequence[SentimentRow], *names: str) -> Table:
    table = table_of(*names, "*Items", "*Negative", "*Neutral", "*Positive", "*Net sentiment")
    for row in rows[:MOST_ROWS]:
        counts = (row.items, row.negative, row.neutral, row.positive)
        keys = (value or "not given" for value in row.key)
        add_row(table, *keys, *map("{:,}".format, counts), written(points(row.net), row.net))
    return _more(table, len(rows))


def _more(table: Table, rows: int) -> Table:
    if rows > MOST_ROWS:
        add_row(table, f"and {rows - MOST_ROWS} more")
    return table


def _footnote(report: Report) -> Text:
    return Text(
        "Net sentiment: positive minus negative of all scored texts, −100 to +100. ± is the 95 %"
        f" margin; a change in brackets is within it; under {report.minimum} answers there is no"
        " figure. Share of voice: public mentions and reviews. Telling words: how many texts use"
        " them, more often than the brand's other texts do.",
        style="dim",
    )
