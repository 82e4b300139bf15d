import re

import pytest

from listening.web.accounts import Accounts
from listening.web.people import Person, Role
from tests.people_support import NEW, PASSWORDS, entered, log_in
from tests.web_support import client


def test_a_person_changes_their_password_and_stays(app, accounts, clock):
    here, elsewhere = entered(app, clock, "cid"), entered(app, clock, "cid")
    form = {"old": PASSWORDS["cid"], "new": NEW, "again": NEW}

    done = here.post("/account/password", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/account?done=password")
    assert "The password is changed" in here.get("/account?done=password").text
    clock.wait(seconds=1)
    assert elsewhere.get("/sources").status_code == 401
    assert log_in(client(app, clock=clock), "cid").status_code == 403


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"old": "wrong wrong wrong"}, "The old password is wrong"),
        ({"again": "another by the sea"}, "not the same"),
        ({"new": "short", "again": "short"}, "12 to 1,000 characters"),
    ],
)
def test_a_password_that_cannot_be_changed_says_why(app, accounts, clock, form, said):
    pages = entered(app, clock, "cid")
    right = {"old": PASSWORDS["cid"], "new": NEW}
    right["again"] = right["new"]
    response = pages.post("/account/password", data=right | form)
    assert response.status_code == 400
    assert said in response.text
    assert pages.get("/sources").status_code == 200


def token_of(response):
    return re.findall(r'class="secret">(lst_[\w-]{43})<', response.text)


def test_a_token_is_shown_once_and_works_until_it_is_revoked(app, accounts, clock):
    pages = entered(app, clock, "ben")
    shown = pages.post("/account/tokens", data={"label": "<b>x", "role": "viewer", "days": 30})
    (secret,) = token_of(shown)
    assert shown.headers["cache-control"] == "no-store"
    listed = pages.get("/account").text
    assert secret not in listed
    assert "&lt;b&gt;x" in listed

    program = client(app, clock=clock)
    program.headers["Authorization"] = f"bearer {secret}"
    assert program.get("/api/status").status_code == 200
    (id_,) = re.findall(r'name="id" value="(\w+)"', listed)
    assert pages.post("/account/tokens/revoke", data={"id": id_}).status_code == 303
    clock.wait(seconds=1)
    assert program.get("/api/status").status_code == 401


def test_a_token_ends(app, accounts, clock):
    secret, _ = accounts.make_token("cid", "t", Role.VIEWER, 2)
    program = client(app, clock=clock)
    program.headers["Authorization"] = f"Bearer {secret}"
    clock.wait(days=2, seconds=-1)
    assert program.get("/api/status").status_code == 200
    clock.wait(seconds=1)
    assert program.get("/api/status").status_code == 401


def test_a_token_goes_with_its_account_and_never_does_more(accounts):
    secret, _ = accounts.make_token("ben", "t", Role.ANALYST, 2)
    accounts.set_password("ben", NEW)
    assert accounts.of_token(secret) == Person("ben", Role.ANALYST)
    accounts.set_role("ben", Role.VIEWER)
    assert accounts.of_token(secret) == Person("ben", Role.VIEWER)
    accounts.remove("ben")
    assert accounts.of_token(secret) is None
    accounts.add("ben", Role.ADMIN, NEW)
    assert accounts.of_token(secret) is None


@pytest.mark.parametrize(
    "form",
    [
        {"role": "analyst"},
        {"days": 0},
        {"days": 367},
        {"days": "x"},
        {"label": " "},
        {"label": "a\u202eb"},
        {"label": "x" * 101},
        {"role": "owner"},
    ],
)
def test_tokens_that_cannot_be(app, accounts, clock, form):
    pages = entered(app, clock, "cid")
    right = {"label": "t", "role": "viewer", "days": 30}
    response = pages.post("/account/tokens", data=right | form)
    assert response.status_code == 400
    assert token_of(response) == []
    assert accounts.get("cid").tokens == ()


def test_nobody_revokes_the_tokens_of_others_but_an_admin(app, accounts, clock):
    _, made = accounts.make_token("ben", "t", Role.VIEWER, 2)
    form = {"name": "ben", "id": made.id}
    cid, ann = entered(app, clock, "cid"), entered(app, clock, "ann")
    assert cid.post("/account/tokens/revoke", data=form).status_code == 400
    assert cid.post("/people/tokens/revoke", data=form).status_code == 403
    assert len(Accounts(app, clock).get("ben").tokens) == 1
    assert ann.post("/people/tokens/revoke", data=form).status_code == 303
    assert Accounts(app, clock).get("ben").tokens == ()


@pytest.mark.parametrize(
    "header",
    [
        *("Bearer lst_", "Bearer x", "Bearer " + "lst_" + "a" * 43, "Bearer \xff", "bearer\tx"),
        *("Bearer", "Basic YTpi", "Digest x", "lst_x", ""),
    ],
)
def test_a_broken_authorisation_is_none(pages, header):
    said = pages.get("/sources", headers={"Authorization": header.encode("latin-1")})
    assert said.status_code == 401


def test_a_wrong_token_is_not_helped_by_a_session(app, accounts, clock):
    pages = entered(app, clock, "ann")
    assert pages.get("/sources", headers={"Authorization": "Bearer x"}).status_code == 401
    assert pages.get("/sources", headers={"Authorization": "Basic eDp5"}).status_code == 200
