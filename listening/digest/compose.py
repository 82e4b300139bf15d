"""A report made a document: the figures of the pages and of the JSON, for people who read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlsplit

from listening.alerts import wording as alerts_wording
from listening.alerts.ledger import Entry
from listening.charts import reports
from listening.charts.reports import Step
from listening.charts.vega import Spec
from listening.digest.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Paragraph,
    Picture,
    Quote,
    Table,
)
from listening.records import Scale
from listening.report.shape import Brand, Crisis, Report, Sample, Topic
from listening.report.wording import counted, length, points
from listening.terminal.figures import NAMES, decimals, moved, percent, score
from listening.terminal.safety import clean
from listening.terminal.style import on_day, span
from listening.views.figures import Change, Figure
from listening.views.sentiment import SentimentRow
from listening.views.surveys import Survey

MOST_ROWS = 12
TEXT = 500  # characters of a sample
_DAYS = re.compile(r"(^|\s)((after|before):\S+\s*)+$")  # which the period says already

Said = Callable[[str], str]  # makes what others wrote harmless


def compose(
    report: Report, alerts: Sequence[Entry] = (), *, said: Said = clean, link: str = ""
) -> Document:
    """Of ``alerts`` those that fire on the report's brands; ``said`` sees what others wrote."""
    blocks = [*_found(report, alerts, said)] if report.overall.items else [Paragraph(NOTHING)]
    return Document("What people say", _subtitle(report, said), blocks, link)


NOTHING = "Nothing was found: widen the period or the query, or ingest first."


def over_time(report: Report, *, titled: bool = False) -> Spec:
    """The chart of the first page; ``titled`` where it stands alone."""
    by = report.period.by
    steps = [_step(row.key[0], by, report) for row in report.over_time]
    few = f"Too few scored texts in any {by} for net sentiment"
    chart = reports.over_time(report.over_time, steps, too_few=few)
    if titled:
        title = f"Net sentiment and volume by {by}"
        chart["title"] = {"text": title, "subtitle": _subtitle(report, clean)}
    return chart


def _step(start: str, by: str, report: Report) -> Step:
    first = date.fromisoformat(start)
    if by == "month":
        return Step(f"{first:%B %Y}", f"{first:%b %Y}")
    last = first + timedelta(days=0 if by == "day" else 6)
    since, until = report.period.since or first, report.period.until or last
    return Step(
        span(max(first, since), min(last, until - timedelta(days=1))), f"{first.day} {first:%b}"
    )


def _subtitle(report: Report, said: Said) -> str:
    period = report.period
    days = "no days"
    if period.since and period.until:
        days = f"{span(period.since, period.until - timedelta(days=1))} ({period.zone})"
    query = _DAYS.sub("", report.query)
    return f"{days} · {said(query)}" if query else days


def _found(report: Report, alerts: Sequence[Entry], said: Said) -> Iterator[Block]:
    yield _key_figures(report)
    yield from _notes(report)
    yield Heading(f"Net sentiment and volume by {report.period.by}")
    yield Picture("over-time.png", over_time(report), _by_time(report))
    yield Paragraph(
        "Red negative, grey neutral, green positive, pale unknown or without a text; band: 95 %"
        " margin.",
        muted=True,
    )
    yield Heading("In short")
    yield Bullets([said(brand.headline) for brand in report.brands[:MOST_ROWS]])
    yield from _alerts(report, alerts, said)
    for crisis in report.crises:
        yield from _crisis(crisis, said)
    yield from _changes(report, said)
    yield from _section("Brands", [_brands(report, said)])
    for title, topics in (
        ("What people complain about", report.complaints),
        ("What they praise", report.praise),
    ):
        yield from _section(title, [part for topic in topics for part in _topic(topic, said)])
    yield from _section("Sources", [_rows("Source", report.sources[:MOST_ROWS], said)])
    yield from _section("Languages", [_rows("Language", report.languages[:MOST_ROWS], said)])
    yield Paragraph(_footnote(report), muted=True)


def _by_time(report: Report) -> Table:
    steps = [
        replace(row, key=(_step(row.key[0], report.period.by, report).name,))
        for row in report.over_time
    ]
    return _rows(report.period.by.capitalize(), steps, str)


def _section(title: str, blocks: Sequence[Block]) -> Iterator[Block]:
    if any(not isinstance(block, Table) or block.rows for block in blocks):
        yield Heading(title)
        yield from blocks


def _key_figures(report: Report) -> Table:
    row = report.overall
    rows = [
        ("Feedback", f"{row.items:,}", f"{row.texts:,} with text"),
        ("Net sentiment", points(row.net), _n(row.net)),
        *((NAMES[one.scale], _score(one.overall), _n(one.overall.score)) for one in report.surveys),
    ]
    return Table(("Figure", "*Value", "*From"), rows)


def _notes(report: Report) -> Iterator[Block]:
    row = report.overall
    if row.unscored:
        yield Paragraph(f"{counted(row.unscored, 'text')} not scored yet.", muted=True)
    if report.quarantined:
        yield Paragraph(f"{counted(report.quarantined, 'row')} set aside unread.", muted=True)


def _alerts(report: Report, alerts: Sequence[Entry], said: Said) -> Iterator[Block]:
    brands = {brand.name for brand in report.brands}
    firing = [
        _alert(entry, report.period.zone, said)
        for entry in alerts
        if entry.alert.is_firing and entry.alert.labels.get("brand", "") in brands | {""}
    ]
    yield from _section("Open alerts", [Bullets(firing)] if firing else [])


