from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.query import FIELDS, QueryError, describe, hints, parse
from listening.query import format as spelled
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word

A, B, C, D = (Word(letter) for letter in "abcd")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b && c", And((A, B, C))),
        ("a OR b | c || d", Or((A, B, C, D))),
        ("a|b", Or((A, B))),
        ("a b OR c AND d", Or((And((A, B)), And((C, D))))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a (b (c d))", And((A, B, C, D))),
        ("a （b | c）", And((A, Or((B, C))))),
        ("NOT a", Not(A)),
        ("-a -b", And((Not(A), Not(B)))),
        ("a AND NOT b", And((A, Not(B)))),
        ("a -(b c)", And((A, Not(And((B, C)))))),
        ("NOT NOT a", A),
        ("-(-a)", A),
        ("e-mail", Word("e-mail")),
        ("and or not near", And((Word("and"), Word("or"), Word("not"), Word("near")))),
        ('"a b"', Phrase((A, B))),
        ("„a b“ «c d» ”a“", And((Phrase((A, B)), Phrase((C, D)), Phrase((A,))))),
        ('"a – b"', Phrase((A, B))),
        ('"AND"', Phrase((Word("AND"),))),
        ("deliver*", Word("deliver", prefix=True)),
        ('"late deliver*"', Phrase((Word("late"), Word("deliver", prefix=True)))),
        ("a NEAR/5 b", Near((A,), (B,), 5)),
        ("a near/5 b", Near((A,), (B,), 5)),
        ("a ONEAR/0 b", Near((A,), (B,), 0, ordered=True)),
        ('"a b"~3', Near((A,), (B,), 3)),
        (
            "(slow OR late*) NEAR/5 deliver*",
            Near(
                (Word("slow"), Word("late", prefix=True)),
                (Word("deliver", prefix=True),),
                distance=5,
            ),
        ),
        ("-a NEAR/2 b", Not(Near((A,), (B,), 2))),
        ("a NEAR/2 b c", And((Near((A,), (B,), 2), C))),
        ('a NEAR/2 ("b c" | d)', Near((A,), (Phrase((B, C)), D), 2)),
        ("lang:lv", Field("lang", "lv")),
        ("Lang:EN-gb lang:sr-latn", And((Field("lang", "en-GB"), Field("lang", "sr-Latn")))),
        ('brand:"Air Baltic"', Field("brand", "Air Baltic")),
        ("source:app*", Field("source", "app*")),
        ("url:https://example.com/a?b=1", Field("url", "https://example.com/a?b=1")),
        ("kind:Review", Field("kind", "review")),
        ("sentiment:negative", Field("sentiment", "negative")),
        ("after:2026-09-01", Field("after", "2026-09-01")),
        ("before:20261001", Field("before", "2026-10-01")),
        ("stars:1", Field("stars", low=1, high=1)),
        ("stars:1..2", Field("stars", low=1, high=2)),
        ("stars:..2", Field("stars", high=2)),
        ("stars:<=2", Field("stars", high=2)),
        ("stars:<3", Field("stars", high=2)),
        ("nps:>=9", Field("nps", low=9)),
        ("nps:>8", Field("nps", low=9)),
        ("nps:0", Field("nps", low=0, high=0)),
        ("-lang:lv", Not(Field("lang", "lv"))),
        ("https://example.com/a", Word("https://example.com/a")),
        ("12:30", Word("12:30")),
        ("H&M", Word("H&M")),
        ("👍", Word("👍")),
        ("配送 遅い", And((Word("配送"), Word("遅い")))),
        ("ბანკი ან", And((Word("ბანკი"), Word("ან")))),
    ],
)
def test_what_a_query_means(text: str, tree: Node) -> None:
    assert parse(text) == tree
    assert parse(spelled(tree)) == tree


