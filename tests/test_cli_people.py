import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from listening.app import App
from listening.settings import Settings
from listening.web import audit
from listening.web.accounts import Accounts
from listening.web.audit import Deed
from listening.web.people import Person, Role
from tests.cli_support import PROGRAM, environment

FIRST, SECOND = "correct horse battery", "purple kettle window"


@pytest.fixture
def people(listening):
    """An admin and a viewer, added from the command line."""
    add(listening, "ann", FIRST, "--role", "admin")
    add(listening, "ben", SECOND)
    return Accounts(App(Settings(folder=Path.cwd())))


def add(listening, name, password, *more):
    return listening("users", "add", name, "--password-stdin", *more, stdin=f"{password}\n")


def test_people_are_added_listed_changed_and_removed(listening, people):
    assert listening("users", "list").out == "ann, admin\nben, viewer\n"
    assert [row["name"] for row in listening("users", "list", "--json").rows] == ["ann", "ben"]
    said = listening("users", "role", "ben", "analyst", "--json").row
    assert said.keys() == {"name", "role", "made", "tokens"}
    assert (said["name"], said["role"], said["tokens"]) == ("ben", "analyst", 0)
    assert people.log_in("ben", SECOND)
    done = listening("users", "password", "ben", "--password-stdin", stdin=f"{FIRST}\n")
    assert done.out == "Changed the password of ben, analyst\n"
    assert people.log_in("ben", SECOND) is None
    assert people.log_in("ben", FIRST)
    assert listening("users", "remove", "ben", "--json").row == {"removed": "ben"}
    assert people.log_in("ben", FIRST) is None
    assert "no login is asked for" in listening("users", "remove", "ann").out
    assert "Nobody has an account" in listening("users", "list").out


def test_who_did_it_is_kept(listening, people):
    listening("users", "role", "ben", "analyst")
    event = audit.events(people.app.store)[0]

    assert event.by.endswith("(command line)")
    assert (event.deed, event.whom, event.detail) == (Deed.ROLE, "ben", "analyst")


def test_the_first_must_be_an_admin(listening):
    refused = add(listening, "ann", FIRST)
    assert (refused.code, "must be an admin" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("users", "add", "ann", "--password-stdin"), "already"),
        (("users", "add", "dan", "--password-stdin", "--role", "owner"), "viewer, analyst, admin"),
        (("users", "add", "dan"), "--password-stdin"),
        (("users", "add", "a b", "--password-stdin"), "cannot be a name"),
        (("users", "role", "nobody", "admin"), "listening users list"),
        (("users", "role", "ann", "viewer"), "last admin"),
        (("users", "remove", "ann"), "last admin"),
        (("users", "password", "nobody", "--password-stdin"), "listening users list"),
        (("tokens", "create", "nobody", "t"), "listening users list"),
        (("tokens", "create", "ben", "t", "--role", "admin"), "cannot be admin"),
        (("tokens", "create", "ben", "t", "--days", "0"), "1 to 366 days"),
        (("tokens", "revoke", "nothing"), "listening tokens list"),
    ],
)
def test_what_cannot_be_says_why(listening, people, command, said):
    refused = listening(*command, "--json", stdin=f"{FIRST}\n")

    assert refused.code == 2
    assert said in refused.row["message"]
    assert said in refused.err
    assert {a.name: a.role for a in people.everyone().values()} == {
        "ann": Role.ADMIN,
        "ben": Role.VIEWER,
    }


def test_a_token_is_shown_once_listed_and_revoked(listening, people):
    made = listening("tokens", "create", "ann", "nightly export", "--role", "viewer", "--json").row
    secret = made.pop("token")
    assert people.of_token(secret) == Person("ann", Role.VIEWER)
    listed = listening("tokens", "list")
    assert listening("tokens", "list", "--json").rows == [made]
    assert made["id"] in listed.out
    assert "nightly export" in listed.out
    assert secret not in listed.out + json.dumps(made)

    assert listening("tokens", "revoke", made["id"], "--json").row == {"revoked": made["id"]}
    assert listening("tokens", "list").out == ""
    assert Accounts(people.app).of_token(secret) is None


def test_a_token_alone_is_printed_for_another_command_to_read(listening, people):
    done = listening("tokens", "create", "ben", "t")

    assert people.of_token(done.out.strip()) == Person("ben", Role.VIEWER)
    assert "shown this once" in done.err


def test_without_a_store_there_is_nobody_to_list(listening):
    for command in (("users", "list"), ("tokens", "list")):
        assert listening(*command).code == 2
    assert list(Path().iterdir()) == []


def test_a_password_is_asked_for_twice_and_not_shown():
    parent, child = pty.openpty()
    asked = subprocess.Popen(
        [*PROGRAM, "users", "add", "ann", "--role", "admin"],
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=child,
        env=environment(),
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    for prompt in (b"Password: ", b"Again: "):
        while prompt not in shown:
            shown += os.read(parent, 1000)
        os.write(parent, FIRST.encode() + b"\n")
    assert asked.communicate(timeout=60)[0] == b"Added ann, admin\n"
    os.close(parent)
    assert FIRST.encode() not in shown
    assert Accounts(App(Settings(folder=Path.cwd()))).log_in("ann", FIRST)
