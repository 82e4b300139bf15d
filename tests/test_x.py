"""X's recent search, replayed: a small X in this file answers by the documented rules."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from listening.errors import ConfigError, TransientError
from listening.http import Http
from listening.records import Item, Kind, Page, Window
from listening.sources.x import X
from tests.contract.source import SourceCase, SourceContract

RECORDINGS = Path(__file__).parent / "recordings" / "x"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EPOCH_MS = 1_288_834_974_657
ZEFIRA = X(query="zefira", bearer_token="AAAA-secret-token")  # noqa: S106 - not a real one


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_text("utf-8"))


def post_id(moment: datetime, sequence: int = 0) -> int:
    return ((int(moment.timestamp() * 1000) - EPOCH_MS) << 22) + sequence


def post(moment: datetime, text: str = "Zefira atkal kavējas") -> dict[str, Any]:
    ident = str(post_id(moment))
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"id": ident, "text": text, "created_at": stamp, "lang": "lv", "author_id": "1101"}


def moment(post: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(post["created_at"])


def minutely(count: int, until: datetime = NOW - timedelta(hours=1)) -> list[dict[str, Any]]:
    return [post(until - timedelta(minutes=i)) for i in range(count)]


@dataclass
class SmallX:
    """Recent search over ``posts`` by X's documented rules; ``asked`` keeps the requests."""

    posts: list[dict[str, Any]]
    page: int = 100
    asked: list[dict[str, str]] = field(default_factory=list)
    sold: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.asked.append(asked)
        assert request.url.host == "api.x.com"
        assert request.headers["authorization"] == "Bearer AAAA-secret-token"
        assert 10 <= int(asked["max_results"]) <= 100
        assert not {"since_id", "start_time"} <= asked.keys()
        found = sorted(self.posts, key=lambda p: -int(p["id"]))
        if low := asked.get("since_id"):
            found = [p for p in found if int(p["id"]) > int(low)]
        if high := asked.get("until_id"):
            found = [p for p in found if int(p["id"]) < int(high)]
        if start := asked.get("start_time"):
            found = [p for p in found if moment(p) >= datetime.fromisoformat(start)]
        if end := asked.get("end_time"):
            found = [p for p in found if moment(p) < datetime.fromisoformat(end)]
        if token := asked.get("next_token"):
            found = [p for p in found if int(p["id"]) < int(token)]
        page = found[: min(self.page, int(asked["max_results"]))]
        self.sold += [p["id"] for p in page]
        meta: dict[str, Any] = {"result_count": len(page)}
        if len(page) < len(found):
            meta["next_token"] = page[-1]["id"]
        answer: dict[str, Any] = {"meta": meta}
        if page:
            answer["data"] = page
        return httpx.Response(200, json=answer)


class Clock:
    def __init__(self, now: datetime = NOW) -> None:
        self.now, self.slept = now.timestamp(), [0.0]

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def http(answer: Any, clock: Clock | None = None) -> Http:
    clock = clock or Clock()
    transport = httpx.MockTransport(answer)
    return Http(transport=transport, clock=clock, sleep=clock.sleep)


def replay(*answers: httpx.Response) -> Http:
    left = iter(answers)
    return http(lambda _: next(left))


def pull(
    source: X, x: Any, cursor: str | None = None, window: Window | None = None
) -> Iterator[Page]:
    return source.fetch(cursor, http=http(x), window=window or Window())


class TestX(SourceContract):
    @pytest.fixture
    def case(self) -> SourceCase:
        x = SmallX(minutely(250))
        return SourceCase(ZEFIRA, lambda: http(x), frozenset(p["id"] for p in x.posts))


def ids(pages: Iterable[Page]) -> list[str]:
    return [item.native_id for page in pages for item in page.items]


def test_a_recorded_answer_becomes_items() -> None:
    answers = replay(httpx.Response(200, json=recorded("page.json")))
    (page,) = ZEFIRA.fetch(None, http=answers, window=Window())
    by_language = {item.language: item for item in page.items}
    assert len(page.items) == 7
    latvian, german = by_language["lv"], by_language["de"]
    assert latvian.text.endswith("gaidu jau 40 minūtes & neviens neatbild")
    assert (latvian.engagement, latvian.author) == (15, "janis_pie_galda")
    assert german.url == f"https://x.com/i/web/status/{german.native_id}"
    assert german.created_at == datetime(2026, 11, 20, 8, 35, tzinfo=UTC)
    assert {item.kind for item in page.items} == {Kind.MENTION}
    assert by_language["en"].text.endswith("where it really is.")  # the whole of a long post
    assert by_language[None].author == "1107"  # X withheld the name, and claims no language


