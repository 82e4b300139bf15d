from pathlib import Path

import pytest


def test_every_line_gets_one_answer_in_order(listening):
    lines = (
        '{"text": "Lieliska apkalpošana, paldies!"}\nbroken\n\n{"text": ""}\n{"text": 5}\n'
        '{"text": "\\ud83d"}'
    )

    done = listening("sentiment", "--file", "-", "--json", stdin=lines)

    rows = done.rows
    assert done.code == 0
    assert len(rows) == 6
    assert (rows[0]["label"], rows[0]["language"]) == ("positive", "lv")
    assert abs(rows[0]["negative"] + rows[0]["neutral"] + rows[0]["positive"] - 1) < 1e-6
    assert [row.get("line") for row in rows] == [None, 2, 3, None, 5, None]
    assert "error" in rows[1]
    assert rows[3]["label"] == "unknown"
    assert "3 lines of standard input could not be read" in done.err


def test_a_text_of_nothing_is_told_as_that(listening):
    assert listening("sentiment", " ").out == "no text\n"


def test_texts_given_directly_are_drawn_for_people(listening):
    done = listening("sentiment", "I love it!", "I hate it!")

    assert [line.split()[0] for line in done.out.splitlines()] == ["positive", "negative"]


def test_a_missing_file_of_texts_says_so(listening):
    done = listening("sentiment", "--file", "none.jsonl", "--json")

    assert done.code == 2
    assert "none.jsonl" in done.row["message"]


def test_a_query_is_explained_and_tried_on_texts(listening):
    Path("t.jsonl").write_text(
        '{"text": "Pazaudēja manu bagāžu"}\n{"text": "All fine", "stars": 5}\n'
        '{"text": "x", "kind": "poem"}\nbroken\n',
        "utf-8",
    )

    rows = listening("query", "explain", "bagāža", "--file", "t.jsonl", "--json").rows

    assert [row.get("matches") for row in rows] == [True, False, None, None]
    assert rows[0]["words"] == ["bagāžu"]
    assert "bagāža" in rows[0]["meaning"]
    assert "poem" in rows[2]["error"]
    assert rows[3]["line"] == 4


def test_a_text_too_short_to_tell_its_language_still_matches(listening):
    row = listening("query", "explain", "lidojums", "--text", "lidojumu", "--json").row

    assert row["matches"] is True


def test_fields_of_a_line_are_asked_too(listening):
    text = '{"text": "ok", "stars": 2, "sentiment": "negative", "created_at": "2026-10-01"}'

    query = "stars:1..2 sentiment:negative after:2026-09-30"
    assert listening("query", "explain", query, "--file", "-", "--json", stdin=text).row["matches"]


def test_a_bad_query_points_at_the_character(listening):
    done = listening("query", "check", "(crew AND", "--json")

    assert done.code == 2
    assert set(done.row) == {"query", "valid", "position", "message"}
    assert (done.row["valid"], done.row["position"]) == (False, 6)
    people = listening("query", "check", "(crew AND")
    assert "  (crew AND\n        ^" in people.err


@pytest.mark.parametrize("command", ["search", "report", "words"])
def test_a_bad_query_is_an_error_in_json_too(listening, reviews, command):
    listening("ingest", reviews)

    done = listening(command, "(crew", "--json")

    assert (done.code, done.row["error"]) == (2, "QueryError")
    assert done.row["message"] in done.err
