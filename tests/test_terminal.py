import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from listening.records import (
    Feedback,
    Filter,
    Hit,
    Hits,
    Kind,
    Label,
    Rating,
    Rejected,
    Scale,
    Sentiment,
    Span,
)
from listening.report import Report, report
from listening.stores.sqlite import SqliteStore
from listening.terminal.hits import draw_hits, draw_words
from listening.terminal.page import draw_report
from listening.views.words import TellingWord

START = datetime(2026, 9, 14, 12, tzinfo=UTC)
SURE = {
    Label.NEGATIVE: Sentiment(0.9, 0.05, 0.05, "test"),
    Label.POSITIVE: Sentiment(0.05, 0.05, 0.9, "test"),
}
COMPLAINT = "გაფიცვაა, ფულის ნაცვლად ვაუჩერი მომცეს და აეროპორტში იატაკზე გვეძინა მთელი ღამე."


def feedback(number: int, text: str, day: float = 0, language: str = "ka") -> Feedback:
    return Feedback(
        id=f"Amberwing:forum:{number}",
        brand="Amberwing",
        source="forum",
        native_id=str(number),
        kind=Kind.REVIEW,
        text=text,
        language=language,
        created_at=START + timedelta(days=day),
        version=1,
        ratings=(Rating(Scale.NPS, number % 11),),
        url="https://example.com/1",
        segment="family",
        service="flights",
    )


@pytest.fixture(scope="module")
def drawn() -> Report:
    store = SqliteStore(":memory:")
    happy = [feedback(n, f"Fine flight {n}.", n % 28, "en") for n in range(84)]
    angry = [feedback(100 + n, f"{COMPLAINT} {n}", 20 + n % 2) for n in range(40)]
    store.put([*happy, *angry])
    store.annotate([(one.id, one.text, SURE[Label.POSITIVE]) for one in happy])
    store.annotate([(one.id, one.text, SURE[Label.NEGATIVE]) for one in angry])
    return report(store, Filter())


def plain(width: int = 100, *, colour: bool = False) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=colour)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture(params=[80, 100])
def page(drawn: Report, request: pytest.FixtureRequest) -> str:
    console = plain(request.param, colour=True)
    draw_report(drawn, console)
    shown = re.sub(r"\x1b\[[\d;]*m", "", text_of(console))
    assert max(map(cell_len, shown.splitlines())) <= request.param
    return shown


def unwrapped(page: str) -> str:
    return re.sub(r"[\s│]+", " ", page)


def test_the_findings_come_first_in_words(drawn: Report, page: str) -> None:
    assert drawn.brands[0].headline in unwrapped(page)[:400]
    assert "down 98 points on the two weeks before: significant" in unwrapped(page)[:400]


def test_nothing_is_cut_off_at_any_width(drawn: Report, page: str) -> None:
    shown = unwrapped(page)
    assert "…" not in shown
    assert drawn.crises[0].query in shown
    assert drawn.crises[0].samples[0].text in shown
    for words in ("ვაუჩერი", "NPS of Amberwing", "family", "Amberwing, 4 to 5 Oct 2026"):
        assert words in shown


def test_away_from_a_terminal_there_is_no_colour_and_no_broken_sentence(drawn: Report) -> None:
    shown, coloured = plain(80), plain(80, colour=True)
    draw_report(drawn, shown)
    draw_report(drawn, coloured)

    assert "\x1b" not in text_of(shown)
    assert "\x1b[" in text_of(coloured)
    lines = text_of(shown).splitlines()
    assert f"search: {drawn.complaints[0].query}" in lines
    assert any(line.startswith("Net sentiment: positive minus") for line in lines)
    assert any(line.endswith("other texts do.") and len(line) > 200 for line in lines)
    tables = [line for line in lines if line.startswith((" From", "From", "│"))]
    assert tables
    assert max(map(cell_len, tables)) <= 80


def test_a_hit_piped_on_is_one_line_for_its_text_and_one_for_its_facts() -> None:
    console = plain(40)
    draw_hits(hits("Late again, and nobody at the desk knew why.", Span(0, 4)), console)
    lines = text_of(console).splitlines()
    assert "Late again, and nobody at the desk knew why." in lines
    assert [line for line in lines if line.endswith("NPS 9/10")]