@pytest.mark.parametrize(
    ("text", "position", "mend"),
    [
        ("", 0, "write a word"),
        ("   ", 0, "write a word"),
        ("(a b", 0, 'add ")" at the end'),
        ("a (b (c d)", 2, 'add ")" at the end'),
        ("a) b", 1, "remove it"),
        (") a", 0, "remove it"),
        ("a ()", 2, "remove it"),
        ("a OR", 2, "on its right"),
        ("AND a", 0, "on its left"),
        ("a AND OR b", 6, "on its left"),
        ("(a OR ) b", 3, "as a word, write or"),
        ("a NOT", 2, "on its right"),
        ("a - b", 2, "remove it"),
        ("a —", 2, "no letter, digit or emoji"),
        ('a "b c', 2, "close the phrase"),
        ('a ""', 2, "fill it"),
        ("*bank", 0, "bank*"),
        ("a ba*", 2, "3 characters"),
        ("del*er", 3, "del*"),
        ("配送遅い*", 0, "without *"),
        ("e-mail*", 0, "email*"),
        ("a NEAR b", 2, "NEAR/5"),
        ("a NEAR/x b", 2, "NEAR/5"),
        ("a NEAR/51 b", 2, "AND"),
        ("NEAR/5 a", 0, "on its left"),
        ("a NEAR/5", 2, "on its right"),
        ("a NEAR/5 (b c)", 2, "alternatives OR joined"),
        ("(a AND b) NEAR/5 c", 0, "alternatives OR joined"),
        ("a NEAR/5 lang:lv", 2, "alternatives OR joined"),
        ("a NEAR/5 b NEAR/5 c", 11, "(a NEAR/5 b) AND (b NEAR/5 c)"),
        ('"a b c"~5', 0, "a NEAR/5 b"),
        ("lang:", 0, "lang:lv"),
        ('a source:""', 2, "right behind"),
        ("lnag:lv", 0, "lang:?"),
        ("language:lv", 0, "lang:?"),
        ("foo:bar", 0, '"foo bar"'),
        ("ბრენდი:x", 0, "the fields are lang"),
        ("sentiment:negativ", 10, "sentiment:negative?"),
        ("kind:reviews", 5, "kind:review?"),
        ("lang:latvian", 5, "lang:lv?"),
        ("lang:xx", 5, "lang:en-GB"),
        ("lang:lv,lt", 0, "(lang:lv OR lang:lt)"),
        ("stars:6", 6, "stars:1..5"),
        ("stars:2..1", 6, "stars:1..5"),
        ("stars:<1", 6, "stars:1..5"),
        ("stars:4.5", 6, "whole numbers"),
        ("nps:..", 4, "nps:0..10"),
        ("after:2026-9-1", 6, "after:2026-09-01"),
        ("after:yesterday", 6, "year-month-day"),
        ("before:2026-02-30", 7, "year-month-day"),
        ("brand:*x", 6, "brand:x*"),
        ("brand:a*b", 7, "brand:ab*"),
        ("a" * 2_001, 2_000, "shorten it"),
        ("a " * 65, 128, "split the query"),
        ("(" * 9 + "a", 8, "take out"),
        (f"({'|'.join('abcdefghi')}) NEAR/3 ({'|'.join('abcdefgh')})", 20, "wildcard"),
    ],
)
def test_an_error_names_the_character_and_the_mend(text: str, position: int, mend: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.position == position
    assert f"at character {position + 1};" in str(caught.value)
    assert mend in str(caught.value)


def test_leaves_know_where_they_stand() -> None:
    tree = parse(' slow -"late app" lang:lv')
    assert isinstance(tree, And)
    slow, negated, field = tree.parts
    assert isinstance(slow, Word)
    assert (slow.start, slow.end) == (1, 5)
    assert isinstance(negated, Not)
    assert isinstance(negated.part, Phrase)
    assert (negated.part.start, negated.part.end) == (7, 17)
    assert [word.start for word in negated.part.words] == [8, 13]
    assert isinstance(field, Field)
    assert (field.start, field.end) == (18, 25)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            "slow NEAR/5 deliver* lang:lv stars:1..2",
            (
                'texts that contain "slow" (in any form) near a word beginning "deliver" '
                "(at most 5 other words between), in Latvian (lv), rated 1 to 2 stars"
            ),
        ),
        (
            "(a OR b) ONEAR/1 c",
            (
                'texts that contain ("a" (in any form) or "b" (in any form)) followed by '
                '"c" (in any form) (at most 1 other word between)'
            ),
        ),
        ("lang:lv -brand:x", 'texts in Latvian (lv), not about the brand "x"'),
        (
            "a (b OR -c)",
            (
                'texts that contain "a" (in any form) and '
                '(contain "b" (in any form) or do not contain "c" (in any form))'
            ),
        ),
        (
            "NOT (a OR lang:en)",
            'texts that do not satisfy (contain "a" (in any form) or are in English (en))',
        ),
        (
            "after:2026-09-01 before:2026-10-01",
            "texts from 2026-09-01 on (that day included), before 2026-10-01 (that day excluded)",
        ),
        ("nps:>=9 stars:1", "texts rated at least 9 on the NPS scale, rated 1 star"),
        ('"free delivery"', 'texts that contain the phrase "free delivery" (in any form)'),
    ],
)
def test_a_query_in_plain_words(text: str, meaning: str) -> None:
    assert describe(parse(text)) == meaning


