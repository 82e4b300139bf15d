"""The page of sources: health, gaps, spend and what was set aside; and work started from it."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from fastapi.routing import APIRoute
from markupsafe import escape

from listening import status
from listening.app import App
from listening.records import Rejected
from listening.settings import Secret, Settings, StreamSettings
from listening.stores.sqlite import SqliteStore
from listening.web.people import Needs, Role
from listening.web.site import site
from listening.web.volume import DAYS, Day, volumes
from tests.web_support import client, counted_links, filled, one

ROWS = "id,date,comment\n1,2026-10-01,The crew was kind\n2,2026-10-02,Bad\n3,yesterday,Fair\n"
START = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def app(tmp_path):
    Path(tmp_path / "shop.csv").write_text(ROWS, "utf-8")
    filled(tmp_path / "store.sqlite")
    streams = {
        "shop": StreamSettings(
            source="files",
            label="shop",
            brand="Amberwing",
            options={"path": str(tmp_path / "shop.csv")},
        ),
        "posts": StreamSettings(
            source="x",
            every="6h",
            options={
                "query": "crew",
                "monthly_budget": 500,
                "bearer_token": Secret(where="posts: bearer_token", env="TOKEN"),
            },
        ),
    }
    chosen = Settings(
        folder=tmp_path,
        store=str(tmp_path / "store.sqlite"),
        zone="Europe/Riga",
        streams=streams,
        author_key="k" * 32,
    )
    return App(chosen, creates=False, environ=MappingProxyType({}))


@pytest.fixture
def web(app):
    return client(app)


def ended(web, answer):
    """The job that a form started, when it is over."""
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    return over(web, path.removeprefix("/jobs/"))


def over(web, id_):
    for _ in range(1000):
        job = web.get(f"/api/jobs/{id_}").json()
        if job["state"] not in {"waiting", "running"}:
            return job
        threading.Event().wait(0.02)
    raise AssertionError(job)


def test_a_stream_is_ingested_by_a_job_and_its_run_is_shown(web):
    assert "never run" in web.get("/sources").text
    job = ended(web, web.post("/sources/ingest", data={"stream": "shop"}))
    assert (job["state"], job["done"], job["error"]) == ("done", 3, None)
    assert job["again"] == {"path": "/sources/ingest", "fields": {"stream": "shop"}}
    streams = {one["name"]: one for one in web.get("/api/sources").json()["streams"]}
    assert streams["shop"]["health"] == "ok"
    assert streams["shop"]["run"]["stored"] == 2
    assert streams["shop"]["run"]["quarantined"] == 1
    assert web.get("/api/search?source=shop").json()["total"] == 2


def test_one_stream_that_fails_stops_no_other(web):
    job = ended(web, web.post("/sources/ingest", data={}))
    assert job["state"] == "failed"
    assert "TOKEN is not set; export it" in job["error"]
    posts = next(s for s in web.get("/api/sources").json()["streams"] if s["name"] == "posts")
    assert posts["health"] == "failing"
    assert "TOKEN is not set" in posts["run"]["error"]
    assert "TOKEN is not set" in web.get("/sources").text
    assert web.get("/api/search?source=shop").json()["total"] == 2


def test_health_and_spend_of_a_stream_are_shown(app, web):
    app.store.set_cursor("posts", f'{{"month": "{datetime.now(UTC):%Y-%m}", "spent": 120}}')
    status.pulled(app.store, "posts", datetime.now(UTC) - timedelta(days=2))
    html = web.get("/sources").text
    assert '<span class="state late">late</span>' in html
    assert "120 of 500" in html


def test_what_a_source_counts_is_what_its_link_finds(web):
    links = counted_links(web.get("/sources").text)
    assert len(links) > 30
    for link in links[::7]:
        found = web.get(link.href.replace("/mentions", "/api/search")).json()
        assert found["total"] == link.count, link


def test_days_without_data_are_gaps_only_where_some_are_usual():
    store = SqliteStore()
    busy = [n for n in range(DAYS * 10) if n // 10 not in {20, 21, 22}]
    store.put([one(n, "busy", created_at=START + timedelta(days=n // 10)) for n in busy])
    quiet = {"brand": "Quiet", "kind": "review"}
    moments = [START + timedelta(days=day) for day in range(0, DAYS, 9)]
    store.put([one(n, "q", created_at=moment, **quiet) for n, moment in enumerate(moments)])
    last = START + timedelta(days=DAYS - 1, hours=5)
    found = {each.source: each for each in volumes(store, ["x", "reviews"], "UTC", now=last)}
    (gap,) = found["x"].gaps
    assert (gap.first, gap.last) == (date(2026, 9, 21), date(2026, 9, 23))
    assert found["x"].days[0] == Day(date(2026, 9, 1), 10, is_gap=False)
    assert not [*found["reviews"].gaps]
    later = volumes(store, ["x"], "UTC", now=last + timedelta(days=5))[0]
    assert [gap.last for gap in later.gaps][-1] == (last + timedelta(days=4)).date()
    store.close()


def test_rows_set_aside_are_grouped_by_reason_tried_again_and_discarded(app, web):
    ended(web, web.post("/sources/ingest", data={"stream": "shop"}))
    groups = {one["stream"]: one for one in web.get("/api/sources").json()["aside"]}
    shop = groups["shop"]
    assert shop["rows"] == 1
    assert escape(shop["reason"]) in web.get("/sources").text

    job = ended(web, web.post("/sources/retry", data={"group": shop["group"]}))
    assert (job["state"], job["done"]) == ("done", 1)
    assert shop["group"] in {one["group"] for one in web.get("/api/sources").json()["aside"]}

    rows = len(app.store.quarantine())
    assert web.post("/sources/discard", data={"group": shop["group"]}).status_code == 303
    assert len(app.store.quarantine()) == rows - 1
    assert web.post("/sources/discard", data={"group": shop["group"]}).status_code == 400


def test_hostile_reasons_and_rows_stay_text(app, web):
    aside = [
        Rejected(stream="<b>", origin="<i>", reason=f"<u>{n}", raw=f"<s>{n}") for n in range(60)
    ]
    app.store.set_aside(aside)
    html = web.get("/sources").text
    assert not [tag for tag in ("<u>", "<i>", "<s>") if tag in html]
    assert "&lt;u&gt;1" in html
    assert "more reasons" in html


def test_waiting_texts_are_scored_and_a_query_is_scored_again(app, web):
    app.__dict__["scorer"] = Certain()
    waiting = web.get("/api/status").json()["unscored"]
    job = ended(web, web.post("/sources/score"))
    assert (job["state"], job["total"]) == ("done", sum(app.scorer.seen))
    assert job["total"] >= waiting > 0
    again = ended(web, web.post("/sources/rescore", data={"q": "coffee"}))
    assert again["result"] == "/mentions?q=coffee"
    assert again["done"] == again["total"] == web.get("/api/search?q=coffee").json()["total"]
    assert web.post("/sources/rescore", data={"q": "(("}).status_code == 400


class Certain:
    """Finds everything neutral."""

    model = "m"

    def __init__(self):
        self.seen = []

    def score(self, texts):
        from listening.records import Sentiment  # noqa: PLC0415 - of one test

        self.seen.append(len(texts))
        return [Sentiment(0.1, 0.8, 0.1, self.model) for _ in texts]


def test_calls_start_jobs_and_answer_with_them(web):
    answer = web.post("/api/sources/ingest?stream=shop")
    assert answer.status_code == 202
    assert over(web, answer.json()["id"])["state"] == "done"
    assert web.post("/api/sources/ingest?stream=none").status_code == 400
    assert web.post("/api/sources/discard").json()["discarded"] > 0
    assert web.post("/api/sources/retry").status_code == 400


def routes(found):
    return [route for route in found if isinstance(route, APIRoute)]


def test_who_may_do_what_is_declared(app):
    needed = {
        (route.path, *route.methods): [
            each.dependency.role
            for each in route.dependencies
            if isinstance(each.dependency, Needs)
        ]
        for route in routes(site(app).routes)
        if route.path.startswith(("/sources", "/api/sources", "/jobs", "/api/jobs"))
    }
    posts = {path: roles for (path, method), roles in needed.items() if method == "POST"}
    assert len(posts) == 12
    for path, roles in posts.items():
        assert roles == [Role.ADMIN if "discard" in path else Role.ANALYST], path


def test_without_streams_the_page_says_how_to_add_them(app):
    bare = App(replace(app.settings, streams={}), creates=False, environ=MappingProxyType({}))
    web = client(bare)
    assert "How to add a source" in web.get("/sources").text
    assert web.post("/sources/ingest", data={}).status_code == 400
