"""What X withdrew is erased here too: X's post lookup, replayed, against a real store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from listening.erasure import Swept, sweep
from listening.errors import ConfigError, TransientError
from listening.http import Http
from listening.normalise import Defaults, normalise
from listening.pipeline import Stream, ingest
from listening.records import Checked, Filter, Item, Rejected
from listening.sources.rss import Rss
from listening.sources.x import X
from listening.stores.sqlite import SqliteStore

RECORDINGS = Path(__file__).parent / "recordings" / "x"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
ZEFIRA = X(query="zefira", bearer_token="AAAA-secret-token")  # noqa: S106 - not a real one
HERE, DELETED, PROTECTED = "2123696598021067097", "2123698359628751193", "2123694836413383001"
PROBLEM = "https://api.twitter.com/2/problems/"


def recorded(name: str) -> httpx.Response:
    return httpx.Response(200, json=json.loads((RECORDINGS / name).read_text("utf-8")))


@dataclass
class Lookup:
    """X's lookup of posts: what is not ``here`` is not found; ``asked`` keeps the ids."""

    here: set[str]
    asked: list[list[str]] = field(default_factory=list)
    fails_at: int | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/2/tweets"
        assert request.headers["authorization"] == "Bearer AAAA-secret-token"
        ids = request.url.params["ids"].split(",")
        if len(self.asked) == self.fails_at:
            return httpx.Response(401, json={"title": "Unauthorized", "status": 401})
        self.asked.append(ids)
        lost = [
            {"resource_id": each, "type": f"{PROBLEM}resource-not-found"}
            for each in ids
            if each not in self.here
        ]
        found = [{"id": each, "text": "…"} for each in ids if each in self.here]
        answer = {"data": found, "errors": lost}
        return httpx.Response(200, json={key: value for key, value in answer.items() if value})


def http(answer: Any, slept: list[float] | None = None) -> Http:
    waits = [] if slept is None else slept
    return Http(
        transport=httpx.MockTransport(answer),
        clock=lambda: NOW + sum(waits),
        sleep=waits.append,
    )


def replay(*answers: httpx.Response, slept: list[float] | None = None) -> Http:
    left = iter(answers)
    return http(lambda _: next(left), slept)


def stream(source: Any = ZEFIRA) -> Stream:
    return Stream(name="zefira", source=source, defaults=Defaults(source="x", brand="Zefira"))


def stored(*numbers: int | str, **more: Any) -> SqliteStore:
    store = SqliteStore()
    at = datetime(2026, 11, 20, tzinfo=UTC)
    defaults = {"source": "x", "brand": "Zefira"} | more
    store.put(
        [
            normalise(
                Item(native_id=str(n), text=f"Zefira {n}", created_at=at), Defaults(**defaults)
            )
            for n in numbers
        ]
    )
    return store


def left(store: SqliteStore) -> set[str]:
    return {hit.feedback.native_id for hit in store.search(Filter(), limit=200).hits}


def test_posts_that_x_cannot_find_or_show_are_withdrawn() -> None:
    ids = [HERE, DELETED, PROTECTED]

    answer = ZEFIRA.withdrawn(ids, None, http=replay(recorded("lookup.json")))

    assert (answer.checked, answer.withdrawn) == (3, (DELETED, PROTECTED))
    spent = json.loads(answer.cursor or "")
    assert (spent["month"], spent["spent"], spent["swept"]) == ("2026-11", 1, 1)


def test_what_x_says_nothing_about_or_errs_about_stays() -> None:
    answer = {
        "data": [{"id": "1"}],
        "errors": [
            {"resource_id": "2", "type": f"{PROBLEM}resource-unavailable"},
            {"resource_id": "1", "type": f"{PROBLEM}resource-not-found"},
            {"detail": "Something else", "type": "about:blank"},
        ],
    }
    answers = replay(httpx.Response(200, json=answer))

    assert ZEFIRA.withdrawn(["1", "2", "3"], None, http=answers).withdrawn == ()


@pytest.mark.parametrize("answer", [{}, [], {"data": []}, {"meta": {"result_count": 0}}])
def test_an_answer_without_a_result_withdraws_nothing(answer: Any) -> None:
    with pytest.raises(TransientError, match="without a result"):
        ZEFIRA.withdrawn(["1"], None, http=replay(httpx.Response(200, json=answer)))


def test_ids_that_are_none_of_x_are_not_asked_about() -> None:
    lookup = Lookup({"12"})

    answer = ZEFIRA.withdrawn(["a,1", "12", "12", "9" * 20, "١٢"], None, http=http(lookup))

    assert lookup.asked == [["12"]]
    assert answer.checked == 1
    assert ZEFIRA.withdrawn(["row-1"], None, http=http(lookup)) == Checked(0, (), None)


