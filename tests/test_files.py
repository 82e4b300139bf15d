from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listening.errors import ConfigError, InvalidItem
from listening.http import Http
from listening.records import Item, Kind, Page, Rejected, Scale, Window
from listening.sources.files import Files, Layout, inspect
from listening.sources.seen import Seen
from tests.contract.source import SourceCase, SourceContract

Write = Callable[..., Files]
RECORDINGS = Path(__file__).parent / "recordings" / "files"


def pages(source: Files, cursor: str | None = None) -> list[Page]:
    return list(source.fetch(cursor, http=Http(), window=Window()))


def read(source: Files) -> tuple[list[Item], list[Rejected]]:
    found = pages(source)
    return [i for page in found for i in page.items], [r for page in found for r in page.rejected]


def recorded(name: str, **options: Any) -> tuple[list[Item], list[Rejected], Layout]:
    source = Files(path=str(RECORDINGS / name), **options)
    return *read(source), source.inspect()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes, name: str = "export.csv", **options: Any) -> Files:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Files(path=str(path), **options)

    return write_file


def ratings(item: Item) -> dict[Scale, int]:
    return {rating.scale: rating.value for rating in item.ratings}


class TestFiles(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> SourceCase:
        rows = [{"id": f"r{n}", "text": f"Teksts {n}", "date": n * 86_400_000 + 1788253200000}
                for n in range(1203)]  # fmt: skip
        first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
        lines = [json.dumps(row) + "\n" for row in rows]
        first.write_text("".join(lines[:1100]))
        second.write_bytes(gzip.compress("".join(lines[1100:]).encode()))
        ids = frozenset(str(row["id"]) for row in rows)
        return SourceCase(Files(path=str(tmp_path / "*.jsonl*")), Http, ids)


# Real shapes of exports


def test_latvian_reviews_in_cp1257_with_semicolons() -> None:
    items, rejected, layout = recorded("atsauksmes_cp1257.csv")
    assert (layout.encoding, layout.separator) == ("cp1257", ";")
    assert layout.mapping == {
        "Nr.": None, "Datums": "created_at (day first)", "Vērtējums": "stars (1-5)",
        "Atsauksme": "text", "Lietotājs": "author", "Filiāle": "touchpoint",
    }  # fmt: skip
    assert rejected == []
    assert [ratings(item) for item in items] == [{Scale.STARS: n} for n in (5, 2, 4, 1)]
    assert items[0].text == "Ļoti laipna apkalpošana, kafija karsta un garšīga."
    assert items[3].text == 'Viņi teica "nav mūsu vaina" un\r\nnolika klausuli.'
    assert items[1].created_at == datetime(2026, 9, 13, tzinfo=UTC)
    assert (items[1].author, items[1].touchpoint, items[1].kind) == ("Jānis", "Liepāja", "review")


def test_lithuanian_survey_in_iso_8859_13_with_tabs_and_labelled_nps() -> None:
    items, rejected, layout = recorded("apklausa_iso8859_13.csv", zone="Europe/Vilnius")
    assert layout.separator == "\t"
    assert rejected == []
    assert [ratings(item)[Scale.NPS] for item in items] == [9, 3, 10, 7]
    assert items[2].text == "Viskas puiku, ačiū už šypsenas!"
    assert items[3].text == ""
    assert items[0].created_at == datetime(2026, 9, 1, 7, 15, tzinfo=UTC)
    assert {item.kind for item in items} == {Kind.SURVEY}


def test_russian_reviews_in_cp1251_with_month_names() -> None:
    items, rejected, layout = recorded("otzyvy_cp1251.csv")
    assert layout.encoding == "cp1251"
    assert rejected == []
    assert [ratings(item)[Scale.STARS] for item in items] == [5, 1, 4]
    assert [item.created_at.day for item in items] == [1, 2, 3]
    assert items[0].text == "Доставили за час, всё свежее."


def test_georgian_survey_in_utf_16_without_a_mark_and_worded_answers() -> None:
    items, rejected, layout = recorded("gamokitkhva_utf16le.tsv")
    assert layout.encoding == "utf-16-le"
    assert rejected == []
    assert [ratings(item)[Scale.CSAT] for item in items] == [5, 2, 4]
    assert items[2].text == ""
    assert items[1].touchpoint == "საბურთალო"


def test_german_excel_export_with_its_separator_line_and_decimal_commas() -> None:
    items, rejected, layout = recorded("bewertungen_cp1252.csv")
    assert (layout.encoding, layout.separator, layout.header_line) == ("cp1252", ";", 2)
    assert rejected == []
    assert [ratings(item)[Scale.STARS] for item in items] == [5, 1, 3]
    assert items[0].text == "Gern wieder\nSchöne Räume, freundliches Personal."
    assert items[2].created_at == datetime(2026, 3, 5, 18, tzinfo=UTC)


def test_qualtrics_three_header_rows() -> None:
    items, rejected, layout = recorded("qualtrics.csv")
    assert rejected == []
    assert layout.mapping["Q1"] == "nps (0-10)"
    assert layout.mapping["Q1_NPS_GROUP"] is None
    assert layout.mapping["RecordedDate"] == "created_at"
    assert [item.native_id for item in items] == ["R_1aB", "R_2cD", "R_3eF"]
    assert [item.language for item in items] == ["en", "lv", "ka"]
    assert [ratings(item)[Scale.NPS] for item in items] == [10, 2, 7]


def test_surveymonkey_two_header_rows_and_month_first_clock() -> None:
    items, rejected, layout = recorded("surveymonkey.csv")
    assert rejected == []
    assert layout.date_order == "month first"
    assert ratings(items[0]) == {Scale.CSAT: 5, Scale.CES: 7}
    assert ratings(items[1]) == {Scale.CSAT: 2, Scale.CES: 1}
    assert [item.text for item in items] == ["Nothing at all", "Answer the phone.", ""]
    assert items[2].created_at == datetime(2026, 9, 15, 0, 30, tzinfo=UTC)


def test_kiosk_smileys_keep_identical_presses() -> None:
    items, rejected, _ = recorded("kiosk.csv")
    assert rejected == []
    assert [ratings(item)[Scale.SMILEY] for item in items] == [4, 3, 2, 2, 1]
    assert len({item.native_id for item in items}) == 5
    assert {item.kind for item in items} == {Kind.RATING}


def test_a_report_sets_every_bad_row_aside_with_line_column_and_reason() -> None:
    items, rejected, layout = recorded("report.csv")
    assert layout.header_line == 4
    assert [item.native_id for item in items] == ["10", "15"]
    assert [(row.line, row.column, row.reason) for row in rejected] == [
        (6, None, "5 fields where the header has 4"),
        (7, "CSAT", "csat 7 is outside 1-5"),
        (8, "Date", "'2026-09-31' is no date"),
        (9, None, "the header again, not an answer"),
        (10, None, "no text and no rating"),
        (12, None, "3 fields where the header has 4"),
        (13, None, "a summary row (Total), not an answer"),
    ]
    assert rejected[0].raw == "11,2026-09-02,9,Nine out of five, honestly\r\n"
    assert all(row.origin.endswith("report.csv") for row in rejected)


def test_nested_posts() -> None:
    items, rejected, layout = recorded("posts.jsonl", brand="Amberline")
    assert rejected == []
    assert layout.mapping["public_metrics.like_count"] == "engagement"
    assert layout.mapping["user.id"] is None
    assert (items[1].author, items[0].engagement, items[0].brand) == ("გიორგი", 4, "Amberline")
    assert items[0].created_at == datetime(2026, 9, 1, 6, 12, 9, tzinfo=UTC)


def test_an_api_answer_that_wraps_its_rows() -> None:
    items, rejected, layout = recorded("answer.json")
    assert (layout.format, rejected) == ("json", [])
    assert [item.native_id for item in items] == ["r1", "r2", "r3"]
    assert items[0].text == "Programėlė stringa po atnaujinimo."


def test_gzip_cut_short_keeps_the_rows_before() -> None:
    items, rejected, _ = recorded("cut_short.jsonl.gz")
    assert [item.native_id for item in items] == [f"c{n}" for n in range(len(items))]
    assert len(items) > 100
    assert [row.line for row in rejected] == [len(items) + 1]
    assert "gzip" in rejected[0].reason
    assert {item.kind for item in items} == {Kind.CHAT}


def test_a_stray_quote_costs_one_row() -> None:
    items, rejected, _ = recorded("stray_quote.csv")
    assert [item.native_id for item in items] == ["1", "3", "4", "5"]
    assert [(row.line, row.reason) for row in rejected] == [
        (3, "a quote is opened and never closed")
    ]


def test_a_stray_quote_does_not_swallow_rows_into_one_text(write: Write) -> None:
    source = write(
        'id,stars,review\n1,5,Great\n2,4,"Good but\n3,3,Average\n4,2,"Slow"\n5,1,"Bad ""really"""\n'
        '6,2,"Two\nlines, one text"\n7,3,"So" so\n'
    )
    items, rejected = read(source)
    assert [row.line for row in rejected] == [3]
    assert [(item.native_id, item.text) for item in items] == [
        ("1", "Great"), ("3", "Average"), ("4", "Slow"), ("5", 'Bad "really"'),
        ("6", "Two\nlines, one text"), ("7", "So so"),
    ]  # fmt: skip


# Encodings and dialects


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1257", "Piegāde kavējās, bet kurjers bija laipns"),
        ("iso8859_13", "Kurjeris vėlavo, bet viską paaiškino"),
        ("cp1257", "Teenindus oli sõbralik, aga järjekord pikk"),
        ("cp1251", "Заказ привезли холодным"),
        ("koi8_r", "Очередь двигалась медленно, никто не помог"),
        ("cp1252", "Das Zimmer war schön, das Frühstück könnte besser sein"),
        ("cp1250", "Obsługa była miła, ale długo czekałem"),
        ("utf-16", "მომსახურება ნელი იყო"),
        ("utf-16-be", "მომსახურება ნელი იყო, საჭმელი კი გემრიელი"),
        ("utf-8-sig", "ძალიან კმაყოფილი ვარ"),
    ],
)
def test_one_short_sentence_is_enough_to_tell_the_encoding(
    write: Write, encoding: str, text: str
) -> None:
    source = write(f'date,comment\n2026-09-01,"{text}"\n'.encode(encoding))
    items, rejected = read(source)
    assert rejected == []
    assert [item.text for item in items] == [text]


