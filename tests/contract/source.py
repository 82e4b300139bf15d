"""What every Source must do. A test class per source inherits and gives the ``case`` fixture:

    class TestRss(SourceContract):
        @pytest.fixture
        def case(self):
            return SourceCase(Rss(url=...), lambda: Http(transport=...), frozenset({"a", "b"}))

``http`` is called once a fetch, so that a recording starts anew. ``native_ids`` are all that a
first fetch must give, of items that were not withdrawn and of those that were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from listening.http import Http
from listening.protocols import Source
from listening.records import Item, Page, Window
from listening.sources import SOURCES


@dataclass(frozen=True)
class SourceCase:
    source: Source
    http: Callable[[], Http]
    native_ids: frozenset[str]

    def pages(self, cursor: str | None = None, window: Window | None = None) -> Iterator[Page]:
        return self.source.fetch(cursor, http=self.http(), window=window or Window())

    def items(self, cursor: str | None = None, window: Window | None = None) -> list[Item]:
        return [item for page in self.pages(cursor, window) for item in page.items]

    def ids(self, cursor: str | None = None, window: Window | None = None) -> set[str]:
        return {item.native_id for item in self.items(cursor, window)}


class SourceContract:
    @pytest.fixture
    def case(self) -> SourceCase:
        raise NotImplementedError

    def test_is_a_frozen_dataclass_in_the_table_under_its_name(self, case: SourceCase) -> None:
        kind = type(case.source)
        assert SOURCES[case.source.name] is kind
        assert dataclasses.is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        assert "name" not in {option.name for option in dataclasses.fields(kind)}

    def test_fetches_everything_and_nothing_else(self, case: SourceCase) -> None:
        assert case.ids() == case.native_ids

    def test_fetching_again_gives_the_same(self, case: SourceCase) -> None:
        assert case.items() == case.items()

    def test_items_are_what_the_records_promise(self, case: SourceCase) -> None:
        for item in case.items():
            assert item.native_id
            assert item.created_at.utcoffset() is not None
            assert item.updated_at is None or item.updated_at.utcoffset() is not None
            item.text.encode()
            assert item.text or item.ratings or item.deleted
            scales = [rating.scale for rating in item.ratings]
            assert len(scales) == len(set(scales))
            for scale, value in item.ratings:
                assert scale.low <= value <= scale.high

    def test_what_is_set_aside_says_where_and_why(self, case: SourceCase) -> None:
        for page in case.pages():
            for rejected in page.rejected:
                assert rejected.origin
                assert rejected.reason
                assert rejected.line is None or rejected.line > 0

    def test_resuming_after_any_page_loses_nothing(self, case: SourceCase) -> None:
        stored: set[str] = set()
        for page in case.pages():
            stored |= {item.native_id for item in page.items}
            assert stored | case.ids(page.cursor) == case.native_ids

    def test_pulling_from_the_last_cursor_brings_nothing_unknown(self, case: SourceCase) -> None:
        cursor = None
        for page in case.pages():
            cursor = page.cursor
        assert case.ids(cursor) <= case.native_ids

    def test_a_window_keeps_what_is_inside_it(self, case: SourceCase) -> None:
        times = sorted(item.created_at for item in case.items())
        window = Window(since=times[len(times) // 2], until=times[-1] + timedelta(seconds=1))
        inside = {item.native_id for item in case.items() if item.created_at in window}
        assert inside <= case.ids(window=window) <= case.native_ids
