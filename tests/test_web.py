import csv
import io
import json
import re
from html.parser import HTMLParser
from types import MappingProxyType
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from listening import __version__, query
from listening.app import App
from listening.errors import TransientError
from listening.records import Filter, Kind
from listening.settings import Settings
from listening.stores.sqlite import SqliteStore
from listening.web.export import cell
from listening.web.guard import CSP
from listening.web.render import safe_link
from listening.web.site import site
from tests.elastic import Elastic, server
from tests.web_support import (
    CALLS,
    HOSTILE,
    OTHERS,
    PAGES,
    URLS,
    client,
    counted_links,
    fill,
    filled,
    one,
    over,
)

NARROWED = (
    "",
    "?brand=Me%22dus+%26+S%C3%B6hne",
    "?since=2026-09-20&to=2026-10-05&by=week",
    "?q=crew+OR+bag%C4%81%C5%BEa+OR+coffee&language=en",
    "?sentiment=negative&sentiment=none&source=reviews",
    "?score=nps:9..10&since=2026-09-20",
)
ELEMENTS = set(
    re.findall(
        r"\w+",
        "html head meta title link body script a header div img nav main footer h1 h2 h3 form label"
        " input select option button span b i p small section article aside details summary table"
        " thead tbody tr th td svg g rect line circle text ul li dl dt dd code pre mark blockquote"
        " time br textarea fieldset legend datalist",
    )
)


OUR_SCRIPT = [("script", "src", f"/static/script.js?{__version__}"), ("script", "defer", "")]


