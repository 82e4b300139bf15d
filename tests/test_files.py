from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from listening.errors import ConfigError, InvalidItem
from listening.http import Http
from listening.records import Item, Kind, Rejected, Scale
from listening.sources.files import Files, Layout
from tests.contract.source import SourceCase, SourceContract
from tests.reading import Write, pages, ratings, read, writer

RECORDINGS = Path(__file__).parent / "recordings" / "files"


def recorded(name: str, **options: Any) -> tuple[list[Item], list[Rejected], Layout]:
    source = Files(path=str(RECORDINGS / name), **options)
    return *read(source), source.inspect()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer(tmp_path)


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
    assert {item.question for item in items} == {"What could we do better?"}
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
    assert [item.native_id for item in items] == ["10@2026-09-01", "15@2026-09-05"]
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
    assert [item.native_id.split("@")[0] for item in items] == ["1", "3", "4", "5"]
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


# Cursors, options and rows set aside


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
    layout = write("Score,Text\n9,Good\n", kind=Kind.SURVEY).inspect()
    assert layout.mapping == {"Score": "nps (0-10)", "Text": "text"}
    assert (layout.format, layout.encoding, layout.separator, layout.rows_sampled) == (
        "csv",
        "utf-8",
        ",",
        1,
    )
