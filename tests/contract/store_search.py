"""What every Store must find and count; see ``store.py``."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from listening.errors import ConfigError
from listening.match import Matcher
from listening.protocols import Store
from listening.query import parse
from listening.records import (
    Feedback,
    Filter,
    Kind,
    Label,
    Rating,
    Scale,
    Window,
)
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word
from tests.contract.store import BAD, NOON, TOLERATED, UNSURE, Make, ids, said

SLOW = settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=TOLERATED,
)


def numbers(store: Store, query: str | Node, **narrower: object) -> list[int]:
    node = parse(query) if isinstance(query, str) else query
    where = dataclasses.replace(Filter(text=node), **narrower)  # type: ignore[arg-type]  # names
    return sorted(int(id_.rsplit(":", 1)[1]) for id_ in ids(store, where))


class SearchContract:
    @pytest.fixture
    def mixed(self, store: Store) -> Store:
        """A handful of texts in four languages."""
        store.put(
            [
                said(0, "Lidojumiem ir liela kavēšanās", language="lv"),
                said(1, "The flight was late, very late", language="en"),
                said(2, "აეროპორტში ცუდი მომსახურება", language="ka"),
                said(3, "Lidostā aptarnavimas? Skrydis vėlavo", language="lt", brand="civis"),
                said(4, "late night flights from the airport", language="en"),
                said(5, "", language="und", kind=Kind.RATING, ratings=(Rating(Scale.NPS, 3),)),
                said(6, "航班晚点了", language="zh"),
            ]
        )
        return store

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("flight", [1, 4]),
            ("FLIGHTS", [1, 4]),
            ("lidojums", [0]),
            ("kavesanas", [0]),
            ("აეროპორტი", [2]),
            ("flight late", [1, 4]),
            ("flight OR lidojums", [0, 1, 4]),
            ("late -night", [1]),
            ("-flight", [0, 2, 3, 5, 6]),
            ("NOT (flight OR lang:ka)", [0, 3, 5, 6]),
            ('"late night"', [4]),
            ('"night late"', []),
            ("air*", [4]),
            ("აერო*", [2]),
            ("late NEAR/1 flight", [1, 4]),
            ("late ONEAR/1 flight", [4]),
            ("flight ONEAR/1 late", [1]),
            ("late NEAR/0 flight", []),
            ("late NEAR/3 late", [1]),
            ("fli* NEAR/1 late", [1, 4]),
            ('"night fli*"', [4]),
            ("航班", [6]),
            ("晚点", [6]),
            ("lang:lv", [0]),
            ("lang:lv OR flight", [0, 1, 4]),
            ("flight lang:lv", []),
            ("-lang:en -nps:0..6", [0, 2, 3, 6]),
            ("nps:<=6", [5]),
            ("nps:>6", []),
            ("kind:rating", [5]),
            ("brand:civis OR (flight -night)", [1, 3]),
        ],
    )
    def test_finds_what_the_query_means(
        self, mixed: Store, query: str, expected: list[int]
    ) -> None:
        assert numbers(mixed, query) == expected

    def test_highlights_are_the_words_of_the_original(self, mixed: Store) -> None:
        (hit,) = mixed.search(Filter(text=parse("late lang:en -night"))).hits
        marked = [hit.feedback.text[span.start : span.end] for span in hit.highlights]
        assert marked == ["late", "late"]

    def test_every_filter_narrows_and_its_values_are_alternatives(self, store: Store) -> None:
        store.put(
            [
                said(0),
                said(1, brand="civis", source="rss", kind=Kind.REVIEW, language="qab"),
                said(2, country="LV", touchpoint="web", segment="family", service="loans"),
                said(3, campaign="spring", question="Why?", author="a"),
            ]
        )
        store.annotate([(said(0).id, said(0).text, BAD), (said(2).id, said(2).text, UNSURE)])
        expected = {
            Filter(): {0, 1, 2, 3},
            Filter(brand=("civis", "none")): {1},
            Filter(source=("rss",)): {1},
            Filter(kind=(Kind.REVIEW, Kind.MENTION)): {0, 1, 2, 3},
            Filter(language=("qab",)): {1},
            Filter(country=("LV",), touchpoint=("web",)): {2},
            Filter(segment=("family",), service=("loans",)): {2},
            Filter(campaign=("spring",), question=("Why?",)): {3},
            Filter(author=("a", "b")): {3},
            Filter(label=(Label.NEGATIVE,)): {0},
            Filter(label=(Label.NEGATIVE, Label.UNKNOWN)): {0, 2},
            Filter(label=()): set(),
            Filter(brand=("balt",), country=("GE",)): set(),
        }
        for where, wanted in expected.items():
            assert ids(store, where) == {f"balt:x:{n}" for n in wanted}, where
            assert sum(b.count for b in store.aggregate(where, by=())) == len(wanted), where

    def test_a_window_has_its_start_and_not_its_end(self, store: Store) -> None:
        moments = [NOON + timedelta(microseconds=n) for n in (-1, 0, 0, 1, 999_999, 1_000_000)]
        store.put([said(n, created_at=moment) for n, moment in enumerate(moments)])
        for since in (None, *moments):
            for until in (None, *moments):
                window = Window(since=since, until=until)
                wanted = {f"balt:x:{n}" for n, moment in enumerate(moments) if moment in window}
                assert ids(store, Filter(window=window)) == wanted
                text = Filter(text=Word("parcel"), window=window)
                assert ids(store, text) == wanted
                assert sum(b.count for b in store.aggregate(text, by=())) == len(wanted)

    def test_pages_are_newest_first_and_miss_and_repeat_nothing(self, store: Store) -> None:
        same_moment = [said(n, created_at=NOON) for n in range(30)]
        store.put([*same_moment, *(said(n) for n in range(30, 60))])
        for where in (Filter(), Filter(text=Word("parcel")), Filter(brand=("balt",))):
            seen: list[Feedback] = []
            page = store.search(where, limit=7)
            while page.cursor is not None:
                seen += [hit.feedback for hit in page.hits]
                store.put([said(1_000 + len(seen))])  # newer ones shift no page
                page = store.search(where, limit=7, cursor=page.cursor)
            seen += [hit.feedback for hit in page.hits]
            assert len({one.id for one in seen}) == len(seen) >= 60
            moments = [one.created_at for one in seen]
            assert moments == sorted(moments, reverse=True)

    def test_the_last_page_has_no_cursor(self, store: Store) -> None:
        store.put([said(n) for n in range(4)])
        first = store.search(Filter(), limit=2)
        second = store.search(Filter(), limit=2, cursor=first.cursor)
        assert first.cursor is not None
        assert second.cursor is None
        assert (first.total, second.total, first.total_is_exact) == (4, 4, True)

    def test_a_total_is_exact_up_to_ten_thousand(self, store: Store) -> None:
        store.put([said(n, "late") for n in range(10_000)])
        at_most = store.search(Filter(text=Word("late")))
        assert (at_most.total, at_most.total_is_exact) == (10_000, True)
        store.put([said(10_000, "late")])
        beyond = store.search(Filter(text=Word("late")))
        assert (beyond.total, beyond.total_is_exact) == (10_000, False)

    @pytest.mark.parametrize("cursor", ["", "x", "1.5", "'", "9" * 30, "١"])
    def test_a_broken_cursor_is_a_config_error(self, store: Store, cursor: str) -> None:
        with pytest.raises(ConfigError, match="cursor"):
            store.search(Filter(), cursor=cursor)

    @pytest.mark.parametrize("limit", [0, -1, 201])
    def test_a_page_too_large_is_a_config_error(self, store: Store, limit: int) -> None:
        with pytest.raises(ConfigError, match="200"):
            store.search(Filter(), limit=limit)

    def test_terms_are_counted_by_text_in_the_filter_and_behind_it(self, store: Store) -> None:
        store.put([said(n, "The parcels, the parcel: lost") for n in range(3)])
        store.put([said(n, "The parcel came") for n in range(3, 10)])
        store.put([said(10, "")])
        found = store.terms(Filter(text=Word("lost")), background=Filter())
        counts = {term.term: (term.count, term.background) for term in found.terms}
        assert counts["lost"] == (3, 3)
        assert counts["the"] == (3, 10)
        assert counts.keys() & {"parcel", "parcels"}
        assert (found.total, found.background_total) == (3, 10)
        assert found.terms[0].term == "lost"
        assert len(store.terms(Filter(), background=Filter(), limit=2).terms) == 2

    def test_terms_of_nothing_are_none(self, store: Store) -> None:
        found = store.terms(Filter(), background=Filter())
        assert (found.terms, found.total, found.background_total) == ((), 0, 0)

    def test_terms_of_many_filters_are_those_of_each(self, store: Store) -> None:
        store.put([said(n, "The parcels, the parcel: lost", brand="a") for n in range(3)])
        store.put([said(n, "The parcel came", brand="b") for n in range(3, 10)])
        a, b, lost = Filter(brand=("a",)), Filter(brand=("b",)), Filter(text=Word("lost"))
        pairs = [(a, b), (lost, Filter()), (a, Filter()), (Filter(brand=("c",)), a)]
        found = store.terms_of(pairs)
        assert found == [store.terms(where, background=other) for where, other in pairs]
        (fewer,) = store.terms_of([(Filter(), b)], most=4)
        assert (fewer.total, fewer.background_total) == (4, 4)
        (often,) = store.terms_of([(Filter(), b)], least=4)
        assert {term.term for term in often.terms} & {"the", "came", "lost"} == {"the", "came"}

    def test_a_brief_page_has_the_same_hits_without_total_and_highlights(
        self, store: Store
    ) -> None:
        store.put([said(n, "The parcel is lost") for n in range(5)])
        where = Filter(text=Word("lost"))
        whole, brief = store.search(where, limit=2), store.search(where, limit=2, brief=True)
        assert [hit.feedback for hit in brief.hits] == [hit.feedback for hit in whole.hits]
        assert brief.cursor == whole.cursor
        assert not any(hit.highlights for hit in brief.hits)
        assert not brief.total_is_exact

    @SLOW
    @given(st.lists(st.text("abc ", max_size=12), min_size=1, max_size=12), st.data())
    def test_finds_exactly_what_the_matcher_finds(
        self, make: Make, texts: list[str], data: st.DataObject
    ) -> None:
        store = make()
        documents = [
            said(
                n,
                text,
                language="qaa-Latn",
                country="LV" if n % 2 else None,
                author="a" if n % 3 else None,
                url="Été" if n % 4 == 0 else None,
                ratings=(Rating(Scale.STARS, n % 5 + 1),) if n % 3 else (),
                created_at=NOON + timedelta(days=n - 3),
            )
            for n, text in enumerate(texts)
        ]
        store.put(documents)
        scored = {one.id: BAD for one in documents[::2] if one.text.strip()}
        store.annotate([(one.id, one.text, BAD) for one in documents if one.id in scored])
        for _ in range(5):
            node = data.draw(NODES)
            matcher = Matcher(node, ["qaa-Latn"])
            wanted = {
                one.id for one in documents if matcher.feedback(one, scored.get(one.id)).matches
            }
            assert ids(store, Filter(text=node)) == wanted, node
            counted = store.aggregate(Filter(text=node), by=())
            assert sum(bucket.count for bucket in counted) == len(wanted), node


WORDS = st.builds(Word, st.text("abc", min_size=1, max_size=2), st.booleans())
PHRASES = st.builds(Phrase, st.lists(WORDS, min_size=1, max_size=3).map(tuple))
SIDES = st.lists(WORDS | PHRASES, min_size=1, max_size=2).map(tuple)
LEAVES = st.one_of(
    WORDS,
    PHRASES,
    st.builds(Near, SIDES, SIDES, st.integers(0, 3), st.booleans()),
    st.sampled_from(
        [
            *(Field("country", "lv"), Field("country", "*"), Field("lang", "QAA")),
            *(Field("url", "é*"), Field("author", "A"), Field("sentiment", "negative")),
            *(Field("stars", low=2), Field("stars", high=2), Field("nps")),
            *(Field("after", "2026-03-10"), Field("before", "2026-03-10")),
        ]
    ),
)
NODES: st.SearchStrategy[Node] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
