import re

import pytest

from listening.errors import ConfigError
from listening.web import audit
from listening.web.accounts import Accounts
from listening.web.audit import Deed
from listening.web.people import Role
from tests.people_support import NEW, PASSWORDS, entered, log_in
from tests.web_support import client

# Everybody


def test_an_admin_adds_changes_and_removes_people(app, accounts, clock):
    ann = entered(app, clock, "ann")
    form = {"name": "dan", "role": "viewer", "password": NEW}
    assert ann.post("/people", data=form).headers["location"] == "/people?done=added"
    dan = client(app, clock=clock)
    assert log_in(dan, "dan", form["password"]).status_code == 303
    assert ann.post("/people/role", data={"name": "dan", "role": "analyst"}).status_code == 303
    assert Accounts(app, clock).get("dan").role is Role.ANALYST
    clock.wait(seconds=1)
    assert dan.get("/sources").status_code == 401
    assert ann.post("/people/remove", data={"name": "dan"}).status_code == 303
    assert log_in(dan, "dan", form["password"]).status_code == 403


@pytest.mark.parametrize(
    ("path", "form", "why"),
    [
        ("/people", {"name": "ben", "role": "viewer", "password": "x" * 6 + "abcdefg"}, "already"),
        ("/people", {"name": "a b", "role": "viewer", "password": "abcdefghijklm"}, "cannot be"),
        ("/people", {"name": "dan", "role": "viewer", "password": "short"}, "12 to 1,000"),
        ("/people", {"name": "dan", "role": "owner", "password": "abcdefghijklm"}, "role"),
        ("/people/role", {"name": "ann", "role": "viewer"}, "yourself"),
        ("/people/role", {"name": "ANN", "role": "viewer"}, "yourself"),
        ("/people/remove", {"name": "ann"}, "yourself"),
        ("/people/remove", {"name": "nobody"}, "no account"),
    ],
)
def test_what_cannot_be_done_to_people_says_why(admin, path, form, why):
    response = admin.post(path, data=form)
    assert response.status_code == 400
    assert why in response.text
    names = re.findall(r'scope="row">(\w+)<', admin.get("/people").text)
    assert names == sorted(PASSWORDS)


def test_the_last_admin_stays_while_there_are_others(accounts):
    with pytest.raises(ConfigError, match="last admin"):
        accounts.remove("ann")
    with pytest.raises(ConfigError, match="last admin"):
        accounts.set_role("ann", Role.VIEWER)
    accounts.set_role("ben", Role.ADMIN)
    accounts.remove("ann")


# Who did what


def test_admins_see_who_did_what(app, accounts, clock):
    pages = client(app, clock=clock)
    log_in(pages, "ben", "not the password")
    log_in(pages, "a password in the wrong field", "x")
    ann = entered(app, clock, "ann")
    clock.wait(seconds=1)
    ann.post("/people", data={"name": "dan", "role": "viewer", "password": NEW})
    clock.wait(seconds=1)
    ann.post("/people/role", data={"name": "dan", "role": "analyst"})

    done = [(e.by, e.deed, e.whom, e.detail) for e in audit.events(app.store)]
    assert done[:2] == [("ann", Deed.ROLE, "dan", "analyst"), ("ann", Deed.ADDED, "dan", "viewer")]
    assert set(done[2:]) == {
        ("ann", Deed.LOGIN, "", ""),
        ("?", Deed.LOGIN_FAILED, "", ""),
        ("ben", Deed.LOGIN_FAILED, "", ""),
    }
    html = ann.get("/people").text
    assert "testclient" in html  # the address
    assert "wrong field" not in html


def test_failed_logins_push_out_no_change_of_people(app, clock):
    more = {"at": clock(), "by": "x"}
    audit.record(app.store, audit.Event(deed=Deed.ADDED, whom="dan", **more))
    for _ in range(audit.MOST + 10):
        audit.record(app.store, audit.Event(deed=Deed.LOGIN_FAILED, **more))

    found = audit.events(app.store)
    assert len(found) == audit.MOST + 1
    assert [event.whom for event in found if event.deed is Deed.ADDED] == ["dan"]