def test_half_characters_and_numbers_that_json_lacks_break_nothing() -> None:
    text = json.dumps(recorded("page.json"))
    text = text.replace("puikus", "\\ud83d").replace('"like_count": 25', '"like_count": NaN')
    (page,) = ZEFIRA.fetch(None, http=replay(httpx.Response(200, content=text)), window=Window())
    assert len(page.items) + len(page.rejected) == 7
    assert any("tiesiog ?" in item.text for item in page.items)


def test_x_is_asked_for_the_query_its_languages_and_no_reposts() -> None:
    x = SmallX([])
    source = replace(ZEFIRA, query="zefira OR zefyra", languages=("lv", "ka"))
    list(pull(source, x))
    assert x.asked[0]["query"] == "(zefira OR zefyra) (lang:lv OR lang:ka) -is:retweet"
    list(pull(replace(ZEFIRA, reposts=True), x))
    assert x.asked[1]["query"] == "zefira"


def test_what_x_cannot_do_is_done_afterwards_on_what_it_sent() -> None:
    kept: dict[str, list[str | None]] = {
        "zefira deliver*": [],
        "zefira pakomāt*": ["lv"],
        "zefira NEAR/1 parcel": [],
        "zefira NEAR/2 parcel": ["en"],
        "zefira (посылка OR -zefira)": ["ka", "ru"],  # ზეფირა is another word
        "zefira after:2026-11-21 deliver*": [],
        "zefira -(siuntą NEAR/9 dieną)": ["de", "en", "ka", "lv", "ru", None],
        "zefira author:parcelwatcher missin*": [],
        "zefira author:parcelwatcher los*": ["en"],
        "zefira lang:de erst*": ["de"],
        "paketas siun*": ["lt"],  # X says where it found a word, and is believed
    }
    answer = recorded("page.json")
    for query, languages in kept.items():
        source = replace(ZEFIRA, query=query)
        answers = replay(httpx.Response(200, json=answer))
        (page,) = source.fetch(None, http=answers, window=Window())
        found = sorted((item.language for item in page.items), key=str)
        assert found == sorted(languages, key=str), query
        assert json.loads(page.cursor or "")["spent"] == 7  # what is left out was bought, too


def test_x_has_the_last_word_on_a_query_that_it_can_run() -> None:
    x = SmallX([post(NOW - timedelta(minutes=5), "Saite, kas stāsta visu: https://t.co/a1")])
    assert len(ids(list(pull(ZEFIRA, x)))) == 1


def test_a_query_for_what_shows_only_later_is_refused() -> None:
    with pytest.raises(ConfigError, match="sentiment: at character 8"):
        replace(ZEFIRA, query="zefira sentiment:negative")


def test_an_edited_post_stays_one_item() -> None:
    answers = replay(httpx.Response(200, json=recorded("page.json")))
    (page,) = ZEFIRA.fetch(None, http=answers, window=Window())
    edited = next(item for item in page.items if item.language == "ru")
    assert edited.url is not None
    assert edited.native_id not in edited.url
    assert edited.created_at == datetime(2026, 11, 20, 8, 28, tzinfo=UTC)
    assert edited.updated_at == datetime(2026, 11, 20, 8, 31, tzinfo=UTC)


def test_broken_posts_are_set_aside_and_the_rest_is_kept() -> None:
    answer = recorded("page.json")
    del answer["data"][0]["created_at"], answer["data"][1]["id"]
    answer["data"][2]["text"] = ""
    (page,) = ZEFIRA.fetch(None, http=replay(httpx.Response(200, json=answer)), window=Window())
    assert len(page.items) == 4
    assert [r.column for r in page.rejected] == ["created_at", "id", "text"]
    assert json.loads(page.rejected[0].raw) == answer["data"][0]


