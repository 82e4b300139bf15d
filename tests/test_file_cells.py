"""Cells as people write them: ratings, numbers, dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening.errors import ConfigError, InvalidItem
from listening.records import Scale
from listening.sources.dates import day_first, moment
from listening.sources.values import number, rating


@pytest.mark.parametrize(
    ("text", "scale", "value"),
    [
        ("4", Scale.STARS, 4),
        ("4,0", Scale.STARS, 4),
        ("4.0/5", Scale.STARS, 4),
        ("8/10", Scale.STARS, 4),
        ("7 out of 10", Scale.STARS, 4),
        ("3 no 5", Scale.CSAT, 3),
        ("4 из 5", Scale.CSAT, 4),
        ("2 von 5", Scale.CSAT, 2),
        ("★★★☆☆", Scale.STARS, 3),
        ("⭐⭐", Scale.STARS, 2),
        ("5 stars", Scale.STARS, 5),
        ("4 zvaigznes", Scale.STARS, 4),
        ("3,5", Scale.STARS, 4),
        ("9 - very likely", Scale.NPS, 9),
        ("10 (Extremely likely)", Scale.NPS, 10),
        ("Extremely likely - 10", Scale.NPS, 10),
        ("0 = not at all", Scale.NPS, 0),
        ("Very satisfied", Scale.CSAT, 5),
        ("Very dissatisfied", Scale.CSAT, 1),
        ("ļoti apmierināta", Scale.CSAT, 5),
        ("labai patenkintas", Scale.CSAT, 5),
        ("Nepatenkinta", Scale.CSAT, 2),
        ("ძალიან კმაყოფილი", Scale.CSAT, 5),
        ("ნეიტრალური", Scale.CSAT, 3),
        ("очень доволен", Scale.CSAT, 5),
        ("Ни доволен, ни недоволен", Scale.CSAT, 3),
        ("sehr zufrieden", Scale.CSAT, 5),
        ("Strongly agree", Scale.CES, 7),
        ("Somewhat disagree", Scale.CES, 3),
        ("ძალიან რთული", Scale.CES, 1),
        ("Stimme voll zu", Scale.CSAT, 5),
        ("😀", Scale.SMILEY, 4),
        ("🙂", Scale.SMILEY, 3),
        ("🙁", Scale.SMILEY, 2),
        ("☹️", Scale.SMILEY, 2),
        ("😡", Scale.SMILEY, 1),
        ("very unhappy", Scale.SMILEY, 1),
        ("Happy", Scale.SMILEY, 3),
        ("очень счастлив", Scale.SMILEY, 4),
        ("4★", Scale.STARS, 4),
    ],
)
def test_ratings_as_people_write_them(text: str, scale: Scale, value: int) -> None:
    assert rating(text, scale) == value


@pytest.mark.parametrize(
    ("text", "scale", "reason"),
    [
        ("11", Scale.NPS, "nps 11 is outside 0-10"),
        ("-1", Scale.NPS, "nps -1 is outside 0-10"),
        ("0", Scale.STARS, "stars 0 is outside 1-5"),
        ("6/5", Scale.CSAT, "csat 6/5 is outside 1-5"),
        ("8.5", Scale.NPS, "nps 8.5 is not a whole number"),
        ("maybe", Scale.CSAT, "'maybe' is not a rating that can be read as csat"),
        ("Promoter", Scale.NPS, "'Promoter' is not a rating that can be read as nps"),
        ("2026-09-01", Scale.CSAT, "'2026-09-01' is not a rating"),
        ("1e1", Scale.NPS, "'1e1' is not a rating"),
    ],
)
def test_what_is_outside_a_scale_says_so(text: str, scale: Scale, reason: str) -> None:
    with pytest.raises(InvalidItem, match=f"^{reason}"):
        rating(text, scale)


@given(st.sampled_from(Scale), st.floats(0, 100), st.sampled_from([None, 5.0, 10.0, 100.0]))
def test_a_rating_that_is_read_lies_on_its_scale(
    scale: Scale, value: float, top: float | None
) -> None:
    try:
        read = rating(f"{value:.1f}", scale, top)
    except InvalidItem:
        return
    assert scale.low <= read <= scale.high


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234", 1234), ("1,234", 1234), ("1.234,5", 1234.5), ("1,234.5", 1234.5),
        ("1 234,5", 1234.5),
        ("1\N{NO-BREAK SPACE}234", 1234), ("1'234'567", 1234567), ("1,234,567", 1234567),
        ("4,0", 4),
        ("0.5", 0.5), ("-3", -3), ("0,125", 0.125), ("1.234.567", 1234567),
    ],
)  # fmt: skip
def test_numbers_with_any_separators(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "four", "1.2.3", "1,2,3", "--1", "12a"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(InvalidItem):
        number(text)


NINE = datetime(2026, 9, 1, 9, tzinfo=UTC)
DAY = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-09-01T09:00:00Z", NINE),
        ("2026-09-01T12:00:00+03:00", NINE),
        ("2026-09-01 12:00 +0300", NINE),
        ("2026-09-01 12:00 EEST", NINE),
        ("2026-09-01 09:00:00 UTC", NINE),
        ("2026-09-01 13:00 GMT+4", NINE),
        ("Tue Sep 01 12:00:00 +0300 2026", NINE),
        ("Tue, 01 Sep 2026 09:00:00 GMT", NINE),
        ("Tue Sep 01 2026 12:00:00 GMT+0300 (Eastern European Summer Time)", NINE),
        ("1788253200", NINE),
        ("1788253200000", NINE),
        ("46266.375", NINE),
        ("46266", DAY),
        ("20260901", DAY),
        ("01.09.2026", DAY),
        ("1.9.26", DAY),
        ("01/09/2026 9:00", NINE),
        ("01.09.2026. 09:00", NINE),
        ("1 Sep 2026, 9:00 am", NINE),
        ("September 1, 2026 9 AM", NINE),
        ("2026. gada 1. septembris", DAY),
        ("2026 m. rugsėjo 1 d.", DAY),
        ("1 сентября 2026 г. 09:00", NINE),
        ("1 სექტემბერი, 2026", DAY),
        ("2026 წლის 1 სექტემბერი", DAY),
        ("1. September 2026", DAY),
        ("2026/09/01", DAY),
        ("01-Sep-2026", DAY),
        ("01.09.2026 09.00", NINE),
        ("01.09.2026. 9.00.00", NINE),
        ("1/9/26 09.00", NINE),
        ("2026-09-01 12.00 +0300", NINE),
        ("1 сентября 2026 09.00", NINE),
        ("01. 09. 2026", DAY),
        ("31.08.2026 24:00", DAY),
        ("2026-08-31T24:00:00Z", DAY),
        ("31.08.2026 24.00", DAY),
        ("9/1/2026 12:00 AM", datetime(2026, 1, 9, tzinfo=UTC)),
    ],
)
def test_dates_as_people_write_them(text: str, expected: datetime) -> None:
    assert moment(text) == expected


_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "lv": "janvāris februāris marts aprīlis maijs jūnijs jūlijs augusts septembris oktobris "
    "novembris decembris",
    "lt": "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio "
    "lapkričio gruodžio",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "ka": "იანვარი თებერვალი მარტი აპრილი მაისი ივნისი ივლისი აგვისტო სექტემბერი ოქტომბერი "
    "ნოემბერი დეკემბერი",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}


@pytest.mark.parametrize("language", _MONTHS)
def test_every_month_in_six_languages(language: str) -> None:
    names = _MONTHS[language].split()
    assert [moment(f"7 {name} 2026").month for name in names] == list(range(1, 13))


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "31.04.2026",
        "13:00 PM 1 May 2026",
        "soon",
        "2026",
        "",
        "12/2026",
        "31.08.2026 24:01",
        "31.08.2026 12.60",
    ],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(InvalidItem, match="is no date"):
        moment(text)


def test_a_time_without_a_zone_is_in_the_given_one() -> None:
    assert moment("2026-09-01 12:00", zone="Europe/Riga") == NINE
    with pytest.raises(ConfigError, match="not a time zone"):
        moment("2026-09-01", zone="Riga")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["01/02/2026", "13/02/2026"], True),
        (["01/02/2026", "02/13/2026"], False),
        (["01/02/2026", "01/03/2026", "01/04/2026"], True),
        (["01/11/2026", "02/01/2026", "02/03/2026"], False),
        (["01/02/2026 3:00 PM"], False),
        (["01/02/2026 15:00"], True),
        (["01.02.2026"], True),
        (["2026-02-13"], True),
    ],
)
def test_the_order_of_day_and_month_is_the_columns(values: list[str], expected: bool) -> None:
    assert day_first(values)[0] is expected


@given(st.integers(631152000, 2840140800))
def test_any_time_is_read_back_in_any_notation(seconds: int) -> None:
    when = datetime.fromtimestamp(seconds, UTC)
    for notation in (
        "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d %B %Y %H:%M:%S", "%d/%m/%Y %I:%M:%S %p",
        "%B %d, %Y %H:%M:%S", "%Y/%m/%d %H:%M:%S",
    ):  # fmt: skip
        assert moment(when.strftime(notation)) == when