def test_rows_with_bad_bytes_are_set_aside_alone(write: Write) -> None:
    before, after = "id;text\n1;Viss bija lieliski!\n", "3;Kafija auksta, žēl\n"
    bad = "2;Slikta apkalpošana\n".encode("cp1257")
    items, rejected = read(write(before.encode() + bad + after.encode()))
    assert [item.native_id for item in items] == ["1", "3"]
    assert [(row.line, row.reason) for row in rejected] == [(3, "byte 0xf0 is not utf-8")]


_SIGNS = " ,;|'\"\n"
_LETTERS = {
    "utf-8": "aāčēģąųėjžაბგქабвяäöß😀",
    "utf-16": "aāčēģąųėjžაბგქабвяäöß😀",
    "utf-8-sig": "aāčēģąųėjžაბგქабвяäöß😀",
    "cp1257": "aāčēģņšąčęėįšųūž",
    "iso8859_13": "aāčēģņšąčęėįšųūž",
    "cp1251": "абвгдежзийклмн",
}


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[str], str, bytes]:
    """(texts, encoding, the file) of a table as some writer would write it."""
    encoding = draw(st.sampled_from(sorted(_LETTERS)))
    words = st.text(_LETTERS[encoding] + _SIGNS, min_size=1, max_size=30).map(str.strip)
    said = words.filter(lambda text: any(map(str.isalnum, text)))
    texts = draw(st.lists(said, min_size=3, max_size=12))
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from(",;\t|")),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        lineterminator=draw(st.sampled_from(["\n", "\r\n"])),
    )
    writer.writerow(["id", "date", "stars", "review"])
    for number, text in enumerate(texts, 1):
        writer.writerow([f"n{number}", f"2026-09-{number:02}", number % 5 + 1, text])
    content = out.getvalue().encode(encoding)
    return texts, encoding, gzip.compress(content) if draw(st.booleans()) else content


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(exports())
def test_whatever_a_csv_writer_writes_is_read_back(
    write: Write, export: tuple[list[str], str, bytes]
) -> None:
    texts, encoding, content = export
    # Letters drawn at random are no words: an 8-bit encoding cannot be told from them.
    items, rejected = read(write(content, encoding=None if "utf" in encoding else encoding))
    assert rejected == []
    assert [item.text for item in items] == texts
    assert [ratings(item)[Scale.STARS] for item in items] == [
        number % 5 + 1 for number in range(1, len(texts) + 1)
    ]


