"""Identifiers of rows that survive the next export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from listening.sources.seen import Seen
from tests.reading import Write, read, writer


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer(tmp_path)


@pytest.mark.parametrize(
    "name", ["reviews-2026-09.csv", "reviews_2026-10-01.csv", "reviews (2).csv"]
)
def test_the_next_export_is_the_same_source(write: Write, name: str) -> None:
    assert read(write("text\nGood\n", name))[0][0].source == "reviews"


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


def test_row_numbers_that_begin_again_in_the_next_export_are_no_ids(write: Write) -> None:
    head = "Nr.,Datums,Atsauksme\n"
    september, _ = read(write(head + "1,2026-09-03,Viss kārtībā\n2,2026-09-05,Gara rinda\n"))
    october, _ = read(write(head + "1,2026-10-02,Sūtījums pazuda\n2,2026-10-06,Paldies\n"))
    longer, _ = read(write(head + "1,2026-10-09,Ātri\n2,2026-09-03,Viss kārtībā\n"))

    assert not {item.native_id for item in september} & {item.native_id for item in october}
    assert longer[1].native_id == september[0].native_id


def test_short_numbers_that_begin_again_in_another_export_overwrite_nothing(write: Write) -> None:
    head = "id,date,text\n"
    september, _ = read(write(head + "1,2026-09-01,Parcel lost\n2,2026-09-04,Fine\n"))
    october, _ = read(write(head + "1,2026-10-01,App logs me out\n2,2026-10-01,Fine\n"))

    assert not {item.native_id for item in september} & {item.native_id for item in october}


def test_an_edited_row_of_the_next_export_keeps_its_short_number(write: Write) -> None:
    first, _ = read(write("id;date;time;text\n1;01.09.2026;14:05;Parcel lost\n"))
    edited = write("id;date;time;text\n1;2026-09-01;14:05;Found it\n", zone="Europe/Riga")

    assert [item.native_id for item in read(edited)[0]] == [first[0].native_id]


@pytest.mark.parametrize(
    "own", ["1970789359126000000", "10234567", "r-7", "0b7e9d9c-3f0e-4c8a-9c56-0d1b8ff4b1c2"]
)
def test_ids_that_name_one_thing_for_good_stay_as_they_are(write: Write, own: str) -> None:
    assert read(write(f"id,date,text\n{own},2026-09-01,Fine\n"))[0][0].native_id == own


def test_short_numbers_without_a_date_stay_and_a_note_says_what_that_means(write: Write) -> None:
    source = write("id,text\n1,Parcel lost\n2,Fine\n")

    assert [item.native_id for item in read(source)[0]] == ["1", "2"]
    assert any("'id'" in note and "--source" in note for note in source.inspect().notes)


def test_a_row_set_aside_gets_on_retry_the_id_that_reading_again_gives(write: Write) -> None:
    wrong = write("id,date,score,text\n1,2026-09-01,9,Fine\n", map={"score": "csat"})
    right = replace(wrong, map={"score": "nps"})

    assert right.retry(read(wrong)[1][0]).native_id == read(right)[0][0].native_id


def test_an_equal_row_with_an_id_that_was_refused_is_the_same_answer(write: Write) -> None:
    source = write(
        "id,date,text\n1,2026-10-01,Late\n1,2026-10-01,Late\n2,2026-10-01,Rude\n2,2026-10-02,Kind\n"
    )
    items, _ = read(source)

    assert "'id'" in source.inspect().id_from
    assert len(items) == 4
    assert len({item.native_id for item in items}) == 3


def test_equal_rows_whose_id_is_empty_are_two_answers(write: Write) -> None:
    items, _ = read(write("id,date,stars\n,2026-10-01,5\n,2026-10-01,5\nr1,2026-10-01,2\n"))

    assert len({item.native_id for item in items}) == 3
