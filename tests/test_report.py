import json
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from listening import query
from listening.errors import ConfigError
from listening.records import (
    Feedback,
    Filter,
    Kind,
    Label,
    Rating,
    Rejected,
    Scale,
    Sentiment,
    Window,
)
from listening.report import Report, report
from listening.stores.sqlite import SqliteStore

DOCUMENTED = Path(__file__).parent.parent / "docs" / "report.md"
START = datetime(2026, 9, 14, 12, tzinfo=UTC)
NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN = Label
PROBABILITIES = {
    NEGATIVE: (0.8, 0.1, 0.1),
    NEUTRAL: (0.1, 0.8, 0.1),
    POSITIVE: (0.1, 0.1, 0.8),
    UNKNOWN: (0.4, 0.3, 0.3),
}
# Every day the same talk; from day 25 to 28 of 42 the strike.
TALK = [
    ("en", "Boarding was quick and the seat was fine, number {}.", POSITIVE),
    ("lv", "Lidojums bija ērts, vieta pie loga {}.", POSITIVE),
    ("lt", "Kada atidaroma registracija į skrydį {}?", NEUTRAL),
    ("ka", "რეისი {} დროულად გაფრინდა, მადლობა.", POSITIVE),
    ("en", "My coffee on flight {} was cold.", NEGATIVE),
]
STRIKE = [
    ("en", "Strike again, voucher {} instead of my money.", NEGATIVE),
    ("ka", "გაფიცვაა, ფულის ნაცვლად ვაუჩერი {} მომცეს.", NEGATIVE),
    ("lv", "Streiks, naudas vietā iedeva kuponu {}.", NEGATIVE),
    ("lt", "Streikas, vietoj pinigų davė kuponą {} žmonių eilėje.", NEGATIVE),
] * 3
CRISIS = range(25, 29)
HM = query.parse("hm")


class Said(NamedTuple):
    feedback: Feedback
    label: Label | None


def said(number: int, text: str, label: Label | None, day: float = 0, **more: Any) -> Said:
    brand, source = more.pop("brand", "Amberwing"), more.pop("source", "forum")
    one = Feedback(
        id=f"{brand}:{source}:{number}",
        brand=brand,
        source=source,
        native_id=str(number),
        kind=more.pop("kind", Kind.MENTION),
        text=text,
        language=more.pop("language", "en"),
        created_at=START + timedelta(days=day),
        version=1,
        **more,
    )
    return Said(one, label)


def talk(day: int) -> Iterator[Said]:
    lines = TALK + STRIKE * (day in CRISIS)
    for place, (language, text, label) in enumerate(lines):
        number = 100 * day + place
        yield said(number, text.format(number), label, day, language=language)
    yield said(day, f"Bread was fresh, till {day}.", POSITIVE, day, brand="Medus")
    for answer in (day % 9, 9):
        ratings = (Rating(Scale.NPS, answer), Rating(Scale.CSAT, 1 + day % 5))
        more: dict[str, Any] = {"segment": "family", "service": "flights"} if day < 20 else {}
        number = 10_000 + 100 * day + answer
        yield said(number, "", None, day, kind=Kind.SURVEY, source="s", ratings=ratings, **more)


def store_of(everything: Sequence[Said]) -> SqliteStore:
    store = SqliteStore(":memory:")
    store.put([one.feedback for one in everything])
    store.annotate(
        [
            (one.id, one.text, Sentiment(*PROBABILITIES[label], "test", 0.5))
            for one, label in everything
            if label is not None
        ]
    )
    return store


@pytest.fixture(scope="module")
def store() -> SqliteStore:
    return store_of([one for day in range(42) for one in talk(day)])


@pytest.fixture(scope="module")
def whole(store: SqliteStore) -> Report:
    return report(store, Filter())


def test_everything_is_counted_once(whole: Report) -> None:
    texts = 42 * (len(TALK) + 1) + len(CRISIS) * len(STRIKE)
    assert (whole.overall.items, whole.overall.texts) == (texts + 84, texts)
    assert sum(row.items for row in whole.over_time) == whole.overall.items
    assert sum(brand.sentiment.items for brand in whole.brands) == whole.overall.items
    assert sum(row.texts for row in whole.languages) == texts
    assert {row.key for row in whole.sources} == {("forum", "mention"), ("s", "survey")}


def test_the_period_is_that_of_the_data_in_steps_that_suit_its_length(store: SqliteStore) -> None:
    six_weeks = report(store, Filter()).period
    assert (six_weeks.since, six_weeks.until) == (date(2026, 9, 14), date(2026, 10, 26))
    assert six_weeks.by == "week"
    since = datetime(2026, 10, 1, tzinfo=UTC)
    days = report(store, Filter(window=Window(since=since)))
    assert days.period.by == "day"
    assert [row.key[0] for row in days.over_time][::24] == ["2026-10-01", "2026-10-25"]
    months = report(store, Filter(), by="month").over_time
    assert [row.key[0] for row in months] == ["2026-09-01", "2026-10-01"]


