from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

import pytest

from listening.errors import InvalidItem, TransientError
from listening.http import Http
from listening.normalise import Defaults
from listening.pipeline import Stream, ingest, retry, score
from listening.records import Filter, Item, Label, Page, Rejected, Sentiment, Window
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