@pytest.fixture(scope="module")
def app(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield filled(tmp_path_factory.mktemp("web") / "store.sqlite")


@pytest.fixture(scope="module")
def pages(app):
    return client(app)


class Read(HTMLParser):
    """What a browser would make of a page: its elements, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.said = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.said.append(data)


@pytest.mark.parametrize("path", PAGES + CALLS + OTHERS)
def test_every_route_answers_with_the_headers_that_keep_it_safe(pages, path):
    response = pages.get(path)

    assert response.status_code == 200
    assert response.headers["content-security-policy"] == CSP
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "same-origin"
    cached = "public" if path.startswith("/static/") else "no-store"
    assert response.headers["cache-control"].startswith(cached)


def test_all_that_pages_tell_can_be_asked_of_the_interface(app):
    documented = site(app).openapi()["paths"]

    told = ("search", "report", "status", "explain", "topics", "compare", "mentions", "searches")
    more = ("alerts", "sources", "model", "jobs", "labels", "query")
    assert {f"/api/{name}" for name in (*told, *more)} <= set(documented)
    assert all(path.startswith("/api/") for path in documented)


@pytest.mark.parametrize("narrowed", NARROWED)
@pytest.mark.parametrize("path", ["/", "/surveys", "/mentions"])
def test_behind_every_number_are_as_many_mentions(app, pages, path, narrowed):
    html = pages.get(path + narrowed).text
    links = set(counted_links(html))

    assert len(links) >= 5 or "No answers" in html
    seen = site_counts(pages, {link.href for link in links})
    assert {link for link in links if seen[link.href] != link.count} == set()


def site_counts(pages, addresses):
    """How many mentions each address finds, asked of the interface that is quicker to read."""
    found = {}
    for address in addresses:
        parts = urlsplit(address)
        reply = pages.get(f"/api/search?limit=1&{parts.query}")
        assert reply.status_code == 200, address
        found[address] = reply.json()["total"]
    return found


@pytest.mark.parametrize("path", ["/", "/surveys", "/mentions?sentiment=none&source=reviews"])
def test_on_elasticsearch_they_are_as_many_too(cluster, path):
    links = set(counted_links(cluster.get(path).text))

    assert len(links) >= 5
    seen = site_counts(cluster, {link.href for link in links})
    assert {link for link in links if seen[link.href] != link.count} == set()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, cache):
    elastic = Elastic(server())
    name = elastic.name()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        fill(elastic.store(name))
        yield client(over(f"{elastic.url}/{name}", tmp_path_factory.mktemp("cluster")))
    elastic.close()


@pytest.fixture(autouse=True)
def _cluster_reached(request):
    """The block of the network, which every test begins with, spares the server."""
    if "cluster" in request.fixturenames:
        server()


def test_a_number_is_the_one_that_the_mentions_page_says(pages):
    links = counted_links(pages.get("/").text)[::9]

    for link in links:
        said = re.search(r'id="total">([\d,]+)<', pages.get(link.href).text)
        assert said
        assert int(said[1].replace(",", "")) == link.count


def test_every_figure_has_its_margin_and_its_n_or_says_that_there_is_too_little(pages):
    for path in ("/", "/surveys"):
        html = pages.get(path).text
        figures = re.findall(r'class="figure[^"]*">([^<]*)</span>\s*(<(?:a|span) class="n")?', html)
        assert len(figures) > 10
        assert all(link and ("±" in said or said == "too few") for said, link in figures)
        assert any(said == "too few" for said, _ in figures)


def test_cells_of_few_answers_are_grey(pages):
    html = pages.get("/surveys").text

    assert '<td class="r few"' in html
    assert "Cells of fewer than 30 answers" in html


@pytest.mark.parametrize(
    "path", [*PAGES, "/?q=crew", "/mentions?limit=200&q=crew", "/surveys?q=crew"]
)
def test_hostile_texts_are_nothing_but_text(pages, path):
    read = Read(pages.get(path).text)

    assert read.elements <= ELEMENTS
    assert [one for one in read.attributes if one[1].startswith("on") or one[1] == "style"] == []
    links = [value for _, name, value in read.attributes if name in {"href", "src", "action"}]
    assert {urlsplit(link).scheme for link in links} <= {"", "https", "http"}
    assert [one for one in read.attributes if one[0] == "script"] == OUR_SCRIPT


def test_hostile_texts_are_shown_as_they_are(pages):
    said = "".join(Read(pages.get("/mentions?limit=200&q=crew+source:x").text).said)

    shown = [text for text in HOSTILE if text.isprintable() and text in said]
    assert len(shown) >= 50


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_address_is_nothing_but_text(pages, text):
    for path in (
        *("/mentions?q=", "/mentions?cursor=", "/mentions?score="),
        *("/?brand=", "/?since=", "/surveys?segment="),
    ):
        response = pages.get(path + quote(text))
        read = Read(response.text)
        assert response.status_code in {200, 400}
        assert read.elements <= ELEMENTS
        assert [one for one in read.attributes if one[0] == "script"] == OUR_SCRIPT
        assert not [name for _, name, _ in read.attributes if name.startswith("on")]


def test_what_was_found_is_marked_in_the_escaped_text(pages):
    html = pages.get("/mentions?q=queue").text

    assert "The <mark>queue</mark> at gate" in html
    assert "&lt;script&gt;" in pages.get("/mentions?q=crew+source:x&limit=200").text


def test_only_links_of_the_web_are_links(pages):
    assert [safe_link(url) for url in URLS] == [URLS[0], None, None, None, None, URLS[-1]]
    html = pages.get("/mentions?q=source:x+crew&limit=200").text
    away = re.findall(r'<a class="away" href="([^"]*)" rel="([^"]*)"', html)
    assert {url for url, _ in away} == {URLS[0], URLS[-1]}
    assert all({"noopener", "nofollow", "ugc"} <= set(rel.split()) for _, rel in away)


def test_a_query_that_cannot_be_read_is_shown_with_the_character_at_fault(pages):
    response = pages.get("/mentions?q=crew+(late+AND")

    assert response.status_code == 400
    assert "(late <mark>AND</mark>" in response.text or "<mark>A</mark>ND" in response.text
    assert 'value="crew (late AND"' in response.text
    said = pages.get("/api/search?q=crew+(late+AND")
    assert (said.status_code, said.json()["error"]) == (400, "QueryError")
    with pytest.raises(query.QueryError) as error:
        query.parse("crew (late AND")
    assert said.json()["position"] == error.value.position


def test_a_query_is_explained_in_words(pages):
    assert "Finds texts that contain" in pages.get("/mentions?q=bagāža").text


@pytest.mark.parametrize(
    "wrong",
    [
        *("limit=0", "limit=201", "limit=x", "cursor=nonsense", "since=yesterday", "to=2026-02-30"),
        *("since=2026-10-02&to=2026-10-01", "kind=gossip", "sentiment=angry", "score=brand:x"),
        *("score=nps:11", "to=9999-12-31", "q=" + "a" * 2001),
        "&".join(f"brand={n}" for n in range(51)),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_words(pages, wrong):
    page, call = pages.get(f"/mentions?{wrong}"), pages.get(f"/api/search?{wrong}")

    assert (page.status_code, call.status_code) == (400, 400)
    assert len(call.json()["message"]) > 20
    assert re.search("Not like this|This query cannot be read", page.text)


def test_a_page_that_is_not_there_says_so(pages):
    assert pages.get("/nowhere").status_code == 404
    assert "no such page" in pages.get("/nowhere").text
    assert pages.get("/static/../pages.py").status_code == 404
    assert pages.get("/static/%2e%2e/pages.py").status_code == 404


def test_later_may_do_is_503(app):
    def busy():
        raise TransientError("others keep the store busy; try again", retry_after=7)

    inner = site(app)
    inner.add_api_route("/busy", busy)
    inner.add_api_route("/api/busy", busy)
    asked = TestClient(inner)
    assert (asked.get("/busy").status_code, asked.get("/busy").headers["retry-after"]) == (503, "7")
    assert asked.get("/api/busy").json()["error"] == "TransientError"


def test_pages_go_on_by_the_cursor_and_lose_none(app, pages):
    address, ids = "/api/search?limit=200&brand=Amberwing", []
    while address:
        said = pages.get(address).json()
        ids += [hit["id"] for hit in said["hits"]]
        cursor = said["cursor"]
        address = cursor and f"/api/search?limit=200&brand=Amberwing&cursor={quote(cursor)}"

    assert len(ids) == len(set(ids)) == said["total"] == total(app, Filter(brand=("Amberwing",)))
    older = re.search(r'href="([^"]*)" rel="next"', pages.get("/mentions?brand=Amberwing").text)
    assert older
    assert "Back to the newest" in pages.get(older[1].replace("&amp;", "&")).text


def total(app, where):
    return sum(bucket.count for bucket in app.store.aggregate(where, by=[]))


def test_the_interface_says_what_the_app_says(app, pages):
    assert pages.get("/api/report").json() == json.loads(json.dumps(app.report(Filter()).as_json()))
    assert pages.get("/api/status").json()["feedback"] == total(app, Filter())
    reviews = pages.get("/api/search?kind=review").json()
    assert reviews["total"] == total(app, Filter(kind=(Kind.REVIEW,)))
    said = pages.get("/api/explain?q=bagāža&text=pazuda bagāžas").json()
    assert (said["matches"], said["words"]) == (True, ["bagāžas"])


def test_a_csv_has_every_row_and_no_formula(pages):
    response = pages.get("/mentions.csv?brand=Amberwing")

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == pages.get("/api/search?brand=Amberwing").json()["total"]
    assert not [
        value for row in rows for value in row.values() if value[:1] in "=+-@\t\r" and value
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n"])
@pytest.mark.parametrize("before", ["", " ", "'", '"', " '\"", "\u200b", "\ufeff"])
def test_no_spreadsheet_takes_a_text_for_a_formula(before, start):
    assert cell(f"{before}{start}1+1").startswith("'")


def test_numbers_and_plain_texts_are_written_as_they_are():
    assert [cell(-5), cell("a=b"), cell(None), cell("")] == ["-5", "a=b", "", ""]


def test_without_a_store_the_pages_say_how_to_fill_one(tmp_path):
    asked = client(App(Settings(folder=tmp_path), creates=False, environ=MappingProxyType({})))

    for path in ("/", "/mentions", "/surveys", "/sources", "/api/search"):
        assert asked.get(path).status_code == 400
        assert "listening ingest" in asked.get(path).text
    assert asked.get("/health").status_code == 200
    assert asked.get("/api/status").json()["exists"] is False
    assert list(tmp_path.iterdir()) == []


def test_a_store_made_later_is_found(tmp_path):
    inner = App(
        Settings(folder=tmp_path, store="s.sqlite"), creates=False, environ=MappingProxyType({})
    )
    asked = client(inner)
    assert asked.get("/").status_code == 400
    filled(tmp_path / "s.sqlite")
    assert asked.get("/").status_code == 200


def test_a_chart_of_too_little_says_so(pages):
    html = pages.get("/?since=2026-09-20&to=2026-09-24&brand=Amberwing").text

    assert "Too few scored texts in any day for net sentiment" in html
    assert "Too few scored texts" not in pages.get("/?by=week").text


def test_what_is_new_is_counted_at_once(tmp_path, cache):
    path = tmp_path / "s.sqlite"
    asked = client(filled(path))
    before = asked.get("/api/report").json()["overall"]
    assert asked.get("/api/report").json()["overall"] == before

    store = SqliteStore(str(path))
    store.put([one(99_999, "Brand new")])
    store.close()
    assert asked.get("/api/report").json()["overall"]["items"] == before["items"] + 1
    assert f">{before['items'] + 1}<" in asked.get("/").text.replace(",", "")


def test_nothing_found_is_said(pages):
    for path in ("/?q=unfindable", "/mentions?q=unfindable", "/surveys?q=unfindable"):
        assert re.search("Nothing was found|No answers", pages.get(path).text)


def test_the_scoreboard_begins_with_our_first_languages(pages):
    names = re.findall(r'<tr[^>]*><th scope="row">([^<]*)</th>', pages.get("/model").text)

    assert names[:4] == ["All", "Georgian", "Latvian", "Lithuanian"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.sampled_from(["q", "brand", "sentiment", "since", "to", "score", "cursor", "limit"]),
        st.text(max_size=30) | st.sampled_from(["nps:1", "2026-10-01", "negative", "day", "5"]),
    ),
    st.sampled_from(["/api/search", "/api/report", "/api/explain", "/mentions", "/"]),
)  # fmt: skip
def test_no_address_breaks_the_server(pages, given_, path):
    assert pages.get(path, params=given_).status_code in {200, 400}
