"""The page of the model: the scoreboard, what it made of a store, and people's labels."""

import pytest

from listening.desk import Desk, correct
from listening.records import Filter, Label
from listening.web.model import agreement, coverage
from tests.web_support import client, counted_links, filled


@pytest.fixture
def app(tmp_path):
    return filled(tmp_path / "store.sqlite")


@pytest.fixture
def web(app):
    return client(app)


def texts(app, label, count):
    hits = app.store.search(Filter(label=(label,)), limit=count).hits
    return [hit.feedback.id for hit in hits]


def test_the_first_languages_come_first(app, web):
    languages = [one.language for one in coverage(app.store)]
    assert languages[:3] == ["ka", "lv", "lt"]
    html = web.get("/model").text
    board = html[html.index("<table") :]
    assert board.index("Georgian") < board.index("German")
    (about, found) = web.get("/api/model").json()["boards"][0].values()
    assert "demo" in about
    assert list(found)[:2] == ["all", "ka"]


def test_what_the_model_made_of_each_language_is_counted_as_its_links_find(web):
    links = [one for one in counted_links(web.get("/model").text) if "language=" in one.href]
    assert len(links) == 5
    for link in links:
        found = web.get(link.href.replace("/mentions", "/api/search")).json()
        assert found["total"] == link.count, link


def test_people_and_the_model_agree_on_some_texts(app, web):
    desk = Desk(app.store)
    for id_ in texts(app, Label.NEGATIVE, 30):
        correct(desk, id_, Label.NEGATIVE, "Ann")
    for id_ in texts(app, Label.POSITIVE, 10):
        correct(desk, id_, Label.NEUTRAL, "Ann")
    found = web.get("/api/model").json()["agreement"]
    assert found["agreed"]["n"] == 40
    assert found["agreed"]["value"] == 75
    assert found["agreed"]["low"] < 75 < found["agreed"]["high"]
    html = web.get("/model").text
    assert "75 %" in html
    assert html.count("Ann: neutral") == 10


def test_few_labels_give_no_share(app, web):
    (id_,) = texts(app, Label.NEGATIVE, 1)
    correct(Desk(app.store), id_, Label.POSITIVE, "Ann")
    assert web.get("/api/model").json()["agreement"]["agreed"]["reason"] == "too few"


def test_no_labels_are_no_agreement():
    assert agreement([]).agreed.n == 0


def test_a_text_of_the_queue_is_labelled_by_its_button(app, web):
    queue = web.get("/api/model/queue").json()["hits"]
    id_ = queue[0]["id"]
    form = {"id": id_, "label": "positive", "back": "/model#label"}
    answer = web.post("/mentions/label", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/model#label")
    assert id_ not in {hit["id"] for hit in web.get("/api/model/queue").json()["hits"]}
    sentiment = Desk(app.store).hits([id_])[id_].sentiment
    assert sentiment
    assert sentiment.label is Label.POSITIVE


def test_the_page_is_there_before_the_store(tmp_path):
    from tests.web_support import over  # noqa: PLC0415 - of one test

    app = over(str(tmp_path / "none.sqlite"), tmp_path)
    html = client(app).get("/model").text
    assert "How well the model reads" in html
    assert "listening ingest" in html
