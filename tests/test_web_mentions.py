"""Mentions and the query builder: working on what was found, over the app's own routes."""

import csv
import html
import io
import re
import time
from datetime import timedelta
from urllib.parse import quote

import pytest

from listening.desk import Change, correct
from listening.records import Filter, Label, Order, Sentiment
from listening.stores.sqlite import SqliteStore
from listening.web import mentions, query_page, searches
from listening.web.asked import Asked
from listening.web.people import Needs, Role
from tests.elastic import Elastic, server
from tests.web_support import START, client, counted_links, fill, one, over

STORY = "The whole terminal was closed and nobody told us why, so we slept on the floor."


@pytest.fixture
def app(tmp_path):
    store = SqliteStore(str(tmp_path / "store.sqlite"))
    yield prepared(store, over(str(tmp_path / "store.sqlite"), tmp_path))
    store.close()


@pytest.fixture(params=["sqlite", "elasticsearch"])
def either(request, tmp_path):
    """The same over each store."""
    if request.param == "sqlite":
        yield request.getfixturevalue("app")
        return
    elastic = Elastic(server())
    name = elastic.name()
    yield prepared(elastic.store(name), over(f"{elastic.url}/{name}", tmp_path))
    elastic.close()


def prepared(store, app):
    fill(store)
    copies = [
        one(9_000 + n, f"RT @a{n}: {STORY} https://t.example/{n}", created_at=later(n))
        for n in range(30)
    ]
    store.put([one(8_999, STORY, created_at=later(-1)), *copies])
    app.__dict__["store"] = store
    return app


def later(minutes):
    return START + timedelta(days=50, minutes=minutes)


@pytest.fixture
def pages(app):
    return client(app)


def total(app, **asked):
    return sum(b.count for b in app.store.aggregate(Asked(**asked).where(app), by=[]))


def shown(html_text):
    found = re.search(r'id="total">([\d,]+)<', html_text)
    assert found
    return int(found[1].replace(",", ""))


def ids(html_text):
    return [html.unescape(v) for v in re.findall(r'name="ids" value="([^"]*)"', html_text)]