def test_all_pages_are_read_once_and_the_next_run_reads_only_what_is_new() -> None:
    x = SmallX(minutely(250))
    pages = list(pull(ZEFIRA, x))
    assert [len(p.items) for p in pages] == [100, 100, 50]
    x.posts.append(post(NOW))
    (more,) = pull(ZEFIRA, x, pages[-1].cursor)
    assert ids([more]) == [str(post_id(NOW))]
    assert len(x.sold) == len(set(x.sold)) == 251


@pytest.mark.parametrize("stored", range(4))
def test_a_crash_loses_nothing_and_buys_at_most_one_page_again(stored: int) -> None:
    x = SmallX(minutely(250))
    taken: list[Item] = []
    cursor = None
    walk = pull(ZEFIRA, x)
    for page, _ in zip(walk, range(stored), strict=False):
        taken += page.items
        cursor = page.cursor
    walk.close()  # type: ignore[attr-defined]  # a generator: the process ends here
    x.posts.append(post(NOW))
    for page in pull(ZEFIRA, x, cursor):
        taken += page.items
    assert {item.native_id for item in taken} == {p["id"] for p in x.posts}
    assert len(x.sold) - len(set(x.sold)) <= 100


def test_repeated_crashes_within_a_walk_lose_nothing() -> None:
    x = SmallX(minutely(120), page=10)
    taken, cursor = set(), None
    for _ in range(20):
        for page in pull(ZEFIRA, x, cursor):
            taken |= {item.native_id for item in page.items}
            cursor = page.cursor
            x.posts.append(post(NOW + timedelta(seconds=len(x.posts))))
            break
    for page in pull(ZEFIRA, x, cursor):
        taken |= {item.native_id for item in page.items}
    assert taken == {p["id"] for p in x.posts}


def test_the_budget_stops_before_it_is_spent_and_goes_on_next_month() -> None:
    x, source = SmallX(minutely(250)), replace(ZEFIRA, monthly_budget=125)
    pages: deque[Page] = deque()
    with pytest.raises(TransientError, match=r"125 posts.*2026-12-01") as caught:
        pages.extend(pull(source, x))
    assert [a["max_results"] for a in x.asked] == ["100", "25"]
    assert caught.value.retry_after == pytest.approx(6.5 * 86_400, abs=5)
    december = http(x, Clock(datetime(2026, 12, 1, 0, 0, 5, tzinfo=UTC)))
    more = replace(source, monthly_budget=200)
    rest = list(more.fetch(pages[-1].cursor, http=december, window=Window()))
    assert len(ids(pages)) == len(ids(rest)) == 125
    assert json.loads(rest[-1].cursor or "")["spent"] == 125


def test_never_fewer_than_ten_are_asked_for() -> None:
    x = SmallX(minutely(250))
    with pytest.raises(TransientError, match="no fewer than 10"):
        list(pull(replace(ZEFIRA, monthly_budget=109), x))
    assert [a["max_results"] for a in x.asked] == ["100"]


def test_a_window_bounds_what_is_bought() -> None:
    x = SmallX(minutely(200))
    window = Window(since=NOW - timedelta(hours=2), until=NOW - timedelta(minutes=90))
    (page,) = pull(ZEFIRA, x, window=window)
    assert len(page.items) == len(x.sold) == 30
    assert all(item.created_at in window for item in page.items)


def test_reading_a_period_again_is_counted_but_moves_nothing() -> None:
    x = SmallX(minutely(250))
    cursor = next(pull(ZEFIRA, x)).cursor
    window = Window(since=NOW - timedelta(hours=3), until=NOW - timedelta(hours=2))
    before, after = json.loads(cursor or ""), None
    for page in pull(ZEFIRA, x, cursor, window):
        after = json.loads(page.cursor or "")
    assert after == {**before, "spent": 160}


def test_a_walk_that_x_has_forgotten_is_given_up_and_reading_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    x = SmallX(minutely(150, until=NOW - timedelta(days=8)))
    then = Clock(NOW - timedelta(days=8))
    first = next(iter(ZEFIRA.fetch(None, http=http(x, then), window=Window())))
    x.posts, x.asked = minutely(5), []
    assert len(ids(list(pull(ZEFIRA, x, first.cursor)))) == 5
    assert not {"since_id", "until_id", "start_time"} & x.asked[0].keys()
    assert "7 days" in caplog.text