def test_json_array_on_one_line_longer_than_a_chunk(write: Write) -> None:
    rows = [
        {"id": str(n), "text": f"Teksts numur {n} " * 20, "tags": ["a", "b"]} for n in range(900)
    ]
    items, rejected = read(write(json.dumps(rows), "all.json"))
    assert rejected == []
    assert [item.text for item in items] == [str(row["text"]).strip() for row in rows]


def test_a_json_array_cut_short_keeps_its_whole_elements(write: Write) -> None:
    whole = json.dumps([{"id": str(n), "text": "Laba apkalpošana"} for n in range(5)], indent=1)
    items, rejected = read(write(whole[:-30], "cut.json"))
    assert [item.native_id for item in items] == ["0", "1", "2", "3"]
    assert [row.line for row in rejected] == [18]


def test_nul_bytes_and_backslash_quotes(write: Write) -> None:
    content = 'id,text\n1,"She said \\"no\\", twice"\n2,"Fi\x00ne, thanks"\n3,"All good, really"\n'
    items, rejected = read(write(content))
    assert rejected == []
    assert [item.text for item in items] == [
        'She said "no", twice',
        "Fine, thanks",
        "All good, really",
    ]


def test_no_header_row(write: Write) -> None:
    source = write(
        "2026-09-01;5;Lieliska vieta ar labu kafiju\n2026-09-02;1;Auksta zupa un ilga gaidīšana\n"
    )
    items, rejected = read(source)
    assert rejected == []
    assert [item.text for item in items] == [
        "Lieliska vieta ar labu kafiju",
        "Auksta zupa un ilga gaidīšana",
    ]
    assert items[0].created_at == datetime(2026, 9, 1, tzinfo=UTC)
    assert "no header row" in source.inspect().notes[0]


