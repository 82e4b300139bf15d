import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from listening.errors import InvalidItem, TransientError
from listening.http import Http
from listening.normalise import Defaults
from listening.pipeline import Stream, ingest, retry, score
from listening.records import Filter, Item, Label, Page, Rating, Rejected, Scale, Sentiment, Window
from listening.stores.sqlite import SqliteStore


@dataclass(frozen=True)
class Listed:
    """A source that has its pages in memory; the cursor is the number of pages done with."""

    name: ClassVar[str] = "listed"
    pages: tuple[Page, ...]
    fails_at: int | None = None

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        for number, page in enumerate(self.pages[int(cursor or 0) :], int(cursor or 0)):
            if number == self.fails_at:
                raise TransientError("the source is down")
            items = tuple(item for item in page.items if item.created_at in window)
            yield replace(page, items=items, cursor=str(number + 1))

    def retry(self, rejected: Rejected) -> Item:
        if rejected.raw == "hopeless":
            raise InvalidItem("still no date")
        return Item(
            native_id=rejected.raw,
            text="now readable",
            created_at=datetime(2026, 10, 9, tzinfo=UTC),
        )


@dataclass(frozen=True)
class Keyword:
    """A scorer that knows three words."""

    model: str = "keyword"

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        return [
            Sentiment(0.9, 0.05, 0.05, self.model)
            if "bad" in text
            else Sentiment(0.05, 0.05, 0.9, self.model)
            for text in texts
        ]


@pytest.fixture
def store():
    return SqliteStore(":memory:")


def stream(
    *pages: Sequence[Item], fails_at: int | None = None, rejected: tuple[Rejected, ...] = ()
) -> Stream:
    made = tuple(Page(items=tuple(items), cursor=None, rejected=rejected) for items in pages)
    return Stream(
        name="s",
        source=Listed(made, fails_at),
        defaults=Defaults(source="listed", brand="Amberwing"),
    )


def ids(store: SqliteStore) -> list[str]:
    return sorted(hit.feedback.id for hit in store.search(Filter(), limit=200).hits)


def test_the_parts_add_up_to_the_rows(store, item):
    aside = Rejected(stream="", origin="f.csv", reason="no date", raw="x", line=3)
    pages = stream(
        [item("1"), item("2"), item("1"), item("3", text=" "), item("2", text="edited")],
        rejected=(aside,),
    )

    result = ingest(pages, store, http=Http())

    assert (result.rows, result.stored, result.updated, result.duplicates) == (6, 2, 1, 1)
    assert [row.reason for row in result.quarantined] == ["no date", "no text and no rating"]
    assert {row.stream for row in store.quarantine().values()} == {"s"}


def test_a_second_run_changes_nothing(store, item):
    pages = stream([item("1")], [item("2")])
    ingest(pages, store, http=Http())

    again = ingest(pages, store, http=Http())

    assert again.rows == 0
    assert ids(store) == ["Amberwing:listed:1", "Amberwing:listed:2"]


def test_pages_before_a_failure_stay_and_the_next_run_goes_on(store, item):
    pages = [[item("1")], [item("2")], [item("3")]]
    with pytest.raises(TransientError, match="down"):
        ingest(stream(*pages, fails_at=1), store, http=Http())

    assert ids(store) == ["Amberwing:listed:1"]
    assert ingest(stream(*pages), store, http=Http()).rows == 2
    assert len(ids(store)) == 3


def test_a_window_pulls_again_and_leaves_the_cursor_alone(store, item):
    old, new = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)
    pages = stream([item("old", created_at=old), item("new", created_at=new)])
    ingest(pages, store, http=Http())

    result = ingest(
        pages, store, http=Http(), window=Window(since=datetime(2026, 10, 1, tzinfo=UTC))
    )

    assert (result.rows, result.duplicates) == (1, 1)
    assert store.cursor("s") == "1"


def test_what_the_source_withdraws_is_erased_and_stays_away(store, item):
    ingest(stream([item("1"), item("2")]), store, http=Http())
    withdrawn = stream([], [item("1", deleted=True)], [item("1")])

    result = ingest(replace(withdrawn, name="t"), store, http=Http())

    assert (result.rows, result.erased, result.duplicates) == (2, 1, 1)
    assert ids(store) == ["Amberwing:listed:2"]


