import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_socket import disable_socket

from listening.records import Item, Kind
from tests.cli_support import CSV, Done, process


def pytest_runtest_setup():
    disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The folder of the dictionaries' tries: built once a run, or kept where the caller says."""
    return os.environ.get("LISTENING_CACHE") or str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path, cache):
    """No setting of whoever runs the tests reaches them, and nothing is written where they are."""
    for name in list(os.environ):
        if name.startswith(("LISTENING_", "X_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LISTENING_CACHE", cache)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def item():
    """An item with sensible values for what a test does not name."""

    def make(native_id: str = "1", text: str = "The crew was kind.", **more: object) -> Item:
        values = {"created_at": datetime(2026, 10, 9, 12, tzinfo=UTC), "kind": Kind.MENTION}
        return Item(native_id=native_id, text=text, **(values | more))  # type: ignore[arg-type]  # a test's own business

    return make


@pytest.fixture
def listening(monkeypatch, capsys):
    """Run one command here; a new process takes a second."""
    from listening.cli.main import run  # noqa: PLC0415 - most tests need no command line

    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = run(arguments)
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def reviews():
    Path("reviews.csv").write_text(CSV, "utf-8")
    return "reviews.csv"


@pytest.fixture(scope="session")
def demo(tmp_path_factory, cache):
    """The demo's store and what making it printed."""
    store = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        return store, process("demo", str(store))
