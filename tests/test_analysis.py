from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.analysis import Token, alternatives, fold, terms, tokens

DATA = Path(__file__).parent / "data"
INFLECTING = ("ka", "lv", "lt")


def word_lists(kind: str, language: str) -> list[list[str]]:
    lines = (DATA / kind / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def surfaces(text: str, language: str = "und") -> list[str]:
    return [token.surface for token in tokens(text, language)]


def stems(text: str, language: str) -> tuple[str, ...]:
    return tuple(token.stem for token in tokens(text, language))


def meet(query: str, text: str, language: str) -> bool:
    return stems(text, language) in alternatives(query, [language])


def pairs(language: str) -> Iterator[tuple[str, str]]:
    for forms in word_lists("inflections", language):
        yield from ((query, text) for query in forms for text in forms if query != text)


@pytest.mark.parametrize("language", INFLECTING)
def test_any_form_finds_at_least_95_in_100_other_forms(language: str) -> None:
    found = [meet(query, text, language) for query, text in pairs(language)]
    assert sum(found) / len(found) >= 0.95


@pytest.mark.parametrize("language", ["lv", "lt"])
def test_forms_meet_when_one_side_was_typed_without_diacritics(language: str) -> None:
    asked = [meet(fold(query), text, language) for query, text in pairs(language)]
    written = [meet(query, fold(text), language) for query, text in pairs(language)]
    assert sum(asked) / len(asked) >= 0.95
    assert sum(written) / len(written) >= 0.95


@pytest.mark.parametrize("language", INFLECTING)
def test_words_that_look_alike_do_not_meet(language: str) -> None:
    wrong = [
        (one, other)
        for one, other in word_lists("confusables", language)
        if meet(one, other, language) or meet(other, one, language)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", INFLECTING)
def test_no_two_words_of_the_list_run_together(language: str) -> None:
    words = {
        forms[0]: {stems(form, language) for form in forms}
        for forms in word_lists("inflections", language)
    }
    shared = [(a, b) for a, b in combinations(words, 2) if words[a] & words[b]]
    assert shared == []


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("ka", "ბანკი ბანკის ბანკში ბანკიდან ბანკებში ᲑᲐᲜᲙᲘ"),
        ("lv", "banka bankas bankā bankām BANKU"),
        ("lt", "bankas banko banke bankui"),
        ("lv", "apkalpošana apkalposanu apkalpošanu apkalposana"),
        ("en", "delivery deliveries Delivery's"),
        ("en", "refund refunds refunded refunding"),
        ("de", "Lieferung Lieferungen LIEFERUNG"),
        ("ru", "доставка доставки доставкой доставку"),
        ("ru", "ещё еще"),
        ("es", "devolución devoluciones"),
        ("fr", "livraison livraisons"),
        ("pl", "dostawa dostawy dostawę"),
        ("uk", "доставка доставки доставку"),
        ("tr", "İstanbul İstanbul'da"),
        ("eu", "zerbitzua zerbitzuak zerbitzuaren"),
    ],
)
def test_inflected_forms_share_a_stem(language: str, forms: str) -> None:
    assert len({stems(form, language) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    ("latin", "georgian"),
    [
        ("momsaxureba", "მომსახურება"),
        ("momsakhurebis", "მომსახურების"),
        ("bankshi", "ბანკი"),
        ("dzviria", "ძვირი"),
        ("cudi", "ცუდი"),
        ("tsudi", "ცუდი"),
        ("wyali", "წყალი"),
        ("tsqali", "წყალი"),
        ("yava", "ყავა"),
    ],
)
def test_georgian_in_latin_letters_meets_georgian_script(latin: str, georgian: str) -> None:
    assert stems(latin, "ka") == stems(georgian, "ka")


def test_foreign_names_in_georgian_text_stay_as_they_are() -> None:
    assert stems("wizzair bolt glovo", "ka-GE") == ("wizzair", "bolt", "glovo")


def test_a_name_no_dictionary_knows_is_found_in_its_cases() -> None:
    assert meet("Zorvexa", "Zorvexas", "lv")
    assert meet("ზორვექსი", "ზორვექსის", "ka")


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Šķūnis", "skunis"),
        ("ŽĄSIS", "zasis"),
        ("Ёлка", "елка"),
        ("мой", "мой"),
        ("ᲛᲝᲛᲡᲐᲮᲣᲠᲔᲑᲐ", "მომსახურება"),
        ("straße", "strasse"),
        ("İstanbul ILIK ılık", "istanbul ilik ilik"),
        ("ＡＢＣ", "abc"),
        ("łódź", "lodz"),
        ("が", "が"),
        ("हिन्दी", "हिन्दी"),
        ("שָׁלוֹם", "שלום"),
    ],
)
def test_fold_joins_spellings_and_keeps_what_tells_words_apart(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#BadService @bolt_riga", "badservice bolt riga"),
        ("e-mail E‑mail wi-fi check-in 5-star", "email email wifi check in 5 star"),
        ("don't Bolt’s", "dont bolts"),
        ("https://www.example.com/lv/jobs?utm=1#top www.a.lv", "example com lv jobs a lv"),
        ("👍🏽 👩‍💻 🇬🇪🇱🇻 ❤️", "👍 👩 💻 🇬🇪 🇱🇻 ❤"),
        ("配送が遅い", "配 送 が 遅 い"),
        ("배송이", "배 송 이"),
        ("ดีมาก", "ดี ม า ก"),
        ("cafe\u0301 na\u00adïve", "cafe naive"),
        ("\u200fשלום\u200e", "שלום"),
        ("4.5 1,000 iPhone15", "4 5 1 000 iphone15"),
    ],
)
def test_what_counts_as_a_word(text: str, expected: str) -> None:
    assert surfaces(text) == expected.split()