@pytest.mark.parametrize(
    "rows",
    [
        ["Great service", "Nobody answered the phone"],
        ["Rīga;Laba apkalpošana un kafija", "Liepāja;Slikta apkalpošana un tēja"],
        ["Comment on the service;Good", "Another comment on prices;Bad"],
    ],
)
def test_a_first_row_that_may_be_data_is_not_lost_as_a_header(
    write: Write, rows: list[str]
) -> None:
    items, rejected = read(write("\n".join(rows)))
    assert len(items) + len(rejected) == len(rows)


def test_names_we_do_not_know_above_numbers_are_a_header(write: Write) -> None:
    items, _ = read(
        write("Foo;Bar;Baz\n1;2026-09-01;Good and quick as ever\n2;2026-09-02;Slow and cold\n")
    )
    assert [item.text for item in items] == ["Good and quick as ever", "Slow and cold"]


def test_an_empty_file_gives_no_rows(write: Write) -> None:
    assert read(write("")) == ([], [])


def test_half_a_surrogate_pair_can_be_stored(write: Write) -> None:
    good, bad = (
        {"id": "1", "text": "So good \ud83d"},
        {"id": "\udc00", "text": "", "user": "\ud83d"},
    )
    items, rejected = read(write(f"{json.dumps(good)}\n{json.dumps(bad)}\n", "posts.jsonl"))
    assert items[0].text == "So good \ufffd"
    rejected[0].raw.encode()


# Columns


def mapping(source: Files) -> dict[str, str | None]:
    return dict(source.inspect().mapping)


@pytest.mark.parametrize(
    "header",
    [
        "თარიღი;შეფასება;კომენტარი;მომხმარებელი;ფილიალი;სერვისი",
        "Datums;Vērtējums;Komentārs;Lietotājs;Filiāle;Pakalpojums",
        "Data;Įvertinimas;Atsiliepimas;Vartotojas;Filialas;Paslauga",
        "Дата;Оценка;Комментарий;Пользователь;Филиал;Услуга",
        "Datum;Bewertung;Kommentar;Benutzer;Filiale;Dienstleistung",
        "Date;Rating;Comment;User name;Store;Service category",
        "created_at;overallRating;reviewText;user_name;store;service",
    ],
)
def test_headers_in_seven_manners(write: Write, header: str) -> None:
    rows = "01.09.2026;4;Good coffee and kind people;Nia;North;Delivery\n" * 3
    fields = [read and read.split()[0] for read in mapping(write(f"{header}\n{rows}")).values()]
    assert fields == ["created_at", "stars", "text", "author", "touchpoint", "service"]


