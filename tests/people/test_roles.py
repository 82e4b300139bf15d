import re

import pytest
from fastapi.routing import APIRoute

from listening.web.people import Needs, Role
from listening.web.serve import PASSWORD
from listening.web.site import site
from tests.people_support import (
    HTML,
    NEW,
    PASSWORDS,
    ROLES,
    empty,
    entered,
    log_in,
    peopled,
    with_environment,
)
from tests.web_support import client

# Which role each route needs


def routes(app):
    """Each method and path, with the role that it declares."""
    for route in every_route(site(app).routes):
        roles = [d.call.role for d in route.dependant.dependencies if isinstance(d.call, Needs)]
        for method in route.methods:
            yield method, route.path, max(roles, key=list(Role).index, default=None)


def every_route(found):
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif inner := getattr(route, "routes", None) or getattr(
            getattr(route, "original_router", None), "routes", None
        ):
            yield from every_route(inner)


FREE = {("GET", "/login"), ("POST", "/login"), ("GET", "/health")}


def test_every_route_that_changes_anything_declares_who_may(app):
    found = list(routes(app))

    assert len(found) > 15
    undeclared = [(m, p) for m, p, role in found if m != "GET" and role is None]
    assert set(undeclared) == {("POST", "/login")}


def test_nothing_but_the_login_answers_one_who_has_not_logged_in(app, pages):
    for method, path, _ in routes(app):
        for headers in ({}, HTML):
            response = pages.request(method, filled_in(path), headers=headers)
            if (method, path) in FREE:
                assert response.status_code in {200, 400}, path
            elif headers:
                assert response.status_code == 303, path
                assert response.headers["location"].startswith("/login?back=")
            else:
                assert response.status_code == 401, path
                assert response.headers["www-authenticate"] == "Bearer"


def filled_in(path):
    return re.sub(r"\{[^}]*\}", "1", path)


PERSONAL = ("/login", "/logout", "/account", "/people")


def let_in(asked, app, *, beside=()):
    """Of each route but those beside, the status that it answers with and the role it needs."""
    return {
        (method, path): (asked.request(method, filled_in(path)).status_code, needed or Role.VIEWER)
        for method, path, needed in routes(app)
        if not path.startswith(beside)
    }


def wrong(found, role):
    """Routes that let in whom they should not, or the other way round, or break."""
    return {
        route: status
        for route, (status, needed) in found.items()
        if (status == 403) == role.covers(needed) or status == 401 or status >= 500
    }


@pytest.mark.parametrize("name", PASSWORDS)
def test_every_route_answers_those_that_it_declares_and_no_others(app, accounts, clock, name):
    asked = entered(app, clock, name)
    assert wrong(let_in(asked, app, beside=PERSONAL[:2]), ROLES[name]) == {}


@pytest.mark.parametrize("role", Role)
def test_a_token_may_what_its_role_may_but_nothing_personal(app, accounts, clock, role):
    secret, _ = accounts.make_token("ann", "for a program", role, 1)
    asked = client(app, clock=clock)
    asked.headers["Authorization"] = f"Bearer {secret}"
    found = let_in(asked, app)
    assert wrong({r: f for r, f in found.items() if not r[1].startswith(PERSONAL)}, role) == {}
    assert {f[0] for r, f in found.items() if r[1].startswith(PERSONAL)} == {403}


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [(a, b, i >= j) for i, a in enumerate(Role) for j, b in enumerate(Role)],
)
def test_a_role_covers_those_below_it(one, other, covers):
    assert one.covers(other) == covers


# Without accounts


def test_without_accounts_this_machine_needs_no_login(app, clock):
    asked = client(app, clock=clock)

    assert asked.get("/sources").status_code == 200
    assert asked.get("/people").status_code == 200
    assert asked.get("/login").headers["location"] == "/"
    assert "Log out" not in asked.get("/sources").text
    assert "There are no accounts" in asked.get("/account").text


def test_with_the_first_account_login_is_asked_for_at_once_here_too(app, clock):
    asked = client(app, clock=clock)
    form = {"name": "zoe", "role": "viewer", "password": NEW}

    refused = asked.post("/people", data=form)
    assert (refused.status_code, "must be an admin" in refused.text) == (400, True)
    assert asked.post("/people", data=form | {"role": "admin"}).status_code == 303
    assert asked.get("/sources").status_code == 401
    assert log_in(asked, "zoe", form["password"]).status_code == 303
    assert asked.get("/people").status_code == 200


def test_an_account_made_by_another_process_is_seen_in_a_second(app, clock):
    asked = client(app, clock=clock)
    assert asked.get("/sources").status_code == 200
    peopled(app, clock)
    clock.wait(seconds=1)
    assert asked.get("/sources").status_code == 401


def test_without_a_store_there_is_no_login_and_none_is_made(tmp_path, clock):
    app = empty(tmp_path)
    (tmp_path / "s.sqlite").unlink()
    before = set(tmp_path.iterdir())

    assert client(app, clock=clock).get("/health").status_code == 200
    assert client(app, clock=clock).get("/people").status_code == 200
    assert set(tmp_path.iterdir()) == before


def test_reachable_by_others_and_all_accounts_gone_nobody_is_let_in(app, accounts, clock):
    asked = client(app, host="0.0.0.0", clock=clock)  # noqa: S104 - never bound
    for name in ("ben", "cid", "ann"):
        accounts.remove(name)
    clock.wait(seconds=2)
    assert asked.get("/sources").status_code == 401
    assert log_in(asked, "ann").status_code == 403


# The password of the environment


def test_the_password_of_the_environment_makes_the_first_account(app, clock):
    asked = client(
        with_environment(app, **{PASSWORD: NEW}), host="0.0.0.0", clock=clock  # noqa: S104 - never bound
    )  # fmt: skip

    assert asked.get("/sources").status_code == 401
    assert log_in(asked, "admin", NEW).status_code == 303
    assert asked.get("/people").status_code == 200


def test_later_it_changes_nothing(app, accounts, clock):
    asked = client(with_environment(app, **{PASSWORD: NEW}), clock=clock)

    assert set(accounts.everyone()) == set(PASSWORDS)
    assert log_in(asked, "admin", NEW).status_code == 403


def test_it_makes_the_store_where_there_is_none(tmp_path, clock):
    app = empty(tmp_path)
    (tmp_path / "s.sqlite").unlink()
    app = with_environment(app, **{PASSWORD: NEW})
    asked = client(app, host="0.0.0.0", clock=clock)  # noqa: S104 - never bound
    assert log_in(asked, "admin", NEW).status_code == 303
