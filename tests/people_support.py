"""A store with three people and a clock that the test turns."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from listening.app import App
from listening.settings import Settings
from listening.stores.sqlite import SqliteStore
from listening.web.accounts import Accounts
from listening.web.people import Role
from tests.web_support import client

PASSWORDS = {
    "ann": "correct horse battery",
    "ben": "purple kettle window",
    "cid": "seven quiet lanterns",
}
NEW = "a lantern by the sea"
OUTSIDE, PROXY = "203.0.113.7", "10.0.0.1"
HTML = {"Accept": "text/html"}
ROLES = {"ann": Role.ADMIN, "ben": Role.ANALYST, "cid": Role.VIEWER}


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime(2026, 10, 9, 12, tzinfo=UTC))

    def __call__(self):
        return self.now

    def wait(self, **span):
        self.now += timedelta(**span)


def empty(folder):
    """An app over a store that nobody has an account in."""
    SqliteStore(str(folder / "s.sqlite")).close()
    chosen = Settings(folder=folder, store="s.sqlite", zone="Europe/Riga")
    return App(chosen, creates=False, environ=MappingProxyType({}))


def peopled(app, clock):
    """The accounts of an app, after three people were added to it."""
    accounts = Accounts(app, clock)
    for name, password in PASSWORDS.items():
        accounts.add(name, ROLES[name], password)
    return accounts


def with_environment(app, **values):
    return replace(app, environ=MappingProxyType(values))


def log_in(pages, name, password=None, **more):
    form = {"name": name, "password": PASSWORDS.get(name) if password is None else password}
    return pages.post("/login", data=form | more)


def entered(app, clock, name, **more):
    """A browser in which somebody has logged in."""
    pages = client(app, clock=clock, **more)
    assert log_in(pages, name).status_code == 303
    return pages