def test_one_word_is_a_rating_or_a_text_by_its_values(write: Write) -> None:
    texts = write(
        "Datum;Bewertung\n01.09.2026;Sehr freundlich und schnell\n02.09.2026;Nie wieder dorthin\n"
    )
    assert mapping(texts)["Bewertung"] == "text"
    numbers = write("Datum;Bewertung\n01.09.2026;4\n02.09.2026;1\n")
    assert mapping(numbers)["Bewertung"] == "stars (1-5)"


@pytest.mark.parametrize(
    ("kind", "values", "scale", "read_as"),
    [
        (Kind.SURVEY, "1 3 5", "csat (1-5)", [1, 3, 5]),
        (Kind.SURVEY, "0 9 10", "nps (0-10)", [0, 9, 10]),
        (Kind.REVIEW, "1 3 5", "stars (1-5)", [1, 3, 5]),
        (Kind.REVIEW, "1 7 10", "stars (of 10, scaled to 1-5)", [1, 4, 5]),
        (Kind.REVIEW, "0,5 3,5 5,0", "stars (1-5)", [1, 4, 5]),
        (None, "20% 55% 100%", "stars (of 100, scaled to 1-5)", [1, 3, 5]),
        (None, "8/10 3/10 10/10", "stars (of 10, scaled to 1-5)", [4, 2, 5]),
        (None, "★★★☆☆ ★☆☆☆☆ ★★★★★", "stars (1-5)", [3, 1, 5]),
    ],
)
def test_a_bare_rating_gets_its_scale_from_the_kind_and_the_values(
    write: Write, kind: Kind | None, values: str, scale: str, read_as: list[int]
) -> None:
    source = write(
        "rating;comment\n" + "".join(f"{v};Fine by me\n" for v in values.split()), kind=kind
    )
    assert mapping(source)["rating"] == scale
    items, rejected = read(source)
    assert rejected == []
    assert [item.ratings[0].value for item in items] == read_as


def test_scale_and_value_pairs(write: Write) -> None:
    items, rejected = read(write(
        "respondent;metric;value;date\na;NPS;9;2026-09-01\nb;CSAT;4;2026-09-01\n"
        "c;CES score;6;2026-09-02\nd;NPS;12;2026-09-02\n"
    ))  # fmt: skip
    assert [ratings(item) for item in items] == [{Scale.NPS: 9}, {Scale.CSAT: 4}, {Scale.CES: 6}]
    assert [(row.line, row.column, row.reason) for row in rejected] == [
        (5, "value", "nps 12 is outside 0-10")
    ]


def test_kinds_in_a_column(write: Write) -> None:
    items, _ = read(write("type,text\ntweet,A\napp_review,B\nsurvey,C\nlive chat,D\natsauksme,E\n"))
    assert [item.kind for item in items] == [
        Kind.MENTION, Kind.REVIEW, Kind.SURVEY, Kind.CHAT, Kind.REVIEW
    ]  # fmt: skip


def test_a_column_of_other_types_is_no_kind_unless_declared(write: Write) -> None:
    content = "type,text\ncomplaint,Slow\npraise,Quick\n"
    assert mapping(write(content))["type"] is None
    items, rejected = read(write(content, map={"type": "kind"}))
    assert items == []
    assert rejected[0].column == "type"


def test_declared_columns_overrule_the_guess(write: Write) -> None:
    content = "Score,Text,Junk,When\n9,Good value,Nothing of note here,2026-09-01\n"
    source = write(content, map={"Score": "nps", "Text": "ignore", "Junk": "text"})
    assert mapping(source) == {
        "Score": "nps (0-10)", "Text": None, "Junk": "text", "When": "created_at"
    }  # fmt: skip


def test_a_declared_column_or_field_that_is_not_there_names_the_nearest(write: Write) -> None:
    with pytest.raises(ConfigError, match="no column 'Scor'; nearest: Score"):
        read(write("Score,Text\n9,Good\n", map={"Scor": "nps"}))
    with pytest.raises(ConfigError, match="'npss' is not a field; nearest: nps"):
        Files(path="x.csv", map={"Score": "npss"})


def test_defaults_stand_in_where_the_file_is_silent(write: Write) -> None:
    items, _ = read(write(
        "text,country\nGood,LV\nBad,\n",
        brand="Zefira", country="LT", source="panel", service="Post",
    ))  # fmt: skip
    assert [item.country for item in items] == ["LV", "LT"]
    assert {(item.brand, item.source, item.service) for item in items} == {
        ("Zefira", "panel", "Post")
    }


