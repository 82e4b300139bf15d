"""Encodings, separators, quotes and headers of files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listening.errors import ConfigError
from listening.http import Http
from listening.records import Scale, Window
from listening.sources.files import Files
from tests.reading import Write, ratings, read, writer


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer(tmp_path)


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


def test_a_file_that_is_no_text_is_refused_by_name(write: Write, tmp_path: Path) -> None:
    write("text\nGood coffee\n", "a.csv")
    write(random.Random(7).randbytes(4000), "b.bin")
    with pytest.raises(ConfigError, match=r"b\.bin holds no text"):
        list(Files(path=str(tmp_path / "*")).fetch(None, http=Http(), window=Window()))


@pytest.mark.parametrize(
    "content", [struct.pack("<40i", *range(40)), b"\x89PNG\r\n\x1a\n" + bytes(90)]
)
def test_numbers_and_pictures_are_no_text(write: Write, content: bytes) -> None:
    with pytest.raises(ConfigError, match="holds no text"):
        read(write(content))
