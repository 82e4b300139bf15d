import json
import shlex
import subprocess

import pytest

from tests.cli_support import PROGRAM, environment, process


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

    assert len(tries) == 4
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
    assert running.returncode == 0


def test_json_is_utf8_whatever_the_terminal_is(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")

    done = process(
        "query", "explain", "ბარგი", "--file", "-", "--json", stdin='{"text": "ბარგის!"}'.encode()
    )

    assert json.loads(done.stdout)["words"] == ["ბარგის"]
    assert done.stderr == b""


def test_help_names_every_command(listening):
    done = listening("--help")

    names = (
        "init demo ingest score serve sentiment search query report words quarantine erase sources"
    )
    assert all(f"  {name} " in done.out for name in [*names.split(), "status", "store", "sweep"])
    assert "..." not in done.out.partition("Commands:")[2]
    assert listening("--version").out.startswith("listening ")


COMMANDS = (
    "init", "demo", "ingest", "score", "sentiment", "search", "report", "words", "query check",
    "query explain", "quarantine list", "quarantine retry", "erase", "sources", "status",
    "store check", "store migrate", "store expire", "sweep",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_what_options_take_in_words(listening, command):
    shown = listening(*command.split(), "--help").out

    assert "[[" not in shown
    options = shown.partition("Options:")[2]
    assert not {"<str>", "<int>", "<path>"} & set(options.split())