@pytest.mark.parametrize(
    "name", ["reviews-2026-09.csv", "reviews_2026-10-01.csv", "reviews (2).csv"]
)
def test_the_next_export_is_the_same_source(write: Write, name: str) -> None:
    assert read(write("text\nGood\n", name))[0][0].source == "reviews"


def test_without_dates_rows_get_the_time_of_the_file(write: Write) -> None:
    source = write("text\nGood coffee\n")
    os.utime(source.path, (1788253200, 1788253200))
    assert read(source)[0][0].created_at == datetime(2026, 9, 1, 9, tzinfo=UTC)
    assert any("no date column" in note for note in source.inspect().notes)


# Identifiers and cursors


def test_identical_answers_are_both_kept_and_exports_that_overlap_share_ids(write: Write) -> None:
    head, same = "date,stars\n", "2026-09-01,5\n"
    first = read(write(head + same + same + "2026-09-02,1\n", "a.csv"))[0]
    later = read(write(head + "2026-09-02,1\n" + same + same + "2026-09-03,2\n", "b.csv"))[0]
    assert len({item.native_id for item in first}) == 3
    assert {item.native_id for item in first} < {item.native_id for item in later}


def test_a_customer_number_is_no_id(write: Write) -> None:
    source = write("id,text\n7,Good\n8,Bad\n7,Good again\n")
    assert len({item.native_id for item in read(source)[0]}) == 3
    assert "repeats with other content" in source.inspect().id_from


def test_an_id_column_stays_one_though_whole_rows_repeat(write: Write) -> None:
    source = write("id,text\n7,Good\n8,Bad\n7,Good\n")
    assert [item.native_id for item in read(source)[0]] == ["7", "8", "7"]


def test_the_next_best_id_column_serves(write: Write) -> None:
    source = write("id,review_id,text\n7,r1,Good\n8,r2,Bad\n7,r3,Good again\n")
    assert source.inspect().id_from == "review_id"


def test_an_id_that_repeats_only_after_the_sample_loses_nothing(write: Write) -> None:
    rows = [f"{n},Text number {n}\n" for n in range(2100)]
    items, _ = read(write("id,text\n" + "".join(rows) + "5,Other words\n5,Text number 5\n"))
    assert len(items) == 2102
    assert len({item.native_id for item in items}) == 2101


def test_more_rows_than_fit_at_first_are_told_apart() -> None:
    seen = Seen()
    keys = [n * 2**61 % (2**64 - 59) + 1 for n in range(5000)]
    assert {seen.count(key) for key in keys} == {1}
    assert {seen.count(key) for key in keys} == {2}
    assert [seen.first(key, 9) for key in (keys[0], 2**63 + 7)] == [2, 9]


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(write: Write) -> None:
    source = write("id,text\n1,Good\n")
    cursor = pages(source)[-1].cursor
    assert pages(source, cursor) == []
    assert pages(replace(source, zone="Europe/Riga"), cursor) != []
    Path(source.path).write_text("id,text\n1,Good\n2,Bad\n")
    assert [item.native_id for page in pages(source, cursor) for item in page.items] == ["1", "2"]


def test_a_crash_resumes_at_its_page(write: Write) -> None:
    source = write("text\n" + "The same words\n" * 1100)
    first, *rest = pages(source)
    assert pages(source, first.cursor) == rest
    assert [len(page.items) for page in (first, *rest)] == [500, 500, 100]


def test_a_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file matches"):
        pages(Files(path=str(tmp_path / "*.csv")))


