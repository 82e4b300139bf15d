"""What every store does for those who work on the feedback: labels, orders, lists of ids, notes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from listening import query
from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import DESK, PERSON, Filter, Label, Note, Order, Sentiment
from listening.tree import And, Field, Node, Not
from tests.contract.store import BAD, GOOD, Make, said

MINE = Sentiment(0.0, 1.0, 0.0, PERSON)
THEIRS = Sentiment(0.0, 0.0, 1.0, PERSON)


def only(*numbers: int) -> Field:
    return Field("tag", "x", ids=frozenset(said(number).id for number in numbers))


def ids(store: Store, node: Node | None = None, order: Order = Order.NEWEST) -> list[str]:
    """All, two at a time."""
    where, cursor, found = Filter(text=node), None, []
    while True:
        page = store.search(where, limit=2, cursor=cursor, order=order)
        found += [hit.feedback.id for hit in page.hits]
        cursor = page.cursor
        if cursor is None:
            return found


def numbered(*numbers: int) -> list[str]:
    return [said(number).id for number in numbers]


class DeskContract:
    @pytest.fixture
    def desk(self, make: Make) -> Store:
        store = make()
        store.put([said(n) for n in range(1, 6)])
        return store

    def annotate(self, desk: Store, number: int, sentiment: Sentiment | None) -> int:
        return desk.annotate([(said(number).id, said(number).text, sentiment)])

    def sentiment(self, desk: Store, number: int) -> Sentiment | None:
        return desk.search(Filter(text=only(number))).hits[0].sentiment

    def test_no_model_overwrites_a_persons_label(self, desk: Store) -> None:
        assert self.annotate(desk, 1, BAD) == 1
        assert self.annotate(desk, 1, MINE) == 1

        assert self.annotate(desk, 1, replace(GOOD, model="n")) == 0
        assert said(1).id not in {id_ for id_, _ in desk.unscored("n")}
        assert self.sentiment(desk, 1) == MINE
        assert self.annotate(desk, 1, THEIRS) == 1
        assert self.sentiment(desk, 1) == THEIRS

    def test_of_scores_handed_in_together_the_persons_stays(self, desk: Store) -> None:
        key = (said(1).id, said(1).text)
        assert desk.annotate([(*key, BAD), (*key, MINE), (*key, GOOD)]) == 2
        assert self.sentiment(desk, 1) == MINE

    def test_a_label_taken_back_leaves_the_text_to_be_scored(self, desk: Store) -> None:
        self.annotate(desk, 1, MINE)
        assert self.annotate(desk, 1, None) == 1

        assert self.sentiment(desk, 1) is None
        assert said(1).id in {id_ for id_, _ in desk.unscored("m")}
        counted = {b.key: b for b in desk.aggregate(Filter(), by=[])}
        assert (counted[()].unscored, counted[()].labels) == (5, {})
        assert self.annotate(desk, 1, BAD) == 1
        assert desk.check() == ()

    def test_a_label_holds_as_long_as_the_text_does(self, desk: Store) -> None:
        self.annotate(desk, 1, MINE)
        desk.put([replace(said(1), url="https://a.example/", version=2)])
        assert self.sentiment(desk, 1) == MINE

        desk.put([replace(said(1), text="Something else", version=3)])
        assert self.sentiment(desk, 1) is None
        assert said(1).id in {id_ for id_, _ in desk.unscored("m")}

    def test_a_persons_labels_are_counted(self, desk: Store) -> None:
        for number, sentiment in ((1, MINE), (2, BAD), (3, THEIRS)):
            self.annotate(desk, number, sentiment)

        (bucket,) = desk.aggregate(Filter(), by=[])
        wanted = {Label.NEUTRAL: 1, Label.NEGATIVE: 1, Label.POSITIVE: 1}
        assert (bucket.labels, bucket.unscored) == (wanted, 2)
        assert ids(desk, query.parse("sentiment:neutral")) == numbered(1)

    def test_a_list_of_ids_narrows_searches_and_counts_alike(self, desk: Store) -> None:
        some = only(2, 4)
        assert sorted(ids(desk, some)) == numbered(2, 4)
        assert sorted(ids(desk, Not(some))) == numbered(1, 3, 5)
        word = query.parse(said(4).text.split()[0])
        for node in (some, Not(some), And((some, word)), only(), Not(only())):
            counted = sum(b.count for b in desk.aggregate(Filter(text=node), by=[]))
            assert counted == len(ids(desk, node)) == desk.search(Filter(text=node)).total

    def test_a_list_may_be_longer_than_a_query_may_name(self, desk: Store) -> None:
        many = Field("tag", "x", ids=frozenset({*map(str, range(70_000)), said(3).id}))
        assert ids(desk, many) == numbered(3)

    def test_what_was_not_looked_up_is_refused(self, desk: Store) -> None:
        for text in ("tag:x", "status:open", "assignee:any", "saved:x"):
            with pytest.raises(ConfigError, match="looked up"):
                desk.search(Filter(text=query.parse(text)))

    def test_oldest_is_newest_turned_around(self, desk: Store) -> None:
        assert ids(desk, order=Order.OLDEST) == ids(desk)[::-1]
        assert ids(desk, Not(only(2)), Order.OLDEST) == ids(desk, Not(only(2)))[::-1]

    def test_pages_by_a_figure_begin_with_the_highest_and_end_without_one(
        self, desk: Store
    ) -> None:
        for number, negative in ((1, 0.1), (2, 0.8), (4, 0.30000000000000004)):
            self.annotate(desk, number, Sentiment(negative, 1 - negative, 0.0, "m"))
        desk.put(
            [replace(said(n), engagement=e, version=2) for n, e in ((3, 0), (4, 7), (5, 2**40))]
        )

        assert ids(desk, order=Order.NEGATIVE)[:3] == numbered(2, 4, 1)
        assert ids(desk, order=Order.ENGAGING)[:3] == numbered(5, 4, 3)
        assert ids(desk, Not(only(4)), Order.ENGAGING)[:2] == numbered(5, 3)
        for order in Order:
            assert sorted(ids(desk, order=order)) == numbered(1, 2, 3, 4, 5)

    def test_pages_by_a_figure_hold_together_where_it_is_the_same(self, desk: Store) -> None:
        for number in range(1, 6):
            self.annotate(desk, number, GOOD)
        assert ids(desk, order=Order.POSITIVE) == ids(desk)

    @pytest.mark.parametrize("order", [*Order][1:])
    def test_a_cursor_of_nowhere_is_refused(self, desk: Store, order: Order) -> None:
        for cursor in ("x", "0.5~", "~", "1~", "1e999999~x~y", "-"):
            with pytest.raises(ConfigError, match="cursor"):
                desk.search(Filter(), cursor=cursor, order=order)

    def test_erasing_takes_the_note_along_and_no_other(self, desk: Store) -> None:
        for number in (1, 2):
            desk.save_note(DESK, said(number).id, '{"tags": ["x"]}', revision=0)
        desk.save_note("job", said(1).id, "kept", revision=0)
        desk.erase([said(1).id, "a:b:unknown"])

        assert desk.notes(DESK) == {said(2).id: Note('{"tags": ["x"]}', 1)}
        assert desk.notes("job") == {said(1).id: Note("kept", 1)}