def test_one_is_no_plural() -> None:
    store = SqliteStore(":memory:")
    store.put([feedback(1, "Fine."), replace(feedback(2, "Bad."), id="b:f:2", brand="Medus")])
    store.annotate([("Amberwing:forum:1", "Fine.", SURE[Label.POSITIVE])])
    store.set_aside([Rejected(stream="s", origin="a.csv", reason="no date", raw="x")])
    console = plain()
    draw_report(report(store, Filter()), console)
    assert ", 1 set aside (listening quarantine list)" in text_of(console)
    assert re.search(r"\b1 (items|texts)", text_of(console)) is None
    assert "Amberwing: 1 text; no word stands out" in text_of(console)


def test_each_label_has_its_own_block_in_the_bars(page: str) -> None:
    bars = [line for line in page.splitlines() if line.strip().startswith("2026-")]
    assert "█" in bars[20]
    assert "▒" in bars[0]
    assert "█" not in bars[0]
    assert len(bars) == 28


def test_without_anything_found_the_page_says_what_to_do() -> None:
    console = plain()
    draw_report(report(SqliteStore(":memory:"), Filter()), console)
    assert "Nothing was found" in text_of(console)
    assert "ingest" in text_of(console)


def test_a_brand_may_be_called_like_markup() -> None:
    store = SqliteStore(":memory:")
    store.put(
        [replace(feedback(n, "Fine.", n), id=f"[red]:f:{n}", brand="[red]") for n in range(3)]
    )
    console = plain()
    draw_report(report(store, Filter()), console)
    rows = [line for line in text_of(console).splitlines() if "[red]" in line]
    assert len(rows) == 3  # the headline, the table of brands, and of surveys


def hits(text: str, *highlights: Span, sentiment: Sentiment | None = None) -> Hits:
    found = Hit(feedback(9, text), sentiment, highlights)
    return Hits((found,), 12_345, total_is_exact=False)


def test_a_hit_is_shown_in_full_with_what_is_known_of_it() -> None:
    console = plain()
    draw_hits(hits("Late again.", sentiment=SURE[Label.NEGATIVE]), console)
    shown = text_of(console)
    assert "more than 12,345 found, 1 shown" in shown
    line = "2026-09-14 12:00  Amberwing  forum, review, ka  █ negative 90%  NPS 9/10"
    assert line in shown
    assert "Late again.\nhttps://example.com/1\n" in shown


def test_what_was_searched_for_is_underlined() -> None:
    console = plain(colour=True)
    draw_hits(hits("ფულის ნაცვლად ვაუჩერი", Span(14, 21)), console)
    assert "\x1b[1;4mვაუჩერი\x1b[0m" in text_of(console)
    assert "not scored yet" in text_of(console)


def test_a_text_cannot_steer_the_terminal_nor_be_read_as_markup() -> None:
    console = plain(colour=True)
    draw_hits(hits("[red]bold[/red] \x1b]0;title\x07 \u202eabc\u202c 👩‍💻", Span(0, 5)), console)
    shown = text_of(console)
    assert "\x1b]0" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "[red]" in re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "👩‍💻" in shown


def test_stars_are_drawn_as_stars() -> None:
    console = plain()
    one = Feedback(
        id="a:b:1",
        brand="a",
        source="b",
        native_id="1",
        kind=Kind.REVIEW,
        text="",
        language="und",
        created_at=START,
        version=1,
        ratings=(Rating(Scale.STARS, 2),),
    )
    draw_hits(Hits((Hit(one, None),), 1, total_is_exact=True), console)
    assert "★★☆☆☆" in text_of(console)
    assert "not scored" not in text_of(console)


@pytest.mark.parametrize(
    ("rating", "drawn"),
    [(Rating(Scale.SMILEY, 1), "smiley 1/4"), (Rating(Scale.CES, 6), "CES 6/7")],
)
def test_other_scales_are_named(rating: Rating, drawn: str) -> None:
    console = plain()
    one = replace(feedback(1, "Fine."), ratings=(rating,))
    draw_hits(Hits((Hit(one, None),), 1, total_is_exact=True), console)
    assert drawn in text_of(console)


def test_words_are_shown_with_their_shares() -> None:
    console = plain()
    draw_words([TellingWord("kuponu", 12, 24.0, 2.0, 3.1, "lv")], console)
    assert re.search(r"kuponu +lv +12 +24 % +2 %", text_of(console))
    console = plain()
    draw_words([], console)
    assert "No word" in text_of(console)
