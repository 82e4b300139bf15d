"""What people keep beside the feedback, on both stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from listening import erasure, pipeline, query
from listening.alerts.rules import Rule, When, check
from listening.app import App
from listening.desk import (
    Change,
    Desk,
    Entry,
    by_value,
    correct,
    disagreements,
    label_queue,
    labelled,
    take_back,
)
from listening.desk.why import Reason, Why, in_words
from listening.errors import ConfigError
from listening.query import QueryError
from listening.records import DESK, PERSON, Feedback, Filter, Kind, Label, Sentiment, Status
from listening.settings import Settings
from listening.tree import Node
from tests.cli_support import Done
from tests.elastic import Elastic, server

START = datetime(2026, 9, 1, 8, tzinfo=UTC)
TEXTS = (
    ("lv", "Bagāža pazuda jau otro reizi šogad."),
    ("lv", "Apkalpe bija ļoti laipna, paldies!"),
    ("lt", "Bagažas sugadintas, niekas neatsako."),
    ("lt", "Skrydis vėlavo dvi valandas."),
    ("ka", "ბარგი დაიკარგა და არავინ პასუხობს."),
    ("en", "The crew was kind, but my luggage is lost."),
)


class Always:
    """A scorer that says the same of every text."""

    def __init__(self, label: Label, model: str = "m") -> None:
        self.model = model
        negative, neutral, positive = (0.6 if label == each else 0.2 for each in [*Label][:3])
        self.sentiment = Sentiment(negative, neutral, positive, model)

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        return [self.sentiment for _ in texts]


def said(number: int, text: str = "", **more: Any) -> Feedback:
    language, usual = TEXTS[number % len(TEXTS)]
    brand = ("Amberwing", "Medus")[number % 2]
    values: dict[str, Any] = {
        "language": language,
        "text": text or usual,
        "brand": brand,
        "version": 1,
    } | more
    return Feedback(
        id=f"{values['brand']}:x:{number}",
        source="x",
        native_id=str(number),
        kind=Kind.MENTION,
        created_at=START + timedelta(hours=number),
        **values,
    )


@pytest.fixture(params=["sqlite", "elasticsearch"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    if request.param == "sqlite":
        made = over(str(tmp_path / "store.sqlite"), tmp_path)
        yield filled(made)
        return
    elastic = Elastic(server())
    made = over(f"{elastic.url}/{elastic.name()}", tmp_path)
    made.__dict__["store"] = elastic.store()
    yield filled(made)
    elastic.close()


def over(store: str, folder: Path) -> App:
    settings = Settings(folder=folder, store=store, author_key="k" * 32)
    return App(settings, environ=MappingProxyType({}))


def filled(app: App) -> App:
    app.store.put([said(number) for number in range(12)])
    pipeline.score(app.store, Always(Label.NEGATIVE))
    return app


def ids(app: App, text: str) -> list[str]:
    return [one.id for one in pipeline.found(app.store, app.where(text))]


def counted(app: App, text: str) -> int:
    return sum(bucket.count for bucket in app.store.aggregate(app.where(text), by=[]))


def sentiment(app: App, id_: str) -> Sentiment | None:
    return app.desk.hits([id_])[id_].sentiment


ONE, TWO = said(0), said(1)


def test_what_is_noted_is_found_and_counted_alike(app: App) -> None:
    app.desk.change([ONE.id], Change(add=("Lost bag", "VIP"), status="open", assignee="Ilze Ozola"))
    app.desk.change([TWO.id], Change(add=("vip",), status="closed"))

    wanted = {
        "tag:vip": 2,
        'tag:"lost bag"': 1,
        "tag:lost*": 1,
        "tag:any": 2,
        "-tag:any": 10,
        "status:open": 1,
        "-status:any bagāža": 3,
        'assignee:"ilze ozola"': 1,
        "tag:vip -status:closed": 1,
        "(tag:vip OR lang:ka)": 4,
        "tag:nobody": 0,
    }
    for text, number in wanted.items():
        assert (text, len(ids(app, text)), counted(app, text)) == (text, number, number)


def test_a_value_is_one_however_it_is_spelled(app: App) -> None:
    for number, tag in enumerate(("VIP", "vip", "vip", "Zīme", "zime", "Zīme")):
        app.desk.change([said(number).id], Change(add=(tag,)))

    given = by_value(app.desk.entries(), "tag")
    assert {tag: len(ids_) for tag, ids_ in given.items()} == {"vip": 3, "Zīme": 3}
    assert counted(app, "tag:VIP") == 3
    assert counted(app, "tag:ZIME") == 3


def test_a_change_leaves_what_it_does_not_name_and_takes_away_what_is_empty(app: App) -> None:
    app.desk.change([ONE.id], Change(add=("a", "b"), status="open", note="First\r\nsecond"))
    app.desk.change([ONE.id], Change(remove=("A",), assignee="Jonas"))
    kept = Entry(tags=("b",), status=Status.OPEN, assignee="Jonas", note="First\nsecond")
    assert app.desk.entries() == {ONE.id: kept}

    app.desk.change([ONE.id], Change(remove=("b",), status="", assignee="", note=""))
    assert app.desk.entries() == {}
    assert app.store.notes(DESK)[ONE.id].value == ""


def test_of_an_id_that_is_not_there_nothing_is_kept(app: App) -> None:
    assert app.desk.change(["no:such:id", ONE.id], Change(add=("x",))) == 1
    assert list(app.store.notes(DESK)) == [ONE.id]


def test_two_who_change_the_same_item_lose_nothing(app: App) -> None:
    mine, theirs = Desk(app.store), Desk(app.store)
    interrupted: list[int] = []

    def slow(entry: Entry) -> Entry:
        if not interrupted:
            interrupted.append(theirs.change([ONE.id], Change(add=("theirs",))))
        return Change(add=("mine",)).of(entry)

    mine.update([ONE.id], slow)
    assert app.desk.entries()[ONE.id].tags == ("mine", "theirs")


def test_erasing_takes_all_that_was_kept(app: App) -> None:
    app.desk.change([ONE.id, TWO.id], Change(add=("x",), note="Call +371 2000000"))
    assert erasure.erase(app.store, app.where("tag:x lang:lv"), []).feedback == 2

    assert app.desk.entries() == {}
    assert app.store.notes(DESK) == {}
    assert counted(app, "tag:x") == 0


def test_what_expires_leaves_an_empty_note(app: App) -> None:
    app.desk.change([ONE.id], Change(note="Call back"))
    kept = App(replace(app.settings, keep="30d"))
    kept.__dict__["store"] = app.store
    assert kept.expire(now=datetime(2026, 12, 24, tzinfo=UTC)) == 12
    assert [note.value for note in app.store.notes(DESK).values()] == [""]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"add": (name,)} for name in ('a "b"', "x*", "any", "x" * 61)),
        *({"status": "lost"}, {"assignee": "a\u202eb"}, {"note": "x" * 2_001}),
    ],
)
def test_what_no_query_could_name_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Change(**wrong)


def test_a_persons_label_survives_every_scoring(app: App) -> None:
    correct(app.desk, ONE.id, Label.POSITIVE, "Ilze")
    assert counted(app, "sentiment:positive") == 1
    assert ids(app, "sentiment:positive") == [ONE.id]

    pipeline.score(app.store, Always(Label.NEUTRAL, "n"))
    assert pipeline.rescore(app.store, Always(Label.NEUTRAL, "n"), Filter()).texts == 11
    app.store.annotate([(ONE.id, ONE.text, Always(Label.NEUTRAL, "n").sentiment)])
    found = sentiment(app, ONE.id)
    assert found is not None
    assert (found.label, found.model, found.confidence) == (Label.POSITIVE, PERSON, 1.0)
    assert counted(app, "sentiment:neutral") == 11


def test_a_label_ends_with_its_text(app: App) -> None:
    correct(app.desk, ONE.id, Label.POSITIVE, "Ilze")
    app.store.put([replace(ONE, text="Viss beidzot ir kārtībā.", version=2)])

    assert sentiment(app, ONE.id) is None
    assert labelled(app.store) == []
    assert pipeline.score(app.store, Always(Label.NEGATIVE)).texts == 1


def test_a_label_taken_back_is_the_models_again_and_scored_anew(app: App) -> None:
    before = sentiment(app, ONE.id)
    correct(app.desk, ONE.id, Label.POSITIVE, "Ilze")
    correct(app.desk, ONE.id, Label.NEUTRAL, "Jonas")
    take_back(app.desk, ONE.id)

    assert sentiment(app, ONE.id) == before
    assert app.desk.entries() == {}
    assert pipeline.score(app.store, Always(Label.NEUTRAL, "n")).texts == 12


def test_a_text_labelled_before_it_was_scored_waits_again(app: App) -> None:
    app.store.put([said(99, "Neviens vēl nav lasījis.")])
    correct(app.desk, said(99).id, Label.NEUTRAL, "Ilze")
    assert pipeline.score(app.store, Always(Label.NEGATIVE)).texts == 0
    take_back(app.desk, said(99).id)
    assert pipeline.score(app.store, Always(Label.NEGATIVE)).texts == 1


def test_disagreements_say_who_said_what(app: App) -> None:
    correct(app.desk, ONE.id, Label.POSITIVE, "Ilze")
    correct(app.desk, ONE.id, Label.NEUTRAL, "Jonas")
    correct(app.desk, TWO.id, Label.NEGATIVE, "Ilze")

    assert {one.id for one in labelled(app.store)} == {ONE.id, TWO.id}
    (one,) = disagreements(app.store)
    assert (one.id, one.text, one.label, one.by) == (ONE.id, ONE.text, Label.NEUTRAL, "Jonas")
    assert (one.model_label, one.model) == (Label.NEGATIVE, "m")


def test_only_texts_have_labels(app: App) -> None:
    app.store.put([replace(said(50), text="")])
    with pytest.raises(ConfigError, match="no text"):
        correct(app.desk, said(50).id, Label.NEUTRAL, "Ilze")
    with pytest.raises(ConfigError, match="no feedback"):
        correct(app.desk, "no:such:id", Label.NEUTRAL, "Ilze")


def test_the_queue_has_the_least_sure_first_of_each_language_and_brand_in_turn(app: App) -> None:
    for number in range(12):
        sure = 0.4 + number / 25
        score = Sentiment(sure, (1 - sure) / 2, (1 - sure) / 2, "m", 0.45)
        app.store.annotate([(said(number).id, said(number).text, score)])
    correct(app.desk, said(5).id, Label.NEUTRAL, "Ilze")

    found = label_queue(app.store, limit=8)
    assert {hit.feedback.language for hit in found[:4]} == {"lv", "lt", "ka", "en"}
    assert found[[h.feedback.language for h in found].index("lv")].feedback.id == ONE.id
    assert said(5).id not in {hit.feedback.id for hit in found}
    latvian = [hit.feedback.brand for hit in found if hit.feedback.language == "lv"]
    assert latvian == ["Amberwing", "Medus"]


def test_a_saved_search_is_its_query_in_others(app: App) -> None:
    app.searches.save("Lost bags", "bagāža OR ბარგი", by="Ilze")
    app.searches.save("In Latvian", 'saved:"lost bags" lang:lv', by="Ilze", shared=False)

    assert ids(app, 'saved:"Lost Bags"') == ids(app, "bagāža OR ბარგი")
    assert ids(app, 'saved:"In Latvian" -tag:any') == ids(app, "bagāža lang:lv")
    assert counted(app, 'NOT saved:"lost bags"') == 12 - counted(app, 'saved:"lost bags"')
    assert [one.name for one in app.searches.listed_for("Jonas")] == ["Lost bags"]


def test_searches_that_would_go_round_or_nowhere_are_refused(app: App) -> None:
    app.searches.save("a", "bagāža", by="Ilze")
    app.searches.save("b", "saved:a lang:lv", by="Ilze")
    for name, text in (("a", "saved:b"), ("c", "saved:c"), ("d", "crew saved:nothing")):
        with pytest.raises(QueryError, match=r"part of itself|no saved search"):
            app.searches.save(name, text, by="Ilze")
    with pytest.raises(QueryError) as raised:
        app.where("crew saved:aa")
    assert raised.value.position == 5
    assert "listening searches save" in str(raised.value)
    with pytest.raises(ConfigError, match="part of b"):
        app.searches.remove("A")
    with pytest.raises(ConfigError, match="of Ilze"):
        app.searches.save("a", "crew", by="Jonas")
    app.searches.remove("b")
    app.searches.remove("a")
    assert app.searches.all() == []


def test_searches_within_searches_cannot_blow_up(app: App) -> None:
    app.searches.save("s0", " OR ".join(f"word{n}" for n in range(64)), by="Ilze")
    app.searches.save("s1", " OR ".join(["saved:s0"] * 8), by="Ilze")
    with pytest.raises(QueryError, match="more than 512"):
        app.searches.save("s2", "saved:s1 OR saved:s0", by="Ilze")


def test_a_rule_of_alerts_may_name_a_saved_search_and_a_tag(app: App) -> None:
    app.searches.save("Lost bags", "bagāža", by="Ilze")
    app.desk.change([ONE.id], Change(add=("vip",)))
    text = 'saved:"Lost bags" tag:vip'
    rule = Rule(name="lost", query=text, when=When.INSTANT, label=Label.NEGATIVE)
    check(rule, ("query",), "a test")
    assert ids(app, rule.query) == [ONE.id]


def why(app: App, text: str, id_: str) -> list[Reason]:
    node: Node = app.meant(query.parse(text))
    return Why(node, ["lv", "lt", "ka", "en"]).reasons(app.desk.hits([id_])[id_])


def test_why_it_was_found_in_words(app: App) -> None:
    reasons = why(app, "(bagāža OR crew) lang:lv -job", ONE.id)
    assert reasons == [
        Reason("bagāža", ("Bagāža",)),
        Reason("it is in Latvian (lv)"),
        Reason("NOT job"),
    ]
    assert in_words(reasons) == "it has “Bagāža” for bagāža; it is in Latvian (lv); NOT job"


def test_searches_and_labels_on_the_command_line(
    listening: Callable[..., Done], tmp_path: Path
) -> None:
    app = filled(over(str(tmp_path / "store.sqlite"), tmp_path))
    correct(app.desk, ONE.id, Label.POSITIVE, "Ilze")
    store = ("--store", str(tmp_path / "store.sqlite"))

    saved = listening("searches", "save", "Lost", "bagāža", "--by", "Ilze", "--json", *store)
    assert saved.row["query"] == "bagāža"
    assert listening("searches", "list", *store).out == "Lost: bagāža (Ilze)\n"
    assert listening("searches", "remove", "lost", "--json", *store).row["by"] == "Ilze"
    assert listening("searches", "list", "--json", *store).rows == [[]]
    exported = listening("labels", "export", *store).row
    assert exported["text"] == ONE.text
    assert (exported["label"], exported["lang"]) == ("positive", "lv")
