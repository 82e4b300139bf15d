import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli_support import PROGRAM, environment, files


def test_a_file_needs_no_settings_and_the_counts_add_up(listening, reviews):
    found = listening("ingest", reviews, "--json").row

    assert (found["rows"], found["stored"], found["updated"], found["duplicates"]) == (3, 2, 0, 0)
    assert [(r["file"], r["line"], r["column"]) for r in found["quarantined"]] == [
        ("reviews.csv", 4, "date")
    ]
    assert "yesterday-ish" in found["quarantined"][0]["reason"]
    assert found["mapping"]["comment"] == "text"


def test_a_file_named_again_is_read_again_and_stored_once(listening, reviews):
    listening("ingest", reviews)

    again = listening("ingest", reviews, "--json").row

    assert (again["rows"], again["stored"], again["duplicates"]) == (3, 0, 2)
    assert len(again["quarantined"]) == 1
    assert listening("status", "--json").row["feedback"] == 2
    assert listening("status", "--json").row["quarantined"] == 1


def test_a_stream_skips_a_file_that_did_not_change(listening, reviews):
    Path("listening.toml").write_text(
        f'[streams.shop]\nsource = "files"\npath = "{reviews}"\nbrand = "Medus"\n', "utf-8"
    )

    first, second = (listening("ingest", "--json").row for _ in range(2))

    assert (first["stream"], first["rows"], second["rows"]) == ("shop", 3, 0)
    (stream,) = listening("status", "--json").row["streams"]
    assert (stream["name"], stream["source"], stream["pulled"]) == ("shop", "files", True)


def test_every_file_of_a_pattern_gets_its_line_and_a_bad_one_stops_no_other(listening, reviews):
    Path("b.csv").write_text("date,comment\n2026-10-01,Fine\n", "utf-8")
    Path("folder").mkdir()

    done = listening("ingest", "*.csv", "missing.csv", "folder", reviews, "--json")

    assert [row.get("file") for row in done.rows] == [
        "b.csv", reviews, None, None, reviews,
    ]  # fmt: skip
    assert [row["stream"] for row in done.rows if "error" in row] == ["missing.csv", "folder"]
    assert done.code == 2
    assert "Traceback" not in done.err


def test_options_say_what_the_file_does_not(listening):
    Path("data.csv").write_text("when;said;grade\n2026-10-01;Slow;3\n", "utf-8")

    listening(
        "ingest", "data.csv", "--brand", "Medus", "--kind", "survey", "--source", "till",
        "--map", "grade=nps", "--map", "said=text", "--zone", "Europe/Riga",
    )  # fmt: skip
    (hit,) = listening("search", "--json").row["hits"]

    assert (hit["brand"], hit["kind"], hit["source"]) == ("Medus", "survey", "till")
    assert (hit["text"], hit["ratings"]) == ("Slow", {"nps": 3})
    assert hit["created_at"] == "2026-09-30T21:00:00+00:00"


def test_a_period_keeps_what_is_outside_out(listening, reviews):
    found = listening("ingest", reviews, "--since", "2026-10-06", "--until", "2026-10-07", "--json")

    assert found.row["stored"] == 1


@pytest.mark.parametrize("existing", [False, True])
def test_a_dry_run_leaves_everything_as_it_was(listening, reviews, existing):
    if existing:
        listening("ingest", reviews)
    before = files()

    found = listening("ingest", reviews, "--dry-run", "--json").row

    assert (found["rows"], found["stored"], found["dry_run"]) == (3, 2, True)
    assert files() == before
    assert listening("status", "--json").row["feedback"] == (2 if existing else 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="the system lets root write anywhere")
def test_a_dry_run_works_where_nothing_may_be_written(listening, reviews):
    Path().chmod(0o500)
    try:
        assert listening("ingest", reviews, "--dry-run").code == 0
    finally:
        Path().chmod(0o700)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.xlsx", b"PK\x03\x04 and more", "an Excel or zip file; export it as CSV"),
        ("a.bin", bytes(range(256)) * 9, "a binary file"),
        ("a.pdf", b"%PDF-1.7\n...", "a PDF"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_words(listening, name, content, why):
    Path(name).write_bytes(content)

    done = listening("ingest", name, "--json")

    assert done.code == 2
    assert why in done.row["message"]
    assert why in done.err


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_text_in_two_bytes_a_letter_is_no_binary_file(listening, encoding):
    Path("ka.csv").write_bytes("date,comment\n2026-10-01,ბარგი დაკარგეს\n".encode(encoding))

    assert listening("ingest", "ka.csv", "--json").row["stored"] == 1


def test_an_empty_file_has_no_rows_and_says_so(listening):
    Path("empty.csv").touch()

    found = listening("ingest", "empty.csv", "--json").row

    assert (found["rows"], found["quarantined"]) == (0, [])
    assert "the file is empty" in found["notes"]


def test_nothing_to_ingest_says_what_to_do(listening):
    done = listening("ingest", "--json")

    assert done.code == 2
    assert "listening init" in done.row["message"]
    assert files() == set()


def test_options_of_files_are_refused_for_a_stream(listening, reviews):
    Path("listening.toml").write_text(
        f'[streams.shop]\nsource = "files"\npath = "{reviews}"\nbrand = "Medus"\n', "utf-8"
    )

    done = listening("ingest", "shop", "--brand", "Other", "--json")

    assert done.code == 2
    assert "[streams.shop]" in done.row["message"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--since", "soon"], "--since 'soon' is no time"),
        (["--since", "2026-10-02", "--until", "2026-10-01"], "swap them"),
        (["--since", "2026-10-02", "--until", "2026-10-02"], "write --until 2026-10-03"),
        (["--map", "comment"], "COLUMN=FIELD"),
        (["--map", "nope=text"], "no column 'nope'"),
        (["--zone", "Mars/Base"], "Mars/Base"),
    ],
)
def test_a_wrong_option_says_how_to_mend_it(listening, reviews, options, why):
    done = listening("ingest", reviews, *options, "--json")

    assert done.code == 2
    assert why in done.row["message"]


def test_interrupted_ends_cleanly_and_the_next_run_completes_it(listening):
    rows = "".join(f"{n},2026-10-01,Number {n} was fine\n" for n in range(4000))
    Path("many.csv").write_text(f"id,date,comment\n{rows}", "utf-8")
    with subprocess.Popen(
        [*PROGRAM, "ingest", "many.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as running:
        while not Path("listening.sqlite").exists() and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()

    assert running.returncode == 130
    assert b"what was done is kept" in said
    assert b"Traceback" not in said
    assert listening("ingest", "many.csv").code == 0
    assert listening("status", "--json").row["feedback"] == 4000