def done(pages, location):
    """The job that a form led to, once it is over."""
    for _ in range(200):
        job = pages.get(f"/api{location}").json()
        if job["state"] not in {"waiting", "running"}:
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def test_the_ticked_ones_are_changed_without_a_script(app, pages):
    ticked = ids(pages.get("/mentions?q=crew&language=en").text)[:3]
    form = {"ids": ticked, "add": "vip, lost bags", "status": "open", "assignee": "Ilze"}
    answer = pages.post("/mentions/change", data=form | {"back": "/mentions?q=crew"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/mentions?q=crew")
    kept = app.desk.entries()
    assert set(kept) == set(ticked)
    assert all(entry.tags == ("lost bags", "vip") for entry in kept.values())
    assert shown(pages.get("/mentions?tag=vip&status=open&assignee=Ilze").text) == 3


def test_what_a_bulk_form_leaves_empty_stays(app, pages):
    ticked = ids(pages.get("/mentions").text)[:2]
    pages.post("/mentions/change", data={"ids": ticked, "add": "a", "status": "open"})
    pages.post(
        "/mentions/change", data={"ids": ticked, "remove": "a", "assignee": "", "status": ""}
    )

    assert {(e.tags, e.status) for e in app.desk.entries().values()} == {((), "open")}
    pages.post("/mentions/change", data={"ids": ticked, "status": "none"})
    assert app.desk.entries() == {}


@pytest.mark.parametrize("form", [{"add": "x"}, {"ids": ["x:y:1"]}, {"ids": ["x"], "add": 'a"'}])
def test_a_form_that_changes_nothing_says_why(pages, form):
    assert pages.post("/mentions/change", data=form).status_code == 400


def test_one_item_is_edited_whole(app, pages):
    (id_, *_) = ids(pages.get("/mentions").text)
    app.desk.change([id_], Change(add=("old", "kept"), note="before"))
    form = {"id": id_, "tags": "kept, New", "status": "answered", "note": "<b>said</b>"}
    back = {"back": "/mentions#m1"}
    assert pages.post("/mentions/one", data=form | back).headers["location"] == "/mentions#m1"

    entry = app.desk.entries()[id_]
    assert (entry.tags, entry.status, entry.note) == (("New", "kept"), "answered", "<b>said</b>")
    assert "&lt;b&gt;said&lt;/b&gt;" in pages.get("/mentions").text


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_no_form_leads_off_this_site(app, pages, back):
    (id_, *_) = ids(pages.get("/mentions").text)
    answer = pages.post("/mentions/change", data={"ids": [id_], "add": "x", "back": back})
    assert answer.headers["location"] == "/mentions"


def test_all_that_a_query_finds_is_changed_by_a_job_that_says_how_many(either):
    with client(either) as pages:
        address = "q=flight&language=lv&brand=Amberwing"
        many = total(either, q="flight OR reiss", language=("lv",), brand=("Amberwing",))
        address = address.replace("flight", quote("flight OR reiss"))
        assert many > 20
        confirm = pages.get(f"/mentions/all?{address}").text
        assert f"Change all {many} mentions" in confirm
        answer = pages.post(f"/mentions/all?{address}", data={"add": "delays", "status": "closed"})
        job = done(pages, answer.headers["location"])

        assert (job["state"], job["done"], job["total"]) == ("done", many, many)
        assert total(either, tag=("delays",)) == total(either, q="tag:delays status:closed") == many
        assert shown(pages.get("/mentions?tag=delays").text) == many


def test_behind_every_number_of_the_desk_are_as_many_mentions(either):
    pages = client(either)
    chosen = ids(pages.get("/mentions?limit=60").text)
    for place, id_ in enumerate(chosen):
        change = Change(
            add=("even",) if place % 2 else ("odd", "third"), status=("open", "")[place % 2]
        )
        either.desk.change([id_], change)
    for narrowed in ("", "?language=en", "?tag=odd&tag=none", "?status=open&q=-tag:third"):
        links = set(counted_links(pages.get("/mentions" + narrowed).text))
        desk = {link for link in links if re.search("tag=|status=", link.href)}
        assert desk
        for link in desk:
            found = pages.get(link.href.replace("/mentions", "/api/search", 1)).json()
            assert (link.href, found["total"]) == (link.href, link.count)


def test_a_label_is_corrected_kept_and_taken_back(app, pages):
    found = pages.get("/api/search?q=coffee&sentiment=negative&limit=1").json()["hits"][0]
    before = total(app, sentiment=("positive",))
    pages.post("/mentions/label", data={"id": found["id"], "label": "positive"})
    assert total(app, sentiment=("positive",)) == before + 1
    assert "positive, by you" in pages.get("/mentions?q=coffee").text

    score = Sentiment(0.9, 0.05, 0.05, "another")
    app.store.annotate([(found["id"], found["text"], score)])
    assert total(app, sentiment=("positive",)) == before + 1
    (label,) = pages.get("/api/labels").json()["labels"]
    assert (label["label"], label["model_label"], label["by"]) == ("positive", "negative", "you")

    pages.post("/mentions/label", data={"id": found["id"]})
    assert total(app, sentiment=("positive",)) == before
    assert pages.get("/api/labels").json() == {"labels": []}


def test_copies_are_folded_and_the_count_stays(either):
    pages = client(either)
    address = "/mentions?q=terminal+floor"
    page = pages.get(address).text
    assert shown(page) == 31
    assert page.count('<article class="card hit') == 1
    assert "and 30 copies" in page
    assert len(ids(page)) == 31
    apart = pages.get(address + "&apart=true").text
    assert apart.count('<article class="card hit') == 20
    assert "copies</summary>" not in apart


@pytest.mark.parametrize("order", Order)
def test_folded_pages_in_any_order_are_together_all(app, pages, order):
    address, seen = f"/mentions?limit=15&brand=Amberwing&sort={order}", []
    while address:
        page = pages.get(address).text
        seen += ids(page)
        found = re.search(r'href="([^"]*)" rel="next"', page)
        address = html.unescape(found[1]) if found else ""

    assert len(seen) == len(set(seen)) == total(app, brand=("Amberwing",))


def test_most_negative_first_begins_with_the_most_negative(pages):
    hits = pages.get("/api/mentions?sort=negative&limit=30").json()["hits"]
    chances = [hit["sentiment"]["negative"] for hit in hits if hit["sentiment"]]
    assert chances == sorted(chances, reverse=True)
    assert "most negative first" in pages.get("/mentions?sort=negative").text


def test_why_each_was_found_is_said(pages):
    page = pages.get(f"/mentions?q={quote('bagāža OR coffee')}&sentiment=negative").text
    assert "it has “Bagāža” for bagāža" in page
    hit = pages.get("/api/mentions?q=coffee&limit=1").json()["hits"][0]
    assert hit["why"] == [{"wanted": "coffee", "words": ["coffee"]}]
    assert "Why it was found" not in pages.get("/mentions?brand=Amberwing").text


def test_a_search_is_saved_from_the_filters_and_finds_the_same(app, pages):
    narrowed = "q=crew+OR+coffee&language=en&sentiment=negative&sentiment=none&kind=review&tag=none"
    answer = pages.post(
        f"/searches?{narrowed}&since=2026-09-20", data={"name": "Cold", "shared": "1"}
    )
    assert answer.status_code == 303
    (saved,) = pages.get("/api/searches").json()["searches"]

    found = pages.get("/api/search", params={"q": 'saved:"cold"'}).json()["total"]
    assert found == pages.get(f"/api/search?{narrowed}").json()["total"] > 0
    assert found == pages.get("/api/search", params={"q": saved["query"]}).json()["total"]
    assert "Cold</span>" in pages.get("/mentions").text
    assert pages.post("/searches/remove", data={"name": "COLD"}).status_code == 303
    assert pages.get("/api/searches").json() == {"searches": []}


def test_a_search_that_is_not_there_is_pointed_at(pages):
    answer = pages.get("/api/search", params={"q": 'crew saved:"Nothing"'})
    assert answer.status_code == 400
    assert (answer.json()["error"], answer.json()["position"]) == ("QueryError", 5)


def test_csv_says_what_people_keep_and_no_cell_runs(app, pages):
    (id_, *_) = ids(pages.get("/mentions?q=coffee").text)
    app.desk.change([id_], Change(add=("=1+1", "vip"), status="open", note="@SUM(A1)"))
    correct(app.desk, id_, Label.NEUTRAL, "Ilze")
    rows = list(
        csv.DictReader(io.StringIO(pages.get("/mentions.csv?tag=vip").text.lstrip("\ufeff")))
    )

    (row,) = rows
    assert (row["id"], row["tags"], row["note"]) == (id_, "'=1+1, vip", "'@SUM(A1)")
    assert (row["status"], row["sentiment"], row["labelled_by"]) == ("open", "neutral", "Ilze")


def test_all_rows_are_exported_by_a_job(app):
    with client(app) as pages:
        answer = pages.post("/mentions/export?brand=Amberwing")
        job = done(pages, answer.headers["location"])
        file = pages.get(job["result"])

        rows = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
        assert len(rows) == 1 + total(app, brand=("Amberwing",)) == 1 + job["done"]
        assert "attachment" in file.headers["content-disposition"]
        for wrong in ("/exports/x.csv", "/exports/..%2f..%2fetc.csv", f"/exports/{'0' * 20}.csv"):
            assert pages.get(wrong).status_code in {400, 404}


def test_the_query_builder_points_at_what_is_wrong(pages):
    page = pages.get("/query?q=crew+AND+(late").text
    assert "This query cannot be read" in page
    assert "crew AND <mark>(</mark>late" in page
    assert pages.get("/api/query?q=crew+AND+(late").json()["position"] == 9


def test_the_query_builder_says_what_a_query_would_bring(app, pages):
    q = quote("bagāža OR coffee -job")
    examples = quote("Kur ir mana bagāžas etiķete?\nNothing of it\n")
    page = pages.get(f"/query?q={q}&examples={examples}").text
    said = pages.get(f"/api/query?q={q}&examples={examples}").json()

    many = total(app, q="bagāža OR coffee -job")
    assert said["total"] == sum(said["days"].values()) == sum(said["brands"].values()) == many
    assert said["canonical"] == "bagāža OR coffee AND NOT job"
    assert [one["matches"] for one in said["examples"]] == [True, False]
    assert {"word": "bagāža", "language": "lv", "forms": {"bagāža": 84}} in said["forms"]
    assert (said["expected"]["days"], said["expected"]["low"]) == (28, 0)
    assert f"Open {many} mentions" in page
    assert "does not match" in page
    assert "/alerts/rules/new?query=bag" in page
    for link in counted_links(page):
        asked = pages.get(link.href.replace("/mentions", "/api/search", 1)).json()
        assert asked["total"] == link.count


def test_too_few_days_are_no_ground_for_an_expectation(tmp_path):
    path = str(tmp_path / "short.sqlite")
    store = SqliteStore(path)
    store.put([one(n, "The crew", created_at=START + timedelta(days=n)) for n in range(5)])
    store.close()
    said = client(over(path, tmp_path)).get("/api/query?q=crew").json()
    assert (said["total"], said["expected"]) == (5, None)


def test_the_interface_does_what_the_forms_do(app, pages):
    chosen = [hit["id"] for hit in pages.get("/api/search?limit=2").json()["hits"]]
    call = {"ids": [*chosen, "no:such:id"], "add": "vip", "status": "open", "note": "x"}
    assert pages.post("/api/mentions/change", json=call).json() == {"changed": 2}
    hit = next(h for h in pages.get("/api/mentions").json()["hits"] if h["id"] in chosen)
    wanted = {"tags": ["vip"], "status": "open", "assignee": None, "note": "x", "label": None}
    assert hit["desk"] == wanted
    saved = pages.post("/api/searches", json={"name": "VIPs", "query": "tag:vip"}).json()
    assert (saved["name"], saved["query"], saved["by"]) == ("VIPs", 'tag:"vip"', "you")
    assert pages.delete("/api/searches?name=vips").json()["name"] == "VIPs"
    assert pages.delete("/api/searches?name=vips").status_code == 400


def test_whoever_changes_anything_is_an_analyst():
    routers = (mentions, searches, query_page)
    routes = [
        route for module in routers for r in (module.router, module.calls) for route in r.routes
    ]
    open_to_all = {
        route.path
        for route in routes
        if route.methods & {"POST", "DELETE"}
        and not any(
            isinstance(d.dependency, Needs) and d.dependency.role is Role.ANALYST
            for d in route.dependencies
        )
    }
    assert open_to_all == set()


def test_erased_feedback_is_on_no_desk(app, pages):
    found = pages.get("/api/search?q=coffee&limit=1").json()["hits"][0]["id"]
    app.desk.change([found], Change(add=("vip",)))
    app.erase(None, [found])

    assert shown(pages.get("/mentions?tag=vip").text) == 0
    assert app.store.notes("desk") == {}
    assert total(app) == sum(b.count for b in app.store.aggregate(Filter(), by=[]))