def _alert(entry: Entry, zone: str, said: Said) -> str:
    labels = entry.alert.labels
    scope = [value for name, value in labels.items() if name != "rule"]
    line = f"{said(' · '.join(scope) or labels.get('rule', ''))}: {entry.alert.status}"
    episode = entry.alert.episode
    return f"{line}; {alerts_wording.figures(episode.peak, zone)}" if episode else line


def _crisis(crisis: Crisis, said: Said) -> Iterator[Block]:
    yield Heading(f"Negative spike: {said(crisis.brand)}, {span(crisis.start, crisis.end)}")
    usual = "" if crisis.share_usual is None else f" against {crisis.share_usual:.0f} % usually"
    yield Paragraph(
        f"{counted(crisis.negative, 'negative text')} where about {crisis.expected:.0f} are usual;"
        f" {crisis.share:.0f} % of the {crisis.texts:,} texts are negative{usual}."
    )
    yield from _evidence(crisis, said)


def _changes(report: Report, said: Said) -> Iterator[Block]:
    if report.comparison is None:
        return
    asked = [table for table in report.surveys if table.changes]
    columns = ("Brand", "*Items", "*Before", "*Net sentiment")
    rows = [
        (
            said(brand.name),
            f"{brand.change.now.items:,}",
            f"{brand.change.before.items:,}",
            _change(brand.change.net),
            *(_change(table.changes.get(brand.name), table.scale) for table in asked),
        )
        for brand in report.brands[:MOST_ROWS]
        if brand.change
    ]
    since, until = report.comparison.since, report.comparison.until
    yield Heading("What changed")
    yield Paragraph(
        f"{span(since, until - timedelta(days=1))} against the {length((until - since).days)} "
        "before; a change in brackets is within its margin.",
        muted=True,
    )
    yield Table((*columns, *(f"*{NAMES[table.scale]}" for table in asked)), rows)


def _change(change: Change | None, scale: Scale | None = None) -> str:
    """With how many answers there were before and now."""
    if change is None:
        return ""
    told = moved(change, decimals(scale) if scale else 0).plain
    return f"{told} (n = {change.n_before:,}, {change.n:,})"


def _brands(report: Report, said: Said) -> Table:
    voiced = any(brand.share_of_voice for brand in report.brands)
    columns = ("Brand", "*Items", "*Net sentiment", *(["*Share of voice"] if voiced else []))
    rows = [
        (
            said(brand.name),
            f"{brand.sentiment.items:,}",
            _figure(points(brand.sentiment.net), brand.sentiment.net),
            *([_voice(brand)] if voiced else []),
            *(_of_brand(table.brands, brand.name) for table in report.surveys),
        )
        for brand in report.brands[:MOST_ROWS]
    ]
    return Table((*columns, *(f"*{NAMES[table.scale]}" for table in report.surveys)), rows)


def _voice(brand: Brand) -> str:
    voice = brand.share_of_voice
    return _figure(percent(voice), voice) if voice else ""


def _of_brand(rows: Sequence[Survey], name: str) -> str:
    return next((_figure(_score(one), one.score) for one in rows if one.key[0] == name), "")


def _topic(topic: Topic, said: Said) -> Iterator[Block]:
    if topic.texts:
        yield Paragraph(f"{said(topic.brand)}: {counted(topic.texts, 'text')}")
        yield from _evidence(topic, said)


def _evidence(found: Topic | Crisis, said: Said) -> Iterator[Block]:
    words = [
        f"{said(word.term)}"
        f" ({word.count:,}: {word.share:.0f} %, else {word.background_share:.0f} %)"
        for word in found.words
    ]
    if words:
        yield Bullets([", ".join(words)])
    for sample in found.samples:
        yield _quote(sample, said)


def _quote(sample: Sample, said: Said) -> Quote:
    text = " ".join(sample.text.split())
    text = text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"
    about = f"{sample.source}, {sample.language}, {on_day(sample.created_at)}"
    return Quote(said(text), said(about), _web(sample.url))


def _web(url: str | None) -> str | None:
    """An address of the web; what is none, such as a script, is left out."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    plain = url is not None and clean(url) == url and not any(sign.isspace() for sign in url)
    return url if plain and parts.scheme in {"http", "https"} and parts.netloc else None


def _rows(name: str, rows: Sequence[SentimentRow], said: Said) -> Table:
    columns = (name, "*Items", "*Negative", "*Neutral", "*Positive", "*Net sentiment")
    return Table(
        columns,
        [
            (
                said(" · ".join(dict.fromkeys(filter(None, row.key))) or "not given"),
                *(f"{n:,}" for n in (row.items, row.negative, row.neutral, row.positive)),
                _figure(points(row.net), row.net),
            )
            for row in rows
        ],
    )


def _score(row: Survey) -> str:
    return score(row).plain


def _figure(told: str, figure: Figure) -> str:
    return f"{told} ({_n(figure)})"


def _n(figure: Figure) -> str:
    return f"n = {figure.n:,}"


def _footnote(report: Report) -> str:
    return (
        "Net sentiment: positive minus negative of all scored texts, −100 to +100. ± is the 95 %"
        f" margin; under {report.minimum} answers there is no figure. Share of voice: public"
        " mentions and reviews. Words: how many texts use them, what part that is, and of the"
        " brand's other texts."
    )
