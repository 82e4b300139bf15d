from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.analysis import tokens
from listening.match import Match, Matcher, holds_for
from listening.query import parse
from listening.records import Feedback, Kind, Rating, Scale, Sentiment
from listening.tree import Field

NEGATIVE = Sentiment(0.9, 0.05, 0.05, "m")
UNSURE = Sentiment(0.4, 0.3, 0.3, "m", threshold=0.5)

REVIEW = Feedback(
    id="air-baltic:app-store:1",
    brand="Air Baltic",
    source="app-store",
    native_id="1",
    kind=Kind.REVIEW,
    text="The delivery was slow. Very slow!",
    language="en-GB",
    created_at=datetime(2026, 9, 1, tzinfo=UTC),
    version=1,
    ratings=(Rating(Scale.STARS, 2), Rating(Scale.NPS, 0)),
    author="Žanis",
    url="https://example.com/r/1",
    country="LV",
    segment="Loyal",
    service="Food",
    touchpoint="Kiosk",
    campaign="Autumn",
    question="Why?",
)


def matched(query: str, text: str, language: str = "en") -> Match:
    matcher = Matcher(parse(query), [language])
    return matcher.text(tokens(text, language), lambda _: False)


def highlighted(query: str, text: str, language: str = "en") -> list[str] | None:
    found = matched(query, text, language)
    return [text[start:end] for start, end in found.spans] if found.matches else None


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("delivery", "Two deliveries, one Delivery.", ["deliveries", "Delivery"]),
        ("deliver*", "delivered deliverable dolivery", ["delivered", "deliverable"]),
        ("slow late", "slow and late", ["slow", "late"]),
        ("slow late", "slow only", None),
        ("slow OR late", "late", ["late"]),
        ("slow OR late", "late and slow", ["late", "slow"]),
        ("slow -late", "slow", ["slow"]),
        ("slow -late", "slow and late", None),
        ("-late", "slow", []),
        ("NOT (late slow)", "late only", []),
        ("NOT (late slow)", "slow, late", None),
        ('"late delivery"', "a late  delivery", ["late  delivery"]),
        ('"late delivery"', "late, late deliveries", ["late deliveries"]),
        ('"late delivery"', "delivery late", None),
        ('"late deliver*"', "late delivered", ["late delivered"]),
        ('"a b a"', "a b a b a", ["a b a b a"]),
        ("e-mail", "no email, no E-Mail", ["email", "E-Mail"]),
        ("check-in", "checked in? check in!", ["checked in", "check in"]),
        ("👍", "ok 👍🏽", ["👍🏽"]),
        ("don't", "I dont and don’t do", ["dont", "don’t"]),
    ],
)
def test_words_and_what_they_highlight(query: str, text: str, expected: list[str] | None) -> None:
    assert highlighted(query, text) == expected


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("slow NEAR/0 app", "slow app", ["slow", "app"]),
        ("slow NEAR/0 app", "app slow", ["app", "slow"]),
        ("slow NEAR/0 app", "slow old app", None),
        ("slow NEAR/1 app", "slow old app", ["slow", "app"]),
        ("slow NEAR/1 app", "app x y slow z app", ["slow", "app"]),
        ("slow ONEAR/1 app", "app slow", None),
        ("slow ONEAR/1 app", "app slow old app", ["slow", "app"]),
        ("slow NEAR/3 slow", "slow app", None),
        ("slow NEAR/3 slow", "slow app, slow", ["slow", "slow"]),
        ("slow* NEAR/3 slow", "slow app", None),
        ("(slow OR late*) NEAR/2 deliver*", "later the app delivered", ["later", "delivered"]),
        ('"too slow" NEAR/1 app', "too slow, this app", ["too slow", "app"]),
        ('"too slow" NEAR/0 slow', "too slow", None),
        ('"too slow" NEAR/0 slow', "too slow slow", ["too slow", "slow"]),
        ('"slow app"~2', "app is very slow", ["app", "slow"]),
        ("-slow NEAR/1 app", "slow x y app", []),
    ],
)
def test_near_counts_the_words_between(query: str, text: str, expected: list[str] | None) -> None:
    assert highlighted(query, text) == expected


@pytest.mark.parametrize(
    ("query", "text", "language", "expected"),
    [
        ("ბანკი", "ბანკში რიგია, ბანკეტი არა", "ka", ["ბანკში"]),
        ("momsaxureba", "ცუდი მომსახურებით", "ka", ["მომსახურებით"]),
        ("apkalposana", "Slikta apkalpošanas kvalitāte", "lv", ["apkalpošanas"]),
        ("apkalpošana", "slikta apkalposana", "lv", ["apkalposana"]),
        ("eilė NEAR/2 bankas", "Banke ilgos eilės", "lt", ["Banke", "eilės"]),
        ("配送", "配送が遅い。再配送", "ja", ["配送", "配送"]),
        ("배송", "배송이 늦어요", "ko", ["배송"]),
        ("доставка", "Ждал доставку", "ru", ["доставку"]),
        ("hôtel", "l'hotel", "fr", ["hotel"]),
    ],
)
def test_languages(query: str, text: str, language: str, expected: list[str]) -> None:
    assert highlighted(query, text, language) == expected