def test_scoring_labels_every_text_once_per_model(store, item):
    ingest(stream([item("1", text="bad food"), item("2", text="good food")]), store, http=Http())

    first, second = score(store, Keyword()), score(store, Keyword())

    assert (first.texts, second.texts) == (2, 0)
    assert first.labels == {Label.NEGATIVE: 1, Label.POSITIVE: 1}
    assert score(store, Keyword("other")).texts == 2


def test_scoring_stops_at_the_limit_and_goes_on_later(store, item):
    ingest(stream([item(str(n)) for n in range(5)]), store, http=Http())

    assert score(store, Keyword(), limit=3).texts == 3
    assert score(store, Keyword()).texts == 2


def test_retry_stores_what_can_be_read_now_and_keeps_the_rest(store, item):
    asides = tuple(
        Rejected(stream="", origin="f.csv", reason="no date", raw=raw) for raw in ("7", "hopeless")
    )
    pages = stream([], rejected=asides)
    ingest(pages, store, http=Http())

    result = retry(store.quarantine(), store, lambda _: pages)

    assert result.stored == 1
    assert [row.reason for row in result.failed.values()] == ["still no date"]
    assert [row.raw for row in store.quarantine().values()] == ["hopeless"]


def test_retry_reads_an_item_that_lacked_a_brand(store, item):
    nameless = replace(stream([item("1")]), defaults=Defaults(source="listed"))
    ingest(nameless, store, http=Http())

    retry(store.quarantine(), store, lambda _: stream())

    assert ids(store) == ["Amberwing:listed:1"]
    assert not store.quarantine()


def aside(native_id: str, text: str, *, line: int = 2, origin: str = "f.csv") -> Rejected:
    raw = json.dumps({"native_id": native_id, "said": text})
    return Rejected(stream="", origin=origin, reason="no date", raw=raw, line=line)


def test_what_can_be_read_now_is_set_aside_no_more(store, item):
    broken = Rejected(stream="", origin="f.csv", reason="open quotes", raw='"a,b', line=9)
    rows = (aside("1", "Fine"), aside("2", "Late\nagain"), aside("3", "Lost"), broken)
    counted = aside("4", "Kind", line=5)
    ingest(stream([], rejected=(*rows, counted)), store, http=Http())
    store.set_aside([replace(aside("1", "Fine"), stream="another")])

    now = [item("1", text="Fine"), item("2", text="Late\nagain"), item("3", text="Another 3")]
    now.append(item("4@2026-10-01", text="Kind"))
    store.set_cursor("s", None)
    ingest(stream(now), store, http=Http())

    left = store.quarantine().values()
    assert [(row.stream, row.raw) for row in left] == [
        ("s", rows[2].raw),
        ("s", broken.raw),
        ("another", rows[0].raw),
    ]


def test_a_row_that_lacked_a_brand_is_set_aside_no_more_once_it_has_one(store, item):
    nameless = replace(
        stream([item("1", text="", ratings=(Rating(Scale.NPS, 9),))]),
        defaults=Defaults(source="listed"),
    )
    ingest(nameless, store, http=Http())
    assert len(store.quarantine()) == 1

    store.set_cursor("s", None)
    ingest(replace(nameless, defaults=Defaults(source="listed", brand="Medus")), store, http=Http())

    assert not store.quarantine()


def test_an_id_that_is_no_number_is_the_same_row_whatever_it_says_now(store, item):
    ingest(stream([], rejected=(aside("R_1", "rating: great"),)), store, http=Http())

    ingest(stream([], [item("R_1", text="", ratings=(Rating(Scale.NPS, 9),))]), store, http=Http())

    assert not store.quarantine()


def test_a_row_set_aside_again_from_another_line_is_there_once(store):
    ingest(stream([], rejected=(aside("1", "Fine"),)), store, http=Http())
    other = aside("1", "Fine", origin="other.csv")
    store.set_aside([replace(other, stream="s")])

    store.set_cursor("s", None)
    ingest(stream([], rejected=(aside("1", "Fine", line=7),)), store, http=Http())

    found = [(row.origin, row.line) for row in store.quarantine().values()]
    assert found == [("other.csv", 2), ("f.csv", 7)]


def test_what_a_source_does_not_show_again_stays_set_aside(store, item):
    ingest(stream([], rejected=(aside("1", "Fine"),)), store, http=Http())

    ingest(stream([], [item("2", text="Fine")]), store, http=Http())

    assert len(store.quarantine()) == 1
