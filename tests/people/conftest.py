"""A store with three people, and browsers over it."""

import shutil

import pytest

from listening.web.accounts import Accounts
from tests.people_support import (
    Clock,
    empty,
    entered,
    peopled,
)
from tests.web_support import client


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(tmp_path):
    return empty(tmp_path)


@pytest.fixture(scope="module")
def with_people(tmp_path_factory):
    """A store's file with three people: making passwords takes a while, as it must."""
    folder = tmp_path_factory.mktemp("people")
    app = empty(folder)
    peopled(app, Clock())
    app.store.close()
    return folder / "s.sqlite"


@pytest.fixture
def accounts(app, clock, with_people):
    shutil.copy(with_people, app.settings.folder)
    return Accounts(app, clock)


@pytest.fixture
def pages(app, accounts, clock):
    """A browser in which nobody has logged in."""
    return client(app, clock=clock)


@pytest.fixture
def admin(app, accounts, clock):
    return entered(app, clock, "ann")