def test_a_word_is_found_in_every_language_asked_for_and_plain_in_others() -> None:
    matcher = Matcher(parse("delivery"), ["lv", "en"])
    for text, language, expected in [
        ("deliveries", "en", True),
        ("delivery", "und", True),
        ("deliveries", "und", False),
    ]:
        assert matcher.text(tokens(text, language), lambda _: True).matches is expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("lang:en", True),
        ("lang:en-GB", True),
        ("lang:en-US", False),
        ("lang:lv", False),
        ("brand:'air", False),
        ('brand:"air baltic"', True),
        ("brand:air", False),
        ("brand:air*", True),
        ("source:App-Store", True),
        ("author:zanis", True),
        ("author:Žan*", True),
        ("url:https://example.com/*", True),
        ("country:lv", True),
        ("segment:loyal", True),
        ("service:food", True),
        ("touchpoint:kiosk", True),
        ("campaign:autumn", True),
        ('question:"why?"', True),
        ("kind:review", True),
        ("kind:chat", False),
        ("stars:2", True),
        ("stars:1..2", True),
        ("stars:>2", False),
        ("stars:<=2", True),
        ("nps:0", True),
        ("nps:>=9", False),
        ("csat:1..5", False),
        ("after:2026-09-01", True),
        ("after:2026-09-02", False),
        ("before:2026-09-01", False),
        ("before:2026-09-02", True),
        ("sentiment:negative", True),
        ("sentiment:positive", False),
        ("-lang:lv", True),
        ("slow stars:2", True),
        ("slow stars:5", False),
        ("fast OR stars:2", True),
    ],
)
def test_fields_of_a_record(field: str, expected: bool) -> None:
    assert Matcher(parse(field), ["en"]).feedback(REVIEW, NEGATIVE).matches is expected


def test_missing_values_match_no_field_but_its_negation() -> None:
    bare = replace(REVIEW, author=None, country=None, ratings=())
    for query in ("author:z*", "country:lv", "stars:1..5", "sentiment:negative"):
        assert not Matcher(parse(query), []).feedback(bare, None).matches
        assert Matcher(parse(f"-{query}"), []).feedback(bare, None).matches


def test_an_unsure_score_is_unknown_and_a_missing_one_is_nothing() -> None:
    unknown = Field("sentiment", "unknown")
    assert holds_for(REVIEW, UNSURE)(unknown)
    assert not holds_for(REVIEW, None)(unknown)


def test_fields_highlight_nothing() -> None:
    found = Matcher(parse("slow lang:en"), ["en"]).feedback(REVIEW, NEGATIVE)
    assert [REVIEW.text[start:end] for start, end in found.spans] == ["slow", "slow"]
    assert Matcher(parse("lang:en"), ["en"]).feedback(REVIEW, None) == Match(matches=True)


def test_stored_terms_match_as_the_text_they_come_from() -> None:
    found = tokens("Later the app delivered", "en")
    stored = ([t.surface for t in found], [t.stem for t in found])
    assert Matcher(parse("late* NEAR/2 deliver"), ["en"]).terms(*stored, lambda _: True)
    assert not Matcher(parse("late* NEAR/1 deliver"), ["en"]).terms(*stored, lambda _: True)


QUERIES = [
    "a",
    "a b",
    "a OR b",
    "-a",
    '"a b"',
    "a NEAR/1 b",
    "a ONEAR/1 b",
    "(a | c) NEAR/0 b",
    "-(a b)",
]
texts = st.lists(st.sampled_from("abcd"), max_size=8)


def expected(query: str, words: list[str]) -> bool:
    """The semantics, spelled out word by word."""
    near = [
        (left, right, abs(i - j) - 1, i < j)
        for i, left in enumerate(words)
        for j, right in enumerate(words)
        if i != j
    ]
    return {
        "a": "a" in words,
        "a b": {"a", "b"} <= set(words),
        "a OR b": bool({"a", "b"} & set(words)),
        "-a": "a" not in words,
        '"a b"': ("a", "b", 0, True) in near,
        "a NEAR/1 b": any((x, y) == ("a", "b") and gap <= 1 for x, y, gap, _ in near),
        "a ONEAR/1 b": any((x, y, o) == ("a", "b", True) and gap <= 1 for x, y, gap, o in near),
        "(a | c) NEAR/0 b": any(x in "ac" and y == "b" and gap == 0 for x, y, gap, _ in near),
        "-(a b)": not {"a", "b"} <= set(words),
    }[query]


@given(texts, st.sampled_from(QUERIES))
@settings(deadline=None)
def test_matching_agrees_with_the_definition(words: list[str], query: str) -> None:
    text = " ".join(words)
    found = matched(query, text, "und")
    assert found.matches is expected(query, words)
    assert list(found.spans) == sorted(found.spans)
    assert all(a.end < b.start for a, b in pairwise(found.spans))


def test_a_long_text_of_one_word_is_matched_without_comparing_every_pair() -> None:
    text = "a b " * 50_000
    assert matched("a NEAR/5 b", text, "und").matches