def test_a_sweep_erases_what_is_gone_for_good_and_keeps_the_rest() -> None:
    store = stored(*range(1, 251))
    lookup = Lookup({str(n) for n in range(1, 241)})
    counted: list[int] = []

    result = sweep(stream(), store, http=http(lookup), progress=counted.append)

    assert result == Swept(stream="zefira", checked=250, erased=10)
    assert [len(ids) for ids in lookup.asked] == counted == [100, 100, 50]
    assert store.search(Filter()).total == 240
    again = normalise(
        Item(native_id="245", text="Zefira", created_at=datetime(2026, 11, 21, tzinfo=UTC)),
        Defaults(source="x", brand="Zefira"),
    )
    assert store.put([again]).duplicates == 1
    assert sweep(stream(), store, http=http(lookup)).erased == 0


def test_only_the_streams_brand_and_source_are_asked_about() -> None:
    store = stored(1)
    store.put([hit.feedback for hit in stored(2, brand="Medus").search(Filter()).hits])
    store.put([hit.feedback for hit in stored(3, source="shop").search(Filter()).hits])
    lookup = Lookup(set())

    sweep(stream(), store, http=http(lookup))

    assert lookup.asked == [["1"]]
    assert left(store) == {"2", "3"}


def test_a_row_set_aside_goes_with_its_post() -> None:
    store = stored(1)
    rows = [
        Rejected(stream="zefira", origin="x", reason="no text", raw=json.dumps({"id": number}))
        for number in ("7", "8")
    ]
    store.set_aside([*rows, replace(rows[0], stream="another")])

    sweep(stream(), store, http=http(Lookup({"1", "8"})))

    kept = [(row.stream, row.raw) for row in store.quarantine().values()]
    assert kept == [("zefira", rows[1].raw), ("another", rows[0].raw)]


def test_what_was_found_before_a_failure_is_erased() -> None:
    store = stored(*range(1, 151))

    with pytest.raises(ConfigError, match="does not know the bearer_token"):
        sweep(stream(), store, http=http(Lookup(set(), fails_at=1)))

    assert store.search(Filter()).total == 50


def test_a_rate_limit_is_waited_for() -> None:
    slept: list[float] = []
    limited = httpx.Response(429, json={"title": "Too Many Requests"}, headers={"retry-after": "9"})

    answers = replay(limited, recorded("lookup.json"), slept=slept)

    assert sweep(stream(), stored(HERE, DELETED), http=answers).erased == 1
    assert 9 in slept


def test_a_sweep_spends_its_share_of_the_budget_and_leaves_the_rest_to_reading() -> None:
    source = replace(ZEFIRA, monthly_budget=200)
    store = stored(*range(1, 251))
    lookup = Lookup({str(n) for n in range(1, 251)})

    with pytest.raises(TransientError, match=r"100 of 100 .* on at 2026-12-01 .* sweep_budget"):
        sweep(stream(source), store, http=http(lookup))

    assert sum(map(len, lookup.asked)) == 100
    search = httpx.Response(200, json={"meta": {"result_count": 0}})
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return search

    ingest(stream(source), store, http=http(answer))
    assert asked[0].url.params["max_results"] == "100"
    saved = json.loads(store.cursor("zefira") or "")
    assert (saved["spent"], saved["swept"]) == (100, 100)


def test_no_more_is_asked_than_the_months_budget_has_left() -> None:
    source = replace(ZEFIRA, monthly_budget=100, sweep_budget=100)
    cursor = json.dumps({"month": "2026-11", "spent": 70})
    lookup = Lookup({str(n) for n in range(100)})

    answer = source.withdrawn([str(n) for n in range(100)], cursor, http=http(lookup))

    assert answer.checked == len(lookup.asked[0]) == 30
    with pytest.raises(TransientError, match="raise monthly_budget") as error:
        source.withdrawn(["1"], answer.cursor, http=http(lookup))
    assert error.value.retry_after == (datetime(2026, 12, 1, tzinfo=UTC).timestamp() - NOW)


def test_a_sweep_keeps_how_far_reading_is() -> None:
    store = stored(HERE, DELETED)
    state = {"since_id": 5, "walk": {"newest": 9, "until": 7}, "month": "2026-10", "spent": 990}
    store.set_cursor("zefira", json.dumps(state))

    sweep(stream(), store, http=replay(recorded("lookup.json")))

    saved = json.loads(store.cursor("zefira") or "")
    assert (saved["since_id"], saved["walk"]) == (5, {"newest": 9, "until": 7})
    assert (saved["month"], saved["spent"]) == ("2026-11", 1)


def test_a_source_that_cannot_be_asked_says_so() -> None:
    feed = Rss(url="https://feed.example/rss")

    with pytest.raises(ConfigError, match="rss cannot be asked"):
        sweep(stream(feed), stored(1), http=http(Lookup(set())))
