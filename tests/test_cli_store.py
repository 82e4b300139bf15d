import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli_support import files


@pytest.mark.parametrize(
    "command",
    [
        "search crew",
        "report",
        "words",
        "score",
        "quarantine list",
        "quarantine retry",
        "erase 1 -y",
        "store check",
        "store migrate",
        "store expire",
    ],
)
def test_a_store_that_is_not_there_is_an_error_and_none_is_made(listening, command):
    done = listening(*command.split(), "--store", "misspelt.sqlite", "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "misspelt.sqlite; fill one with listening ingest" in done.row["message"]
    assert files() == set()


def test_status_answers_without_a_store_too(listening):
    done = listening("status", "--json")

    assert (done.code, done.row["exists"], done.row["feedback"]) == (0, False, 0)
    assert files() == set()


@pytest.mark.parametrize(
    "line",
    [
        "--store b.sqlite -c some.toml status",
        "status --store b.sqlite -c some.toml",
        "status --config=some.toml --store=b.sqlite",
    ],
)
def test_store_and_settings_are_named_before_or_after_the_command(listening, reviews, line):
    Path("some.toml").write_text(
        f'store = "a.sqlite"\n[streams.shop]\nsource = "files"\npath = "{reviews}"\n', "utf-8"
    )
    listening("ingest", reviews, "--store", "b.sqlite")

    found = listening(*line.split(), "--json").row

    assert found["store"].endswith("b.sqlite")
    assert found["feedback"] == 2
    assert [stream["name"] for stream in found["streams"]] == ["shop"]


def test_what_stands_behind_two_dashes_is_no_option(listening, reviews):
    listening("ingest", reviews)

    assert listening("search", "--json", "--", "--store").code == 0


@pytest.mark.parametrize(
    "line", ["search --nope", "nope", "search --limit 900", "search --store", "query check"]
)
def test_a_wrong_command_line_is_an_error_in_json_too(listening, line):
    done = listening(*line.split(), "--json")
    people = listening(*line.split())

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert done.row["message"].rstrip(".") in done.err
    assert (people.code, people.out) == (2, "")
    assert "Traceback" not in people.err


def test_sources_are_told_in_a_sentence_each(listening):
    for row in listening("sources", "--json").rows:
        assert row["about"].endswith(".")
        assert "`" not in row["about"]
        assert row["options"]


@pytest.mark.parametrize("command", [["search"], ["store", "check"], ["status"]])
def test_a_store_of_an_unknown_kind_is_refused(listening, reviews, command):
    done = listening("--store", "redis://search.example/1", *command, "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "redis:// is no kind of store" in done.row["message"]
    assert files() == {reviews}


def test_a_store_that_machines_share_wants_one_key_for_all(listening, reviews):
    done = listening("--store", "https://search.example:9200", "ingest", reviews, "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "export LISTENING_AUTHOR_KEY" in done.row["message"]
    assert files() == {reviews}


def test_a_store_in_a_folder_that_is_not_there_says_so(listening, reviews):
    done = listening("--store", "no/such/a.sqlite", "ingest", reviews, "--json")

    assert done.code == 2
    assert "folder" in done.row["message"] or "directory" in done.row["message"]


def test_settings_are_written_once_and_can_be_read(listening):
    assert listening("init", "--json").row == {"written": "listening.toml"}

    assert listening("status", "--json").code == 0
    again = listening("init", "--json")
    assert again.code == 2
    assert "exists already" in again.row["message"]
    assert listening("init", "no/folder.toml", "--json").code == 2


def test_a_misspelt_setting_names_the_right_one(listening):
    Path("listening.toml").write_text('stoer = "a.sqlite"\n', "utf-8")

    done = listening("status")

    assert (done.code, done.out) == (2, "")
    assert "did you mean 'store'" in done.err


def test_what_was_set_aside_can_be_listed_and_tried_again(listening, reviews):
    listening("ingest", reviews)
    (held,) = listening("quarantine", "list", "--json").rows

    unmended = listening("quarantine", "retry", "--json").row
    mended = listening("quarantine", "retry", held["id"], "--map", "date=ignore", "--json").row

    assert (held["line"], held["column"]) == (4, "date")
    assert (unmended["stored"], list(unmended["failed"])) == (0, [held["id"]])
    assert mended == {"stored": 1, "failed": {}}
    assert listening("quarantine", "retry", "nope", "--json").code == 2


def test_an_author_is_erased_by_name_with_the_rows_set_aside(listening, reviews):
    listening("ingest", reviews)

    found = listening("erase", "--query", "author:@Ben", "--yes", "--json").row

    assert found == {"erased": 1, "quarantined": 1}
    assert listening("quarantine", "list", "--json").rows == []
    assert b"They lost" not in Path("listening.sqlite").read_bytes()
    again = listening("ingest", reviews, "--json").row
    assert (again["stored"], again["duplicates"]) == (0, 2)
    assert listening("status", "--json").row["feedback"] == 1


def test_erasing_in_json_mode_needs_a_yes(listening, reviews):
    listening("ingest", reviews)

    done = listening("erase", "--query", "crew", "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "--yes" in done.row["message"]
    assert listening("status", "--json").row["feedback"] == 2


@pytest.mark.parametrize(("answer", "left"), [("y\n", 1), ("n\n", 2), ("", 2)])
def test_erasing_asks_first(listening, reviews, answer, left):
    listening("ingest", reviews)

    done = listening("erase", "--query", "crew", stdin=answer)

    assert "Erase 1 that the query finds, for good?" in done.err
    assert done.code == (0 if left == 1 else 2)
    assert listening("status", "--json").row["feedback"] == left


def test_a_row_set_aside_is_erased_by_its_id(listening, reviews):
    listening("ingest", reviews)
    (held,) = listening("quarantine", "list", "--json").rows

    assert listening("erase", held["id"], "--yes", "--json").row == {"erased": 0, "quarantined": 1}


def test_what_would_steer_the_terminal_is_not_printed(listening):
    Path("e.csv").write_text("date,comment\n2026-10-01,fine\nb\x1b[31mad,x\n", "utf-8")

    done = listening("ingest", "e.csv")

    assert "\x1b" not in done.out + done.err


def test_the_list_shows_whole_ids_and_each_reason_on_one_line(listening, reviews):
    listening("ingest", reviews)
    (held,) = listening("quarantine", "list", "--json").rows

    lines = listening("quarantine", "list").out.splitlines()

    assert lines[0] == "1 row set aside"
    assert lines[1] == f"{held['id']}  reviews.csv:4, date: {held['reason']}"
    assert "yesterday-ish" in lines[2]
    assert len(lines) == 4


def test_a_row_leaves_the_quarantine_when_its_file_is_read_right(listening):
    Path("apklausa.csv").write_text(
        "id;data;vertinimas;atsiliepimas\n1;2026-10-01;geras;Viskas gerai\n"
        "2;2026-10-02;puikus;\n3;spalio trys;blogas;Per ilgai laukiau\n",
        "utf-8",
    )

    def aside(*maps: str) -> list[str]:
        options = [option for pair in maps for option in ("--map", pair)]
        listening("ingest", "apklausa.csv", *options)
        held = listening("quarantine", "list", "--json").rows
        return [json.loads(row["raw"])["id"] for row in held]

    assert aside("vertinimas=nps") == ["1", "2", "3"]
    assert aside("vertinimas=ignore") == ["2", "3"]
    assert aside("vertinimas=ignore", "data=ignore") == ["2"]


def test_a_check_tells_what_is_wrong_and_exits_with_2(listening, reviews):
    listening("ingest", reviews)
    assert listening("store", "check").out == "The store is as it should be\n"
    with sqlite3.connect("listening.sqlite") as db:
        db.execute("INSERT INTO terms (rowid, surface, stem) VALUES (1, 'a', 'a')")
    db.close()

    people, programs = listening("store", "check"), listening("store", "check", "--json")

    assert (people.code, programs.code, programs.row["sound"]) == (2, 2, False)
    (problem,) = programs.row["problems"]
    assert people.out == f"{problem}\n"


def test_a_sqlite_store_is_brought_up_to_date_when_it_is_opened(listening, reviews):
    listening("ingest", reviews)

    assert "when opened" in listening("store", "migrate").out


def test_old_months_expire_when_the_settings_say_how_old(listening):
    Path("old.csv").write_text(
        "id,date,comment\na,2020-02-03,Long ago\nb,2020-03-04,Too\n", "utf-8"
    )
    listening("ingest", "old.csv")
    unsaid = listening("store", "expire", "--json")
    Path("listening.toml").write_text('keep = "400d"\n', "utf-8")

    rehearsed = listening("store", "expire", "--dry-run").out

    assert (unsaid.code, unsaid.row["error"]) == (2, "ConfigError")
    assert "keep = " in unsaid.row["message"]
    assert rehearsed.startswith("Would remove 2 items of before 20")
    assert listening("store", "expire", "--json").row == {"expired": 2, "dry_run": False}
    assert listening("store", "expire").out.startswith("Removed 0 items")
    assert listening("ingest", "old.csv", "--json").row["expired"] == 2
    assert "2 older than is kept" in listening("ingest", "old.csv").out
    assert b"Long ago" not in Path("listening.sqlite").read_bytes()


def test_only_streams_that_can_be_asked_are_swept(listening, reviews):
    listening("ingest", reviews)
    Path("listening.toml").write_text(
        f'[streams.shop]\nsource = "files"\npath = "{reviews}"\n', "utf-8"
    )

    assert "nothing to sweep" in listening("sweep", "--json").row["message"]
    named = listening("sweep", "shop", "nope", "--json")

    assert named.code == 2
    assert [row["stream"] for row in named.rows] == ["shop", "nope"]
    assert "files cannot be asked" in named.rows[0]["message"]


@pytest.mark.parametrize(
    "line", ["--part 0/4", "--part 5/4", "--part 1", "--part 1/257", "--part a/b"]
)
def test_a_part_is_one_of_how_many(listening, reviews, line):
    listening("ingest", reviews)

    done = listening("score", *line.split(), "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "1/4 to 4/4" in done.row["message"]


def test_parts_score_everything_between_them(listening, reviews):
    listening("ingest", reviews)

    parts = [listening("score", "--part", f"{n}/3", "--json").row["texts"] for n in (1, 2, 3)]

    assert sum(parts) == 2
    assert listening("status", "--json").row["unscored"] == 0
    assert listening("score", "--again", "", "--dry-run", "--json").row["texts"] == 2
    assert listening("score", "--again", "crew", "--json").row["texts"] == 1


@pytest.mark.parametrize("line", ["--again crew --part 1/2", "--dry-run"])
def test_options_of_score_that_do_not_go_together_say_so(listening, reviews, line):
    listening("ingest", reviews)

    assert listening("score", *line.split(), "--json").row["error"] == "ConfigError"
