"""RSS and Atom feeds, replayed from recordings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from listening.errors import ConfigError, TransientError
from listening.http import Http
from listening.records import Kind, Page, Window
from listening.sources.rss import Rss, plain
from tests.contract.source import SourceCase, SourceContract

RECORDINGS = Path(__file__).parent / "recordings" / "rss"
NEWS = Rss(url="https://zinas.example/rss?q=zefira")


def served(content: bytes | str, **headers: str) -> Http:
    body = (RECORDINGS / content).read_bytes() if isinstance(content, str) else content
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Http(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body, headers=named))
    )


def pull(http: Http, source: Rss = NEWS, cursor: str | None = None) -> Page:
    (page,) = source.fetch(cursor, http=http, window=Window())
    return page


class TestRss(SourceContract):
    @pytest.fixture
    def case(self) -> SourceCase:
        tag = "tag:dienrastis.example,2026:"
        return SourceCase(
            NEWS, lambda: served("atom.xml"), frozenset({f"{tag}411", f"{tag}412", f"{tag}398"})
        )


def test_news_items_carry_text_date_author_language_and_address() -> None:
    first, second = pull(served("news.xml")).items
    assert first.native_id == "zinas-1201"
    assert first.author == "Ekonomikas redakcija"
    assert (first.kind, first.language) == (Kind.MENTION, "lv-LV")
    assert first.created_at == datetime(2026, 11, 20, 5, 15, tzinfo=UTC)
    assert first.updated_at is None
    assert second.native_id == second.url == "https://zinas.example/a/1202"


def test_a_body_that_repeats_the_title_is_not_doubled() -> None:
    first, second = pull(served("news.xml")).items
    assert first.text == (
        "Zefira atver divdesmit jaunus pakomātus Latgalē. Pirmie sāks darbu jau decembrī."
    )
    assert second.text == (
        "Klienti sūdzas par kavētiem sūtījumiem\n"
        "Pirms svētkiem sūtījumi kavējas līdz pat nedēļai — Zefira sola algot papildu kurjerus."
    )


def test_an_entry_without_date_or_text_is_set_aside() -> None:
    undated, empty = pull(served("news.xml")).rejected
    assert "date" in undated.reason
    assert undated.column == "published"
    assert "Bez datuma un bez jēgas" in undated.raw
    assert "text" in empty.reason
    assert {undated.origin, empty.origin} == {NEWS.url}


def test_atom_resolves_links_strips_html_and_falls_back_to_the_feeds_date() -> None:
    book, undated, _ = pull(served("atom.xml")).items
    assert book.text == (
        "Kaip Zefira pristatė mano knygas\n"
        "Siunta atkeliavo per dieną, bet dėžė buvo šlapia.\nKurjeris atsiprašė."
    )
    assert book.url == "https://dienrastis.example/2026/11/zefira-knygos"
    assert book.updated_at == undated.created_at == datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert undated.language == "lt"


def test_a_deleted_entry_is_passed_on_as_deleted() -> None:
    *_, gone = pull(served("atom.xml")).items
    assert (gone.native_id, gone.deleted) == ("tag:dienrastis.example,2026:398", True)


def test_a_broken_feed_keeps_its_entries_and_shows_where_it_broke() -> None:
    page = pull(served("broken.xml"))
    assert [item.text.splitlines()[0] for item in page.items] == [
        "ზეფირა უკეთესობისკენ იცვლება",
        "Wo bleibt mein Paket & wann kommt es?",
    ]
    (broken,) = page.rejected
    assert (broken.line, "Wo bleibt" in broken.raw) == (12, True)


def test_entity_bombs_and_local_files_do_not_expand() -> None:
    (item,) = pull(served("bomb.xml")).items
    assert item.text.startswith("Parcel news")
    assert len(item.text) < 100


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1257", "utf-8-sig"])
def test_feeds_come_in_any_encoding(encoding: str) -> None:
    text = (RECORDINGS / "news.xml").read_text("utf-8").replace("UTF-8", encoding)
    page = pull(served(text.encode(encoding), content_type="application/rss+xml"))
    assert "pakomātus Latgalē" in page.items[0].text


def test_an_entry_without_id_or_link_gets_a_stable_one() -> None:
    text = (RECORDINGS / "news.xml").read_text("utf-8")
    bare = text.replace('<guid isPermaLink="false">zinas-1201</guid>', "")
    bare = bare.replace("<link>https://zinas.example/a/1201</link>", "")
    first, again = pull(served(bare.encode())).items[0], pull(served(bare.encode())).items[0]
    assert first.native_id == again.native_id != ""
    assert first.url is None


def test_an_unchanged_feed_is_not_sent_again() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == '"v7"':
            assert request.headers["if-modified-since"] == "Sat, 21 Nov 2026 17:00:00 GMT"
            return httpx.Response(304)
        body = (RECORDINGS / "news.xml").read_bytes()
        marks = {"ETag": '"v7"', "Last-Modified": "Sat, 21 Nov 2026 17:00:00 GMT"}
        return httpx.Response(200, content=body, headers=marks)

    http = Http(transport=httpx.MockTransport(answer), sleep=lambda _: None)
    first = pull(http)
    assert first.items
    assert list(NEWS.fetch(first.cursor, http=http, window=Window())) == []


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("pakomāts", ["zinas-1201"]),  # it says pakomātus
        ("zefira NEAR/3 kurjers", ["https://zinas.example/a/1202"]),
        ('"divdesmit jaunus" OR nedēļa', ["zinas-1201", "https://zinas.example/a/1202"]),
        ("zefira -pakomāt*", ["https://zinas.example/a/1202"]),
        ("zefira lang:lt", []),
        ("before:2026-11-21 zefira", ["zinas-1201"]),
    ],
)
def test_a_query_keeps_only_what_it_holds_for(query: str, kept: list[str]) -> None:
    source = replace(NEWS, query=query)
    assert [item.native_id for item in pull(served("news.xml"), source).items] == kept


@pytest.mark.parametrize("query", ["zefira AND (", "zefira stars:1"])
def test_a_query_that_cannot_be_applied_is_refused(query: str) -> None:
    with pytest.raises(ConfigError):
        replace(NEWS, query=query)


def test_a_crash_before_the_page_is_stored_loses_nothing() -> None:
    walk = NEWS.fetch(None, http=served("news.xml", etag='"v7"'), window=Window())
    next(iter(walk))
    assert pull(served("news.xml", etag='"v7"')).items


def test_the_window_leaves_out_what_is_older() -> None:
    window = Window(since=datetime(2026, 11, 21, tzinfo=UTC))
    (page,) = NEWS.fetch(None, http=served("news.xml"), window=window)
    assert [item.native_id for item in page.items] == ["https://zinas.example/a/1202"]


def test_a_web_page_is_no_feed() -> None:
    with pytest.raises(ConfigError, match="not a feed"):
        pull(served("page.html"))
    with pytest.raises(TransientError, match="before"):
        pull(served("page.html"), cursor="{}")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "zinas.example/rss", "https://", "ftp://a/b"]
)
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        Rss(url=url)


@pytest.mark.parametrize("cursor", ["{", "[]", "7"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        pull(served("news.xml"), cursor=cursor)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Labs <b>serviss</b></p><p>Paldies!</p>", "Labs serviss\nPaldies!"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("1 &lt; 2 &amp; 3", "1 < 2 & 3"),
        ("<p>unclosed <i>tags", "unclosed tags"),
        ("", ""),
    ],
)
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    "poison",
    [
        "&#55357;",
        "\x00",
        "&#0;",
        "&amp;#55357;",
        "&#x110000;",
        "&#99999999999999;",
        "\u202e",
        "e" * 10**6,
    ],
)
def test_poison_in_one_entry_spoils_no_other(poison: str) -> None:
    text = (RECORDINGS / "news.xml").read_text("utf-8")
    for sound in ("Zefira atver", "zinas-1201", "Ekonomikas"):
        text = text.replace(sound, sound + poison)
    page = pull(served(text.encode()))
    assert page.items[1].native_id == "https://zinas.example/a/1202"
    for item in page.items:
        f"{item.native_id}{item.text}{item.author}{item.url}".encode()
        assert "\x00" not in item.native_id + item.text
    for rejected in page.rejected:
        rejected.raw.encode()


def test_an_empty_answer_is_no_feed() -> None:
    with pytest.raises(ConfigError, match="not a feed"):
        pull(served(b""))


def test_deeply_nested_html_is_harmless() -> None:
    deep: Any = "<div>" * 50_000 + "dziļi" + "</div>" * 50_000
    assert plain(deep) == "dziļi"
