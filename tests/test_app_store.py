"""Apple's customer-review feed, replayed: recorded pages, and a small App Store that has many."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from listening.errors import ConfigError
from listening.http import Http
from listening.records import Item, Kind, Page, Rating, Scale, Window
from listening.sources.app_store import AppStore
from tests.contract.source import SourceCase, SourceContract

RECORDINGS = Path(__file__).parent / "recordings" / "app_store"
ZEFIRA = AppStore(app="1500000001", countries=("lv",))
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_text("utf-8"))


REVIEW = recorded("one_review.json")["feed"]["entry"]


def review(number: int, updated: datetime) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(REVIEW)
    made["id"]["label"] = str(number)
    made["updated"]["label"] = updated.isoformat()
    return made


@dataclass
class SmallStore:
    """Serves reviews by country, newest first, 50 a page; ``asked`` keeps (country, page)."""

    reviews: dict[str, list[dict[str, Any]]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        found = re.fullmatch(
            r"/(..)/rss/customerreviews/page=(\d+)/id=1500000001/sortby=mostrecent/json",
            request.url.path,
        )
        assert found
        country, page = found[1], int(found[2])
        self.asked.append((country, page))
        newest_first = sorted(
            self.reviews[country], key=lambda r: r["updated"]["label"], reverse=True
        )
        feed = recorded("no_reviews.json")
        if here := newest_first[(page - 1) * 50 : page * 50]:
            feed["feed"]["entry"] = here if len(here) > 1 else here[0]
        return httpx.Response(200, json=feed)


def http(answer: Any) -> Http:
    return Http(transport=httpx.MockTransport(answer), sleep=lambda _: None)


def pull(source: AppStore, answer: Any, cursor: str | None = None) -> list[Page]:
    return list(source.fetch(cursor, http=http(answer), window=Window()))


def items(pages: list[Page]) -> list[Item]:
    return [item for page in pages for item in page.items]


class TestAppStore(SourceContract):
    @pytest.fixture
    def case(self) -> SourceCase:
        store = SmallStore(
            {
                "lv": [review(i, NOON - timedelta(days=i)) for i in range(60)],
                "lt": [review(100 + i, NOON - timedelta(days=i)) for i in range(3)],
            }
        )
        known = frozenset(r["id"]["label"] for found in store.reviews.values() for r in found)
        return SourceCase(replace(ZEFIRA, countries=("lv", "lt")), lambda: http(store), known)


def replay(request: httpx.Request) -> httpx.Response:
    page = re.search(r"page=(\d+)", request.url.path)
    assert page
    name = {"1": "lv_page_1.json", "2": "lv_page_2.json"}.get(page[1], "no_reviews.json")
    return httpx.Response(200, json=recorded(name))


def test_recorded_reviews_become_items_and_the_app_itself_does_not() -> None:
    reviews = items(pull(ZEFIRA, replay))
    assert len(reviews) == 6
    newest = reviews[0]
    assert newest.text.startswith("Beidzot ērti\nPakomāta durvis")
    assert newest.ratings == (Rating(Scale.STARS, 5),)
    assert newest.updated_at == datetime(2026, 11, 22, 17, 15, tzinfo=UTC)
    assert (newest.country, newest.author, newest.engagement) == ("LV", "Līga_77", 2)
    assert (newest.kind, newest.language) == (Kind.REVIEW, None)
    assert newest.url
    assert newest.native_id == "11830000006"


def test_one_review_comes_as_an_object_and_none_as_nothing() -> None:
    source = replace(ZEFIRA, countries=("ge", "lt"))

    def answer(request: httpx.Request) -> httpx.Response:
        first = request.url.path.startswith("/ge/rss/customerreviews/page=1/")
        return httpx.Response(200, json=recorded("one_review.json" if first else "no_reviews.json"))

    assert [item.country for item in items(pull(source, answer))] == ["GE"]


def test_the_next_run_stops_at_what_is_known() -> None:
    store = SmallStore({"lv": [review(i, NOON - timedelta(days=i)) for i in range(220)]})
    pages = pull(ZEFIRA, store)
    assert len(items(pages)) == 220
    store.reviews["lv"].append(review(900, NOON + timedelta(hours=1)))
    store.asked.clear()
    again = items(pull(ZEFIRA, store, pages[-1].cursor))
    assert again[0].native_id == "900"
    assert len(again) <= 5
    assert store.asked == [("lv", 1)]


def test_a_review_that_apple_approved_late_is_still_found() -> None:
    store = SmallStore({"lv": [review(1, NOON)]})
    cursor = pull(ZEFIRA, store)[-1].cursor
    store.reviews["lv"].append(review(2, NOON - timedelta(days=2)))
    assert "2" in {item.native_id for item in items(pull(ZEFIRA, store, cursor))}


def test_an_edited_review_comes_again_as_the_same_one() -> None:
    store = SmallStore({"lv": [review(i, NOON - timedelta(days=i)) for i in range(60)]})
    cursor = pull(ZEFIRA, store)[-1].cursor
    store.reviews["lv"][59] = review(59, NOON + timedelta(hours=2))
    newest = items(pull(ZEFIRA, store, cursor))[0]
    assert (newest.native_id, newest.updated_at) == ("59", NOON + timedelta(hours=2))


@pytest.mark.parametrize("stored", range(9))
def test_a_crash_after_any_page_loses_nothing(stored: int) -> None:
    store = SmallStore(
        {
            "lv": [review(i, NOON - timedelta(days=i)) for i in range(120)],
            "lt": [review(1000 + i, NOON - timedelta(days=i)) for i in range(70)],
        }
    )
    source = replace(ZEFIRA, countries=("lv", "lt"))
    taken: set[str] = set()
    cursor = None
    walk = source.fetch(None, http=http(store), window=Window())
    for page, _ in zip(walk, range(stored), strict=False):
        taken |= {item.native_id for item in page.items}
        cursor = page.cursor
    store.reviews["lv"].append(review(900, NOON + timedelta(hours=1)))
    taken |= {item.native_id for item in items(pull(source, store, cursor))}
    assert taken == {r["id"]["label"] for found in store.reviews.values() for r in found}


def test_a_review_from_the_future_hides_nothing() -> None:
    store = SmallStore({"lv": [review(1, NOON.replace(year=2036)), review(2, NOON)]})
    cursor = pull(ZEFIRA, store)[-1].cursor
    now = datetime.now(UTC)
    store.reviews["lv"].append(review(3, now))
    assert "3" in {item.native_id for item in items(pull(ZEFIRA, store, cursor))}


def test_half_characters_in_an_answer_are_made_whole() -> None:
    feed = json.dumps(recorded("one_review.json")).replace("piezvana", "\\ud83d")
    empty = httpx.Response(200, json=recorded("no_reviews.json"))
    answers = iter([httpx.Response(200, content=feed), empty])
    (item,) = items(pull(ZEFIRA, lambda _: next(answers)))
    assert "vienmēr ?" in item.text


def test_a_page_sent_for_ever_ends_after_ten() -> None:
    asked = []

    def same(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=recorded("lv_page_1.json"))

    assert len(items(pull(ZEFIRA, same))) == 3
    assert len(asked) == 10


@pytest.mark.parametrize(
    ("broken", "column"),
    [
        ({"im:rating": {"label": "6"}}, "im:rating"),
        ({"updated": {"label": "yesterday"}}, "updated"),
        ({"updated": {"label": "2026-11-20T12:00:00"}}, "updated"),
        ({"id": None}, "id"),
        ({"id": ["x"], "link": "x", "author": "x"}, "id"),
    ],
)
def test_a_broken_review_is_set_aside_and_the_rest_is_kept(
    broken: dict[str, Any], column: str
) -> None:
    feed = recorded("lv_page_2.json")
    feed["feed"]["entry"][1] |= broken
    empty = recorded("no_reviews.json")
    answers = iter([httpx.Response(200, json=feed), httpx.Response(200, json=empty)])
    page, *_ = pull(ZEFIRA, lambda _: next(answers))
    assert len(page.items) == 2
    (rejected,) = page.rejected
    assert rejected.column == column
    assert json.loads(rejected.raw)["title"]["label"] == "Solide"


@pytest.mark.parametrize(
    "body", [[], {"feed": []}, {"feed": {"entry": "x"}}, {"feed": {"entry": 3}}]
)
def test_an_answer_of_another_shape_breaks_nothing(body: Any) -> None:
    pages = pull(ZEFIRA, lambda _: httpx.Response(200, json=body))
    assert items(pages) == []


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"app": "com.zefira"}, "app"),
        ({"countries": ()}, "countries"),
        ({"countries": ("lv", "Lithuania")}, "Lithuania"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        replace(ZEFIRA, **options)


@pytest.mark.parametrize("cursor", ["{", "[]", '{"LV": "x"}', '{"LV": 3}'])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        pull(ZEFIRA, replay, cursor)
