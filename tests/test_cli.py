import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from listening.cli.main import run

ROOT = Path(__file__).parent.parent
PROGRAM = [sys.executable, "-c", "from listening.cli import main; main()"]
CSV = """id,date,comment,stars,author
1,2026-10-05,The crew was kind,5,anna
2,2026-10-06,They lost my bag,1,ben
3,yesterday-ish,No answer at all,1,ben
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> Any:
        (row,) = self.rows
        return row


@pytest.fixture
def listening(monkeypatch, capsys):
    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(arguments)
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def reviews():
    Path("reviews.csv").write_text(CSV, "utf-8")
    return "reviews.csv"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's store and what making it printed."""
    store = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    return store, process("demo", str(store))


def process(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], input=stdin, capture_output=True, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    return {"PYTHONIOENCODING": "utf-8", **os.environ, "PYTHONPATH": str(ROOT)}


def files() -> set[str]:
    """SQLite's own companions of an open store come and go."""
    return {str(path) for path in Path().rglob("*") if not path.name.endswith(("-wal", "-shm"))}


# Ingest


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
    assert listening("status", "--json").row["streams"] == [
        {"name": "shop", "source": "files", "pulled": True}
    ]


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
        (["--map", "comment"], "COLUMN=FIELD"),
        (["--map", "nope=text"], "no column 'nope'"),
        (["--zone", "Mars/Base"], "Mars/Base"),
    ],
)
def test_a_wrong_option_says_how_to_mend_it(listening, reviews, options, why):
    done = listening("ingest", reviews, *options, "--json")

    assert done.code == 2
    assert why in done.row["message"]


# The store and the settings


def test_reading_where_there_is_no_store_makes_none(listening):
    done = listening("search", "crew", "--json")

    assert (done.code, done.row["total"]) == (0, 0)
    assert "there is no store listening.sqlite yet" in done.err
    assert files() == set()


@pytest.mark.parametrize("command", [["search"], ["ingest", "reviews.csv"], ["status"]])
def test_a_store_elsewhere_than_in_a_file_is_refused(listening, reviews, command):
    done = listening("--store", "https://search.example:9200", *command, "--json")

    assert (done.code, done.row["error"]) == (2, "ConfigError")
    assert "SQLite file" in done.row["message"]
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


# Sentiment


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


def test_texts_given_directly_are_drawn_for_people(listening):
    done = listening("sentiment", "I love it!", "I hate it!")

    assert [line.split()[0] for line in done.out.splitlines()] == ["positive", "negative"]


def test_a_missing_file_of_texts_says_so(listening):
    done = listening("sentiment", "--file", "none.jsonl", "--json")

    assert done.code == 2
    assert "none.jsonl" in done.row["message"]


# Queries


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
def test_a_bad_query_is_an_error_in_json_too(listening, command):
    done = listening(command, "(crew", "--json")

    assert (done.code, done.row["error"]) == (2, "QueryError")
    assert done.row["message"] in done.err


# Quarantine, erasing


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


# The whole


def test_the_demo_twice_is_the_demo_once(listening, demo):
    store, done = demo
    before = listening("--store", str(store), "status", "--json").row

    again = listening("demo", str(store))

    assert done.returncode == 0
    assert again.code == 0
    assert again.out == done.stdout.decode()
    assert listening("--store", str(store), "status", "--json").row == before
    assert before["feedback"] > 1000
    assert before["unscored"] == 0


def test_the_demo_ends_with_what_to_try_next(listening, demo):
    done = demo[1]
    lines = done.stdout.decode().splitlines()
    tries = [line.split("listening ", 1)[1] for line in lines if line.startswith("  listening")]

    assert len(tries) == 3
    for line in tries:
        tried = listening(*shlex.split(line))
        assert tried.code == 0
        assert len(tried.out) > 200


def test_words_and_the_report_agree(listening, demo):
    store, _ = demo
    query = 'brand:"Amberwing" sentiment:negative'
    report = listening("--store", str(store), "report", "--json").row
    (topic,) = (one for one in report["complaints"] if one["brand"] == "Amberwing")

    words = listening("--store", str(store), "words", query, "--limit", "6", "--json").row

    assert words
    assert [word["term"] for word in words] == [word["term"] for word in topic["words"]]


def test_words_of_everything_have_nothing_to_be_compared_with(listening, demo):
    done = listening("--store", str(demo[0]), "words", "", "--json")

    assert done.code == 2


def test_a_reader_that_has_had_enough_is_no_error(demo):
    with subprocess.Popen(
        [*PROGRAM, "--store", str(demo[0]), "search", "--limit", "200", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(5)
        running.stdout.close()
        assert running.stderr.read() == b""


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


def test_json_is_utf8_whatever_the_terminal_is(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    done = process(
        "query", "explain", "ბარგი", "--file", "-", "--json", stdin='{"text": "ბარგის!"}'.encode()
    )

    assert json.loads(done.stdout)["words"] == ["ბარგის"]
    assert done.stderr == b""


def test_help_names_every_command(listening):
    done = listening("--help")

    names = "init demo ingest score sentiment search query report words quarantine erase sources"
    assert all(f"  {name} " in done.out for name in [*names.split(), "status"])
    assert listening("--version").out.startswith("listening ")


# The documentation

BLOCKS = re.findall(
    r"```(\w+)(?: ([\w.]+))?\n(.*?)```", (ROOT / "docs/json.md").read_text("utf-8"), re.DOTALL
)


def shape(value: Any) -> Any:
    """Keys and types; of a list the first entry."""
    match value:
        case dict():
            return {key: shape(entry) for key, entry in value.items()}
        case list():
            return [shape(value[0])] if value else []
        case bool() | None | str():
            return type(value).__name__
    return "number"


def alike(example: Any, real: Any) -> bool:
    if isinstance(example, dict) and isinstance(real, dict):
        return not example or (
            example.keys() == real.keys() and all(alike(example[k], real[k]) for k in example)
        )
    if isinstance(example, list) and isinstance(real, list):
        return not example or not real or alike(example[0], real[0])
    return example == real or "NoneType" in (example, real)


def values(text: str) -> list[Any]:
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_every_example_of_the_documentation_is_what_the_program_prints(listening, demo):
    for name, content in [(name, text) for _, name, text in BLOCKS if name]:
        Path(name).write_text(content, "utf-8")
    Path("listening-demo.sqlite").write_bytes(demo[0].read_bytes())

    for example in [text for language, _, text in BLOCKS if language == "console"]:
        command, printed = example.split("\n", 1)
        real = listening(*shlex.split(command)[2:])

        documented = [shape(value) for value in values(printed)]
        found = [shape(row) for row in real.rows][: len(documented)]
        assert all(map(alike, documented, found)), (command, documented, found)
        assert len(documented) <= len(real.rows), command