def test_french_and_italian_articles_are_words_of_their_own() -> None:
    assert surfaces("L'hôtel", "fr") == ["l", "hotel"]
    assert surfaces("dell’albergo", "it") == ["dell", "albergo"]


def test_a_negated_verb_is_not_the_verb() -> None:
    assert stems("don't", "en") == ("dont",)
    assert not meet("do", "don't", "en")


def test_offsets_are_those_of_the_original_text() -> None:
    text = "Ļoti  slikti 👎🏽, İ L'hôtel"
    assert [text[t.start : t.end] for t in tokens(text, "fr")] == [
        *("Ļoti", "slikti", "👎🏽", "İ", "L", "hôtel"),
    ]


def test_alternatives_hold_the_plain_word_and_every_language_once() -> None:
    assert alternatives("Deliveries", ["en", "en-GB", "zz"]) == (("deliveries",), ("delivery",))
    assert alternatives("late deliveries", ["en"])[-1] == ("late", "delivery")
    assert alternatives("配送", ["ja"]) == (("配", "送"),)
    assert alternatives("— !", ["en"]) == ()


POISON = {
    "lone surrogate": "\ud800a \udfff",
    "NUL": "a\0b",
    "huge word": "a" * 1_000_000,
    "marks": "x" + "\u0301" * 100_000,
    "only marks": "\u0301" * 100_000,
    "zero width": "\u200b" * 10_000 + "ok",
    "apostrophes": "a'" * 100_000,
    "ligature that folds to words": "ﷺ" * 100,
    "address": "http://" + "/" * 100_000,
    "flags": "🇬" * 1_001,
}


@pytest.mark.parametrize("text", POISON.values(), ids=POISON)
@pytest.mark.parametrize("language", ["und", "lv", "ka", "fr"])
def test_poison_gives_sound_tokens(text: str, language: str) -> None:
    assert all(is_sound(token, text) for token in tokens(text, language))


def is_sound(token: Token, text: str) -> bool:
    both = (token.surface, token.stem)
    whole = all(term and not any(c.isspace() for c in term) for term in both)
    return whole and len(token.surface) <= 64 and 0 <= token.start < token.end <= len(text)


@given(st.text(), st.sampled_from(["und", "en", "lv", "ka", "fr", "tr", "ja", "x-klingon", ""]))
@settings(deadline=None)
def test_any_text_gives_sound_tokens_in_order(text: str, language: str) -> None:
    found = tokens(text, language)
    assert all(is_sound(token, text) for token in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


PIECES = st.sampled_from(
    ["L'hôtel", "dell’ora", "https://a.lv/b", "👍🏽", "🇬🇪", "配送", "don't", "\u0301"]
)


@given(st.lists(st.text() | PIECES).map(" ".join), st.sampled_from(["und", "en", "lv", "fr", "tr"]))
@settings(deadline=None)
def test_terms_are_the_tokens_joined(text: str, language: str) -> None:
    found = tokens(text, language)
    surface, stem = (" ".join(t.surface for t in found), " ".join(t.stem for t in found))
    assert terms(text, language) == (surface, stem)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(min_size=1, max_size=30), st.sampled_from(["en", "lv", "lt", "ka", "de"]))
@settings(deadline=None)
def test_a_word_finds_itself(text: str, language: str) -> None:
    assert not tokens(text, language) or stems(text, language) in alternatives(text, [language])
