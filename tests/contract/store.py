"""What every Store must do. A test class per store inherits and gives the ``make`` fixture:

    class TestSqlite(StoreContract):
        @pytest.fixture
        def make(self):
            return SqliteStore

``make()`` gives an empty store; each call another one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck

from listening.http import Http
from listening.normalise import Defaults
from listening.pipeline import Stream, ingest, retry
from listening.protocols import Store
from listening.records import (
    Dimension,
    Feedback,
    Filter,
    Item,
    Kind,
    Label,
    Page,
    Part,
    Rating,
    Rejected,
    Scale,
    Sentiment,
    Window,
    Written,
)

Make = Callable[[], Store]

# One suite for several stores: each class makes its own, and an example may take a server seconds.
TOLERATED = (
    HealthCheck.function_scoped_fixture,
    HealthCheck.differing_executors,
    HealthCheck.too_slow,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
BAD = Sentiment(0.8, 0.1, 0.1, "m")
GOOD = Sentiment(0.1, 0.1, 0.8, "m")
UNSURE = Sentiment(0.4, 0.3, 0.3, "m", 0.6)
FULL: dict[str, Any] = {
    "ratings": (Rating(Scale.NPS, 9), Rating(Scale.CES, 2)),
    "url": "https://kiosk.example/1",
    "author": "3f9a",
    "engagement": 7,
    "country": "LV",
    "touchpoint": "branch",
    "segment": "family",
    "service": "loans",
    "campaign": "spring",
    "question": "Why?",
}


def said(number: int, text: str = "The parcel came late", **changes: Any) -> Feedback:
    """Feedback ``balt:x:number``, ``number`` minutes after noon."""
    made = Feedback(
        id=f"balt:x:{number}",
        brand="balt",
        source="x",
        native_id=str(number),
        kind=Kind.MENTION,
        text=text,
        language="qaa",  # for private use: no dictionary to load
        created_at=NOON + timedelta(minutes=number),
        version=1,
    )
    return dataclasses.replace(made, **changes)


def everything(store: Store, where: Filter | None = None) -> list[Feedback]:
    found = []
    page = store.search(where or Filter(), limit=200)
    while True:
        found += [hit.feedback for hit in page.hits]
        if page.cursor is None:
            return found
        page = store.search(where or Filter(), limit=200, cursor=page.cursor)


def ids(store: Store, where: Filter | None = None) -> set[str]:
    return {one.id for one in everything(store, where)}


def sentiment_of(store: Store, id_: str) -> Sentiment | None:
    (hit,) = (hit for hit in store.search(Filter(), limit=200).hits if hit.feedback.id == id_)
    return hit.sentiment


@dataclasses.dataclass(frozen=True)
class Given:
    """A source of these items."""

    name: ClassVar[str] = "given"
    items: tuple[Item, ...]

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        yield Page(items=self.items, cursor="1")


class WriteContract:
    @pytest.fixture
    def make(self) -> Make:
        raise NotImplementedError

    @pytest.fixture
    def store(self, make: Make) -> Store:
        return make()

    def test_gives_back_every_field_as_it_was_put(self, store: Store) -> None:
        full = said(1, "Ķērpja “rozā” 👍🏽\nსომ", language="qaa", kind=Kind.SURVEY, **FULL)
        precise = said(2, created_at=NOON.replace(year=1969, microsecond=123_456))
        assert store.put([full, precise]) == Written(stored=2)
        assert everything(store) == [full, precise]

    def test_putting_twice_is_the_same_as_once(self, store: Store) -> None:
        batch = [said(n) for n in range(5)]
        assert store.put(batch) == Written(stored=5)
        assert store.put(batch) == Written(duplicates=5)
        assert len(everything(store)) == 5

    def test_nothing_put_is_nothing_written(self, store: Store) -> None:
        assert store.put([]) == Written()
        assert everything(store) == []

    def test_one_batch_may_repeat_an_id_and_the_last_version_wins(self, store: Store) -> None:
        first, second = said(1, "first"), said(1, "second", version=2)
        assert store.put([first, second, first, second]) == Written(1, 1, 2)
        assert everything(store) == [second]

    def test_the_newest_version_wins_in_any_order(self, make: Make) -> None:
        versions = [said(1, f"text {n}", version=n, **FULL) for n in (1, 2, 3)]
        for order in permutations(versions):
            store = make()
            for one in order:
                store.put([one])
            assert everything(store) == [versions[2]]

    def test_an_equal_version_replaces(self, store: Store) -> None:
        store.put([said(1, engagement=1)])
        assert store.put([said(1, engagement=2)]) == Written(updated=1)
        assert everything(store)[0].engagement == 2

    def test_a_later_version_that_says_the_same_keeps_earlier_ones_out(self, store: Store) -> None:
        store.put([said(1, version=1)])
        assert store.put([said(1, version=3)]) == Written(duplicates=1)
        assert store.put([said(1, "older edit", version=2)]) == Written(duplicates=1)
        assert everything(store) == [said(1, version=3)]

    def test_an_edit_may_move_it_in_time_and_to_other_dimensions(self, store: Store) -> None:
        store.put([said(1), said(2)])
        moved = said(
            1, version=2, created_at=NOON + timedelta(days=3), country="GE", language="qaa"
        )
        store.put([moved])
        assert everything(store) == [moved, said(2)]

    def test_unscored_is_newest_first_and_leaves_out_empty_texts(self, store: Store) -> None:
        store.put([said(1, "one"), said(3, ""), said(2, "two"), said(4, " \n")])
        assert list(store.unscored("m")) == [("balt:x:2", "two"), ("balt:x:1", "one")]
        assert list(store.unscored("m", limit=1)) == [("balt:x:2", "two")]
        assert list(store.unscored("m", limit=0)) == []

    def test_unscored_may_be_read_while_others_annotate(self, store: Store) -> None:
        store.put([said(n, f"text {n}") for n in range(1_200)])
        seen = []
        for id_, text in store.unscored("m"):
            seen.append(id_)
            store.annotate([(id_, text, GOOD)])
        assert len(seen) == len(set(seen)) == 1_200
        assert list(store.unscored("m")) == []

    def test_another_model_scores_everything_again(self, store: Store) -> None:
        store.put([said(1), said(2)])
        store.annotate([(id_, text, BAD) for id_, text in store.unscored("m")])
        store.put([said(3)])
        again = list(store.unscored("n"))
        assert [id_ for id_, _ in again] == ["balt:x:3", "balt:x:2", "balt:x:1"]
        other = dataclasses.replace(GOOD, model="n")
        assert store.annotate([(id_, text, other) for id_, text in again]) == 3
        assert sentiment_of(store, "balt:x:1") == other

    def test_gives_back_the_sentiment_as_it_was(self, store: Store) -> None:
        store.put([said(1), said(2)])
        assert store.annotate([(said(1).id, said(1).text, UNSURE)]) == 1
        assert sentiment_of(store, "balt:x:1") == UNSURE
        assert sentiment_of(store, "balt:x:2") is None

    def test_a_score_of_another_text_or_of_nothing_is_ignored(self, store: Store) -> None:
        store.put([said(1, "now"), said(2, "")])
        scored = [("balt:x:1", "before", BAD), ("balt:x:2", "", BAD), ("balt:x:9", "now", BAD)]
        assert store.annotate(scored) == 0
        assert sentiment_of(store, "balt:x:1") is None

    def test_an_edited_text_loses_its_score(self, store: Store) -> None:
        store.put([said(1)])
        store.annotate([(said(1).id, said(1).text, BAD)])
        store.put([said(1, "Thank you!", version=2)])
        assert sentiment_of(store, "balt:x:1") is None
        assert list(store.unscored("m")) == [("balt:x:1", "Thank you!")]

    def test_an_edit_of_anything_but_the_text_keeps_the_score(self, store: Store) -> None:
        store.put([said(1)])
        store.annotate([(said(1).id, said(1).text, BAD)])
        store.put([said(1, version=2, engagement=5, language="qaa")])
        assert sentiment_of(store, "balt:x:1") == BAD
        assert ids(store, Filter(label=(Label.NEGATIVE,))) == {"balt:x:1"}

    def test_erased_stays_erased(self, store: Store) -> None:
        store.put([said(1), said(2)])
        assert store.erase(["balt:x:1", "balt:x:1", "balt:x:9"]) == 1
        assert store.erase(["balt:x:1"]) == 0
        assert store.put([said(1, version=9), said(9), said(2)]) == Written(duplicates=3)
        assert store.annotate([(said(1).id, said(1).text, BAD)]) == 0
        assert ids(store) == {"balt:x:2"}

    def test_an_author_is_erased_by_searching_for_them(self, store: Store) -> None:
        store.put([said(n, author="a" if n % 2 else "b") for n in range(6)])
        assert store.erase(sorted(ids(store, Filter(author=("a",))))) == 3
        assert ids(store, Filter(author=("a",))) == set()
        assert len(ids(store, Filter(author=("b",)))) == 3

    def test_cursors_are_kept_by_stream(self, store: Store) -> None:
        assert store.cursor("x") is None
        store.set_cursor("x", "17")
        store.set_cursor("y", "ა")
        store.set_cursor("x", "18")
        assert (store.cursor("x"), store.cursor("y")) == ("18", "ა")
        store.set_cursor("x", None)
        assert store.cursor("x") is None

    def test_the_same_input_is_set_aside_once(self, store: Store) -> None:
        bad = [
            Rejected(stream="s", origin="a.csv", reason="no date", raw="x;;", line=2, column="day"),
            Rejected(stream="s", origin="a.csv", reason="no date", raw="x;;", line=3, column="day"),
        ]
        assert store.set_aside([*bad, bad[0]]) == 2
        assert store.set_aside([dataclasses.replace(bad[0], reason="still no date")]) == 0
        kept = store.quarantine()
        assert list(kept.values()) == bad
        store.release([next(iter(kept)), "unknown"])
        assert list(store.quarantine().values()) == bad[1:]

    def test_poisonous_texts_come_back_whole_and_can_be_found(self, store: Store) -> None:
        texts = ['"', "'; DROP TABLE x", "a\0b", "\ufeff\u202e", "x" * 200_000, "\u0301" * 9_999]
        texts += ["🏳️‍🌈", "NEAR(a b)", "OR", "*", "\\", "Ტექსტი", "é e\u0301", "a\u2028b"]
        store.put([said(n, text) for n, text in enumerate(texts)])
        assert [one.text for one in reversed(everything(store))] == texts
        scored = [(id_, text, GOOD) for id_, text in store.unscored("m")]
        assert store.annotate(scored) == len(texts)

    @pytest.mark.parametrize("of", [1, 3, 4, 256])
    def test_parts_of_the_unscored_are_disjoint_and_together_all(
        self, store: Store, of: int
    ) -> None:
        batch = [said(n) for n in range(300)]
        store.put(batch)
        parts = [[id_ for id_, _ in store.unscored("m", part=Part(n, of))] for n in range(of)]
        assert sorted(id_ for part in parts for id_ in part) == sorted(one.id for one in batch)
        newest = {one.id: one.created_at for one in batch}
        for part in parts:
            assert part == sorted(part, key=newest.__getitem__, reverse=True)

    def test_a_limit_holds_within_a_part(self, store: Store) -> None:
        store.put([said(n) for n in range(40)])
        whole = list(store.unscored("m", part=Part(1, 2)))
        assert list(store.unscored("m", part=Part(1, 2), limit=5)) == whole[:5]

    def test_expiry_removes_whole_months_only_and_can_be_repeated(self, store: Store) -> None:
        moments = (
            datetime(2009, 5, 1, tzinfo=UTC),
            datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 2, 1, tzinfo=UTC),
            datetime(2026, 2, 28, 12, tzinfo=UTC),
        )
        store.put([said(n, f"text {n}", created_at=at) for n, at in enumerate(moments)])
        assert store.expire(datetime(2026, 1, 31, 23, tzinfo=UTC)) == 2
        assert ids(store) == {"balt:x:2", "balt:x:3", "balt:x:4"}
        ended = datetime(2026, 2, 1, 1, tzinfo=timezone(timedelta(hours=1)))
        assert (store.expire(ended), store.expire(ended)) == (1, 0)
        assert ids(store) == {"balt:x:3", "balt:x:4"}
        assert sum(bucket.count for bucket in store.aggregate(Filter(), by=[Dimension.MONTH])) == 2
        assert [id_ for id_, _ in store.unscored("m")] == ["balt:x:4", "balt:x:3"]

    def test_what_expired_comes_back_when_it_is_written_again(self, store: Store) -> None:
        store.put([said(1), said(2)])
        store.erase(["balt:x:2"])
        assert store.expire(NOON + timedelta(days=60)) == 1
        assert store.put([said(1), said(2)]) == Written(stored=1, duplicates=1)
        assert everything(store) == [said(1)]

    @pytest.mark.parametrize("broken", [{"engagement": 2**70}, {"url": "https://x.example/\ud83d"}])
    def test_what_cannot_be_held_is_refused_and_the_rest_is_written(
        self, store: Store, broken: dict[str, Any]
    ) -> None:
        store.put([said(2)])
        written = store.put([said(1), said(2, "edited", version=2, **broken), said(3)])
        (refusal,) = written.refused
        assert (written.stored, written.updated, written.duplicates) == (2, 0, 0)
        assert refusal.id == "balt:x:2"
        assert refusal.reason
        assert everything(store) == [said(3), said(2), said(1)]

    @pytest.mark.parametrize("broken", [{"engagement": 2**70}, {"url": "https://x.example/\ud83d"}])
    def test_what_is_refused_is_set_aside_by_the_pipeline_and_not_lost(
        self, store: Store, broken: dict[str, Any]
    ) -> None:
        bad = Item(native_id="2", text="Bad", created_at=NOON, **broken)
        given = Given((Item(native_id="1", text="Good", created_at=NOON), bad))
        stream = Stream(name="s", source=given, defaults=Defaults(source="x", brand="balt"))
        result = ingest(stream, store, http=Http())
        assert (result.rows, result.stored, len(result.quarantined)) == (2, 1, 1)
        held = store.quarantine()
        assert [row.stream for row in held.values()] == ["s"]
        assert list(retry(held, store, lambda _: stream).failed) == list(held)
        assert store.quarantine() == held
        ingest(stream, store, http=Http())
        assert store.quarantine() == held
        mended = Given((Item(native_id="2", text="Bad", created_at=NOON),))
        ingest(dataclasses.replace(stream, source=mended), store, http=Http())
        assert ids(store) == {"balt:x:1", "balt:x:2"}
        assert not store.quarantine()

    def test_a_sound_store_has_nothing_to_report(self, store: Store) -> None:
        assert store.check() == ()
        store.put([said(n, f"text {n}", **FULL) for n in range(30)])
        store.annotate([(id_, text, GOOD) for id_, text in store.unscored("m", limit=10)])
        store.erase(["balt:x:3"])
        store.set_cursor("s", "1")
        store.set_aside([Rejected(stream="s", origin="o", reason="r", raw="x")])
        store.aggregate(Filter(), by=[Dimension.DAY])
        store.put([said(31)])
        assert store.check() == ()