def test_silent_days_are_shown_as_days_of_nothing() -> None:
    store = store_of([said(1, "Hello.", POSITIVE, 0), said(2, "Hello.", POSITIVE, 3)])
    assert [row.items for row in report(store, Filter()).over_time] == [1, 0, 0, 1]


def test_a_day_begins_in_the_zone_asked_for() -> None:
    store = store_of([said(1, "Late at night.", POSITIVE, 0.4)])
    assert report(store, Filter(), zone="Asia/Tbilisi").over_time[0].key == ("2026-09-15",)
    assert report(store, Filter()).over_time[0].key == ("2026-09-14",)


def test_an_open_beginning_compares_the_halves_and_a_given_one_the_time_before(
    store: SqliteStore, whole: Report
) -> None:
    assert whole.comparison is not None
    assert (whole.comparison.before_since, whole.comparison.since) == (
        date(2026, 9, 14),
        date(2026, 10, 5),
    )
    window = Window(since=START + timedelta(days=25, hours=-12), until=START + timedelta(days=28.5))
    crisis = report(store, Filter(window=window, brand=("Amberwing",)))
    assert crisis.comparison is not None
    assert crisis.comparison.before_since == date(2026, 10, 5)
    moved = crisis.brands[0].change
    assert moved is not None
    assert moved.before.texts == 4 * len(TALK)
    assert moved.net.n_before == 20
    assert moved.net.reason == "too few"
    assert report(store, Filter(), compare=False).comparison is None


def test_of_an_odd_number_of_days_the_halves_are_the_last_ones() -> None:
    store = store_of([said(day, "Hello.", POSITIVE, day) for day in range(3)])
    found = report(store, Filter()).comparison
    assert found is not None
    assert (found.before_since, found.since, found.until) == (
        date(2026, 9, 15),
        date(2026, 9, 16),
        date(2026, 9, 17),
    )
    assert report(store_of([said(1, "Hi.", POSITIVE)]), Filter()).comparison is None


def test_the_headline_says_what_happened_in_words(whole: Report) -> None:
    assert whole.brands[0].headline == (
        "Amberwing: 342 items, net sentiment +14 ± 11;"
        " since 5 October down 44 points on the three weeks before: significant"
    )
    assert whole.brands[1].headline.startswith("Medus: 42 items, net sentiment +100 ± ")


def test_share_of_voice_is_that_of_public_talk_about_all_brands(store: SqliteStore) -> None:
    only = report(store, Filter(brand=("Medus",))).brands[0].share_of_voice
    assert only is not None
    public = 42 * (len(TALK) + 1) + len(CRISIS) * len(STRIKE)
    assert only.value == pytest.approx(100 * 42 / public)
    surveys = report(store, Filter(kind=(Kind.SURVEY,)))
    assert surveys.brands[0].share_of_voice is None


def test_surveys_come_overall_by_brand_by_cell_and_over_time(whole: Report) -> None:
    nps = next(table for table in whole.surveys if table.scale is Scale.NPS)
    assert nps.overall.n == 84
    assert [(row.key, row.n) for row in nps.brands] == [(("Amberwing",), 84)]
    assert [(row.key, row.n) for row in nps.cells] == [(("Amberwing", "family", "flights"), 40)]
    assert nps.over_time[0].key == ("Amberwing", "2026-09-14")
    assert {row.score.value for row in nps.over_time} == {None}
    assert nps.changes["Amberwing"].n == 42
    assert {table.scale for table in whole.surveys} == {Scale.NPS, Scale.CSAT}


def test_a_crisis_is_found_with_its_days_and_words(whole: Report) -> None:
    assert len(whole.crises) == 1
    crisis = whole.crises[0]
    assert (crisis.brand, crisis.start, crisis.end) == (
        "Amberwing",
        date(2026, 10, 9),
        date(2026, 10, 12),
    )
    assert crisis.negative == 4 * 13
    assert crisis.expected == pytest.approx(4)
    found = {word.term for word in crisis.words}
    assert {"Strike", "voucher", "ვაუჩერი", "kuponu", "pinigų"} <= found
    assert {word.background_share for word in crisis.words} == {0}
    assert not {"coffee", "the", "amberwing"} & {term.casefold() for term in found}


