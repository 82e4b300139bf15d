from __future__ import annotations

from pathlib import Path

import pytest

from listening import language
from listening.language import UNDETERMINED, detect

PHONE = Path(__file__).parents[1] / "benchmarks" / "data"


@pytest.mark.parametrize("tag", ["lv", "lt", "ka"])
def test_nine_of_ten_phone_typed_texts_are_recognised(tag: str) -> None:
    texts = (PHONE / f"phone-{tag}.txt").read_text("utf-8").splitlines()
    wrong = [text for text in texts if detect(text) != tag]
    assert len(texts) >= 60
    assert len(wrong) <= len(texts) / 10, wrong


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("atri piegadaja bet kurjers rupjs", "lv"),
        ("Ātri piegādāja, bet kurjers rupjš", "lv"),
        ("labai letas aptarnavimas", "lt"),
        ("Labai lėtas aptarnavimas", "lt"),
        ("dzalian cudi momsaxureba", "ka"),
        ("Zalian cudi momsaxureba", "ka"),
        ("dzalian tsudi momsakhureba", "ka"),
        ("gmadlobt, yvelaferi kargad iyo", "ka"),
        ("ragac sashinelebaa", "ka"),
        ("ochen ploho obsluzhivanie", "ru"),
        ("The courier was rude and the parcel was late", "en"),
        ("Der Fahrer war unfreundlich und viel zu spät", "de"),
        ("Kuller oli ebaviisakas ja pakk jäi hiljaks", "et"),
        ("Курьер нагрубил, доставка опоздала", "ru"),
        ("Кур'єр нагрубив, доставка запізнилася", "uk"),
        ("الخدمة سيئة جدا ولن أعود", "ar"),
        ("सेवा बहुत खराब थी", "hi"),
    ],
)
def test_short_complaints_in_shared_scripts(text: str, tag: str) -> None:
    assert detect(text) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("კარგია", "ka"),
        ("ᲫᲐᲚᲘᲐᲜ ᲙᲐᲠᲒᲘ", "ka"),
        ("Շատ լավ", "hy"),
        ("Πολύ καλό", "el"),
        ("שירות מצוין", "he"),
        ("บริการดีมาก", "th"),
        ("서비스가 좋아요", "ko"),
        ("サービスが最高です", "ja"),
        ("服务很好，下次还来", "zh"),
    ],
)
def test_a_script_of_one_language_decides(text: str, tag: str) -> None:
    assert detect(text) == tag


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "123 456,00",
        "😀😀😀",
        "!!! ???",
        "https://example.com/labi/paldies",
        "@bolt @wolt",
    ],
)
def test_nothing_to_read_is_undetermined(text: str) -> None:
    assert detect(text) == UNDETERMINED
    assert detect(text, prior=("lv",)) == UNDETERMINED


@pytest.mark.parametrize("text", ["ok", "Samsung", "Rimi", "super", "Bolt", "nu", "top!", "Wolt"])
def test_a_brand_or_one_ambiguous_word_is_undetermined(text: str) -> None:
    assert detect(text) == UNDETERMINED


def test_links_handles_tags_and_elongations_are_overlooked() -> None:
    noisy = "@wolt_lv kur ir mans sutijums??? 😡😡 #delivery #fail https://t.co/AbCdEf"
    assert detect(noisy) == "lv"
    assert detect("looooti labiiiii paldieeees") == "lv"
    assert detect("#paldies #labs #serviss") == "lv"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("ჩემი შეკვეთა ისევ არ მოვიდა, кошмар", "ka"),
        ("кошмар, заказ опять не привезли, კარგით რა", "ru"),
        ("pasutijums atkal kavejas, kurjers nesaka neko, ужас", "lv"),
        ("ужас, заказ опять не привезли, nu labi", "ru"),
        ("სამსუნგი Galaxy არ მუშაობს", "ka"),
        ("iPhone 15 非常好用，推荐购买", "zh"),
    ],
)
def test_mixed_text_is_in_the_language_of_most_of_it(text: str, tag: str) -> None:
    assert detect(text) == tag


def test_prior_decides_what_is_close() -> None:
    assert detect("nav") == UNDETERMINED
    assert detect("nav", prior=("lv-LV", "ru")) == "lv"


@pytest.mark.parametrize("prior", [("lv",), ("ka", "ru"), ("lt", "et", "pl")])
def test_prior_does_not_bend_clear_text(prior: tuple[str, ...]) -> None:
    assert detect("The courier was rude and the parcel was late", prior=prior) == "en"
    assert detect("Курьер нагрубил, доставка сильно опоздала", prior=prior) == "ru"
    assert detect("კურიერი უხეში იყო", prior=prior) == "ka"


def test_an_unknown_prior_is_harmless() -> None:
    assert detect("atri piegadaja bet kurjers rupjs", prior=("xx", "tlh")) == "lv"


def test_a_script_py3langid_lacks_is_undetermined() -> None:
    assert detect("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ") == UNDETERMINED


def test_odd_input_gives_an_answer() -> None:
    for text in ("\x00\x00abc", "\ud800 abc", "a" * 100_000, "ﬁ ﬂ ﬃ", "e\u0301" * 50):
        assert isinstance(detect(text), str)


def test_buckets_stay_in_range_and_depend_on_order() -> None:
    rows = language.buckets("paldies", 14)
    assert rows.max() < 1 << 14
    assert set(rows.tolist()) != set(language.buckets("seidlap", 14).tolist())
