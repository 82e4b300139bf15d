import os
from datetime import UTC, datetime

import pytest
from pytest_socket import disable_socket

from listening.records import Item, Kind


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