def test_the_query_of_a_crisis_finds_exactly_its_texts(store: SqliteStore, whole: Report) -> None:
    crisis = whole.crises[0]
    found = store.search(Filter(text=query.parse(crisis.query)), limit=100)
    assert found.total == crisis.negative
    assert all(hit.sentiment and hit.sentiment.label is NEGATIVE for hit in found.hits)


def test_the_queries_of_complaints_and_praise_find_their_texts(
    store: SqliteStore, whole: Report
) -> None:
    assert {topic.brand for topic in whole.praise} == {"Amberwing", "Medus"}
    for topic in (*whole.complaints, *whole.praise):
        assert store.search(Filter(text=query.parse(topic.query))).total == topic.texts


def test_samples_are_whole_texts_in_several_languages(store: SqliteStore, whole: Report) -> None:
    samples = whole.crises[0].samples
    assert len({sample.language for sample in samples}) == 3
    texts = {hit.feedback.id: hit.feedback.text for hit in store.search(Filter(), limit=200).hits}
    assert all(texts[sample.id] == sample.text for sample in samples)


def test_only_the_labels_asked_for_are_told(store: SqliteStore) -> None:
    happy = report(store, Filter(label=(POSITIVE,)))
    assert (happy.complaints, happy.crises) == ((), ())
    assert happy.overall.negative == 0


def test_negative_texts_alone_have_samples_but_nothing_to_stand_out_from(
    store: SqliteStore,
) -> None:
    found = report(store, Filter(label=(NEGATIVE,), brand=("Amberwing",)))
    assert [(topic.words, len(topic.samples)) for topic in found.complaints] == [((), 3)]


def test_unknown_unscored_and_set_aside_are_shown() -> None:
    store = store_of([said(1, "Hm.", UNKNOWN), said(2, "New.", None), said(3, "Good.", POSITIVE)])
    store.set_aside([Rejected(stream="s", origin="a.csv", reason="no date", raw="x")])
    found = report(store, Filter())
    assert (found.overall.unknown, found.overall.unscored, found.quarantined) == (1, 1, 1)
    assert found.overall.unknown_share == 50


@pytest.mark.parametrize(
    "where", [Filter(brand=("Amberwing",)), Filter(window=Window(since=START)), Filter(text=HM)]
)
def test_what_was_set_aside_is_not_counted_where_a_filter_narrows(where: Filter) -> None:
    store = store_of([said(1, "Hm.", UNKNOWN)])
    store.set_aside([Rejected(stream="s", origin="a.csv", reason="no date", raw="x")])
    assert report(store, where).quarantined is None


def test_without_data_the_report_is_empty() -> None:
    found = report(SqliteStore(":memory:"), Filter(brand=("Nobody",)))
    assert (found.period.since, found.comparison, found.brands, found.over_time) == (
        None,
        None,
        (),
        (),
    )
    assert found.overall.items == 0
    json.dumps(found.as_json())


@pytest.mark.parametrize("wrong", [{"zone": "Mars/Base"}, {"by": "hour"}])
def test_impossible_options_say_what_is_possible(store: SqliteStore, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"IANA|day, week, month"):
        report(store, Filter(), **wrong)


def test_the_words_of_a_query_stay_in_force(store: SqliteStore) -> None:
    coffee = Filter(text=query.parse("coffee"))
    found = report(store, coffee)
    assert found.query == "coffee"
    assert found.overall.negative == found.overall.texts == 42
    assert found.complaints[0].query == 'brand:"Amberwing" sentiment:negative coffee'
    assert replace(found, query="") != found


def test_json_has_only_plain_types(whole: Report) -> None:
    found = whole.as_json()
    assert json.loads(json.dumps(found)) == found
    assert found["crises"][0]["start"] == "2026-10-09"
    assert found["surveys"][0]["overall"]["distribution"].keys() == set(map(str, range(11)))
    assert found["brands"][0]["sentiment"]["net"]["value"] == round(
        whole.brands[0].sentiment.net.value or 0, 3
    )


def test_the_documented_shape_is_the_real_one() -> None:
    documented: dict[str, list[str]] = {}
    for line in DOCUMENTED.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `(\w+)`.*", line):
            documented[heading[1]] = []
        elif row := re.match(r"\| `(\w+)` \|", line):
            documented[list(documented)[-1]].append(row[1])
    real = {one.__name__: [field.name for field in fields(one)] for one in _shapes(Report)}
    assert documented == real


def _shapes(one: Any) -> Mapping[Any, None]:
    """Every dataclass that a report is made of, in the order in which it is met."""
    found: dict[Any, None] = {}
    waiting = [one]
    while waiting:
        hint = waiting.pop(0)
        if is_dataclass(hint) and hint not in found:
            found[hint] = None
            waiting += typing.get_type_hints(hint).values()
        waiting += typing.get_args(hint)
    return found