def test_an_empty_first_page_forgets_nothing() -> None:
    token = httpx.Response(200, json={"meta": {"result_count": 0, "next_token": "b26v89c19zqg"}})
    cursor = json.dumps({"since_id": post_id(NOW - timedelta(days=1))})
    walk = ZEFIRA.fetch(cursor, http=replay(token), window=Window())
    x = SmallX(minutely(5))
    assert len(ids(pull(ZEFIRA, x, next(iter(walk)).cursor))) == 5
    assert x.asked[0]["since_id"] == str(post_id(NOW - timedelta(days=1)))


def test_a_window_beyond_seven_days_is_said_to_be_out_of_reach() -> None:
    window = Window(since=NOW - timedelta(days=30), until=NOW - timedelta(days=8))
    with pytest.raises(ConfigError, match="7 days"):
        list(pull(ZEFIRA, SmallX([]), window=window))


def test_after_a_long_pause_no_too_old_id_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    cursor = json.dumps({"since_id": post_id(NOW - timedelta(days=9))})
    x = SmallX(minutely(5))
    assert len(ids(list(pull(ZEFIRA, x, cursor)))) == 5
    assert "since_id" not in x.asked[0]
    assert "over 7 days ago" in caplog.text


@pytest.mark.parametrize(
    ("status", "recording", "words"),
    [
        (400, "invalid_query.json", r"does not accept the query.*missing '\)'"),
        (401, "unauthorized.json", "console.x.com"),
        (402, "unauthorized.json", "credits"),
        (403, "forbidden.json", "access does not include search"),
        (429, "usage_capped.json", "monthly cap"),
    ],
)
def test_refusals_say_what_a_person_can_do(status: int, recording: str, words: str) -> None:
    refused = http(lambda _: httpx.Response(status, json=recorded(recording)))
    with pytest.raises(ConfigError, match=words) as caught:
        list(ZEFIRA.fetch(None, http=refused, window=Window()))
    assert "secret" not in str(caught.value)


def test_a_short_rate_limit_is_waited_out_and_a_long_one_is_raised() -> None:
    def limited(seconds: int) -> httpx.Response:
        reset = str(int(NOW.timestamp()) + seconds)
        body = recorded("too_many_requests.json")
        return httpx.Response(429, json=body, headers={"x-rate-limit-reset": reset})

    page = httpx.Response(200, json=recorded("page.json"))
    clock = Clock()
    answers = iter([limited(40), page])
    waiting = http(lambda _: next(answers), clock)
    assert len(ids(list(ZEFIRA.fetch(None, http=waiting, window=Window())))) == 7
    assert sum(clock.slept) == pytest.approx(40, abs=2)
    with pytest.raises(TransientError, match="840 s") as caught:
        list(ZEFIRA.fetch(None, http=replay(limited(840)), window=Window()))
    assert caught.value.retry_after == 840


def test_endless_pages_end() -> None:
    same = {**recorded("page.json"), "meta": {"next_token": "b26v89c19zqg8o3f"}}
    with pytest.raises(TransientError, match="again"):
        list(pull(ZEFIRA, lambda _: httpx.Response(200, json=same)))
    tokens = iter(range(1000))

    def empty(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"meta": {"next_token": str(next(tokens))}})

    with pytest.raises(TransientError, match="nothing new"):
        list(pull(ZEFIRA, empty))
    assert next(tokens) <= 20


@pytest.mark.parametrize(
    "body", [b"<html>Over capacity</html>", b'{"data": [', b"[]", b"{}", b"[" * 100_000]
)
def test_an_answer_that_is_no_result_is_tried_later(body: bytes) -> None:
    with pytest.raises(TransientError):
        list(pull(ZEFIRA, lambda _: httpx.Response(200, content=body)))


def test_the_token_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    list(pull(ZEFIRA, SmallX(minutely(3))))
    assert "secret" not in caplog.text + repr(ZEFIRA)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"bearer_token": " "}, "bearer_token"),
        ({"monthly_budget": 9}, "monthly_budget"),
        ({"query": "-zefira"}, "query"),
        ({"query": "zefira (url:zefira.example OR deliver*)"}, "url:"),
        ({"query": "zefira (author:zefira_lv OR deliver*)", "usernames": False}, "author:"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError, match=names):
        replace(ZEFIRA, **options)


@pytest.mark.parametrize("cursor", ["{", "[]", '{"page": 3}', "7"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ConfigError, match="cursor"):
        list(pull(ZEFIRA, SmallX([]), cursor))