@pytest.mark.parametrize(
    "option", [{"zone": "Mars/Base"}, {"separator": "ab"}, {"encoding": "latvian"}]
)
def test_a_wrong_option_is_a_config_error(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Files(path="x.csv", **option)


def test_a_row_set_aside_is_read_once_the_mapping_is_right(write: Write) -> None:
    source = write("Score,Text\n9,Good\n3,Bad\n4,Fair\n", map={"Score": "csat"})
    rejected = read(source)[1]
    assert [row.reason for row in rejected] == ["csat 9 is outside 1-5"]
    corrected = replace(source, map={"Score": "nps"})
    assert corrected.retry(rejected[0]) == read(corrected)[0][0]
    shutil.move(source.path, f"{source.path}.old")
    assert ratings(corrected.retry(rejected[0])) == {Scale.NPS: 9}
    with pytest.raises(InvalidItem, match="outside 0-10"):
        corrected.retry(replace(rejected[0], raw=rejected[0].raw.replace('"9"', '"12"')))
    with pytest.raises(InvalidItem, match="no whole row is left"):
        corrected.retry(replace(rejected[0], raw="9;Good"))


def test_inspect_tells_json_ready_facts(write: Write) -> None:
    layout = inspect(write("Score,Text\n9,Good\n").path, kind=Kind.SURVEY)
    assert layout.mapping == {"Score": "nps (0-10)", "Text": "text"}
    assert (layout.format, layout.encoding, layout.separator, layout.rows_sampled) == (
        "csv",
        "utf-8",
        ",",
        1,
    )


def test_what_the_brand_answered_is_no_customers_text(write: Write) -> None:
    items, _ = read(
        write(
            "Review ID,Date,App Version Name,Review Text,Developer Reply Text\n"
            "1,2026-10-01,1.0.1,It crashes at login,We are sorry to hear that\n"
        )
    )

    assert [(item.text, item.author) for item in items] == [("It crashes at login", None)]


def test_coordinates_and_constant_answers_are_neither_places_nor_texts(write: Write) -> None:
    items, rejected = read(
        write(
            "RecordedDate,Status,LocationLatitude,Q1,Q2\n"
            "Recorded Date,Response Type,Location Latitude,Would you recommend us?,Why?\n"
            + ",".join(['"{""ImportId"":""x""}"'] * 5)
            + "\n2026-10-01,IP Address,56.9,9,Friendly crew\n2026-10-02,IP Address,56.9,,\n"
        )
    )

    assert [(item.text, item.touchpoint) for item in items] == [("Friendly crew", None)]
    assert [row.reason for row in rejected] == ["no text and no rating"]


def test_the_names_of_kiosks_are_no_texts(write: Write) -> None:
    rows = "".join(f"Riga gate {n % 3},2026-10-01T10:{n:02}Z,{1 + n % 4}\n" for n in range(20))

    items, _ = read(write(f"Terminal code,Time,Smiley\n{rows}"))

    assert {item.text for item in items} == {""}


def test_a_value_beside_its_maximum_is_a_rating(write: Write) -> None:
    row = '{"id": 1, "date": "2026-10-01", "rating": {"value": 4, "max": 5}, "body": "All fine"}\n'

    items, _ = read(write(row, "reviews.jsonl"))

    assert [ratings(item) for item in items] == [{Scale.STARS: 4}]


def test_groups_of_promoters_tell_that_the_score_is_an_nps(write: Write) -> None:
    items, _ = read(
        write(
            "id,date,score,category,comment\n1,2026-10-01,10,promoter,Love it\n"
            "2,2026-10-02,4,detractor,Waiting for a refund\n3,2026-10-03,8,passive,Fine so far\n"
        )
    )

    assert [ratings(item) for item in items] == [{Scale.NPS: 10}, {Scale.NPS: 4}, {Scale.NPS: 8}]
    assert {item.service for item in items} == {None}


def test_row_numbers_that_begin_again_in_the_next_export_are_no_ids(write: Write) -> None:
    head = "Nr.,Datums,Atsauksme\n"
    september, _ = read(write(head + "1,2026-09-03,Viss kārtībā\n2,2026-09-05,Gara rinda\n"))
    october, _ = read(write(head + "1,2026-10-02,Sūtījums pazuda\n2,2026-10-06,Paldies\n"))
    longer, _ = read(write(head + "1,2026-10-09,Ātri\n2,2026-09-03,Viss kārtībā\n"))

    assert not {item.native_id for item in september} & {item.native_id for item in october}
    assert longer[1].native_id == september[0].native_id


@pytest.mark.parametrize("name", ["Comments", "Atsauksmes", "Komentaras", "კომენტარები"])
def test_answers_of_one_word_are_texts_under_any_form_of_a_known_name(
    write: Write, name: str
) -> None:
    items, _ = read(write(f"id,date,{name}\n1,2026-10-01,Good\n2,2026-10-02,Slikti\n"))

    assert [item.text for item in items] == ["Good", "Slikti"]