def test_every_field_can_be_described() -> None:
    values = {"lang": "lv", "kind": "review", "sentiment": "negative"}
    values |= dict.fromkeys(("stars", "nps", "csat", "ces", "smiley"), "1")
    values |= {"after": "2026-01-01", "before": "2026-01-01", "status": "open"}
    for name in FIELDS:
        query = f"{name}:{values.get(name, 'somewhere')}"
        assert describe(parse(query)).startswith("texts ")
        assert spelled(parse(query))


def test_lower_case_operators_are_hinted_at() -> None:
    assert list(hints(parse("slow or late"))) == [
        "“or” is searched as a word; write OR to make it an operator"
    ]
    assert list(hints(parse("slow OR late"))) == []


letters = st.text("abcžšკაж0", min_size=1, max_size=6)
words = st.builds(Word, letters) | st.builds(Word, letters.map("xyz".__add__), st.just(value=True))
phrases = st.lists(words, min_size=1, max_size=3).map(lambda parts: Phrase(tuple(parts)))
sides = st.lists(words | phrases, min_size=1, max_size=3).map(tuple)
nears = st.builds(Near, sides, sides, st.integers(0, 50), st.booleans())
days = st.dates(min_value=date(1000, 1, 1)).map(date.isoformat)
fields = (
    st.builds(Field, st.sampled_from(["brand", "author", "segment"]), letters)
    | st.builds(Field, st.sampled_from(["after", "before"]), days)
    | st.integers(1, 5).map(lambda n: Field("stars", low=n))
    | st.tuples(st.integers(0, 5), st.integers(5, 10)).map(
        lambda bounds: Field("nps", low=bounds[0], high=bounds[1])
    )
)
atoms = words | phrases | nears | fields


def joined(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(children, min_size=2, max_size=3)
    return (
        several.map(lambda parts: And(tuple(flat(parts, And))))
        | several.map(lambda parts: Or(tuple(flat(parts, Or))))
        | children.map(lambda part: part.part if isinstance(part, Not) else Not(part))
    )


def flat(parts: list[Node], kind: type[And | Or]) -> list[Node]:
    return [p for part in parts for p in (part.parts if isinstance(part, kind) else [part])]


@given(st.recursive(atoms, joined, max_leaves=8))
@settings(deadline=None)
def test_every_tree_is_read_back_from_its_canonical_text(tree: Node) -> None:
    assert parse(spelled(tree)) == tree
    assert describe(tree)


SIGNS = [
    '"',
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "-",
    "*",
    "NEAR/3",
    "~2",
    ":",
    "lang:",
    "a",
    "|",
    "„",
    "\0",
]


@given(
    st.lists(st.sampled_from(SIGNS) | st.text(max_size=3), max_size=30), st.sampled_from(["", " "])
)
@settings(deadline=None)
def test_any_text_is_a_query_or_a_clear_error(parts: list[str], between: str) -> None:
    text = between.join(parts)
    try:
        tree = parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 - most texts are errors, some are not
    else:
        assert parse(spelled(tree)) == tree


ODD_BUT_FINE = [
    "-" * 1_999 + "a",
    '"' + "a " * 990 + '"',
    "a'" * 1_000,
    "ﷺ " * 60,
    "NOT " * 499 + "a",
]


@pytest.mark.parametrize("text", ODD_BUT_FINE, ids=range(len(ODD_BUT_FINE)))
def test_an_odd_query_within_the_limits_is_read(text: str) -> None:
    assert parse(spelled(parse(text))) == parse(text)


HOSTILE = [
    "(" * 2_000,
    "((((((((a" + ")" * 1_990,
    "NOT " * 500,
    '"' * 2_000,
    "*" * 2_000,
    "a NEAR/5 " * 200,
    "lang:" * 400,
    "x:" * 1_000,
    "\u0301" * 2_000,
    "ﷺ " * 100,
    "|" * 2_000,
    "brand:" + "*" * 1_900,
    "z" * 1_990 + ":b",
    "a" * 10_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_query_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert len(str(caught.value)) < 500
