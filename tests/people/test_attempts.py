from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from listening.web.attempts import Attempts
from listening.web.serve import Reach, guarded
from tests.people_support import NEW, OUTSIDE, PROXY, entered, log_in
from tests.web_support import client


def attempts(pages, name, times):
    return [log_in(pages, name, "not the password").status_code for _ in range(times)]


@pytest.mark.parametrize("name", ["ben", "nobody"])
def test_waits_for_an_account_grow(app, accounts, clock, name):
    pages = client(app, clock=clock)
    assert attempts(pages, name, 6) == [403] * 5 + [429]
    waits = []
    for _ in range(12):
        refused = log_in(pages, name, "not the password")
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
        clock.wait(seconds=waits[-1])
        assert attempts(pages, name, 1) == [403]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_while_waiting_the_right_password_is_not_tried_either(app, accounts, clock):
    pages = client(app, clock=clock)
    attempts(pages, "ben", 5)
    assert log_in(pages, "ben").status_code == 429
    clock.wait(seconds=1)
    assert log_in(pages, "ben").status_code == 303
    assert attempts(pages, "ben", 5) == [403] * 5  # a right one forgives


def test_other_names_for_an_account_have_no_attempts_of_their_own(app, accounts, clock):
    pages = client(app, clock=clock)
    assert [attempts(pages, name, 1)[0] for name in ("ben", "BEN", "Ben", "bEn", "beN")] == [
        403
    ] * 5
    assert attempts(pages, "ｂｅｎ", 1) == [429]


def test_one_address_cannot_try_many_names(app, accounts, clock):
    pages = client(app, clock=clock)
    tried = [attempts(pages, f"name{n}", 1)[0] for n in range(21)]
    assert tried == [403] * 20 + [429]
    assert log_in(pages, "cid").status_code == 429
    elsewhere = TestClient(
        guarded(app, Reach(), clock),
        "http://localhost",
        client=(OUTSIDE, 1),
        follow_redirects=False,
    )
    assert log_in(elsewhere, "cid").status_code == 303


def test_ones_own_account_does_not_buy_more_attempts_at_others(clock):
    found, tried = Attempts(clock), []
    for n in range(25):
        tried.append(found.wait(f"name{n}", OUTSIDE) is None)
        if found.wait("cid", OUTSIDE) is None:
            found.passed("cid", OUTSIDE)
    assert tried == [True] * 20 + [False] * 5


def test_of_the_new_addresses_a_network_counts_as_one(clock):
    found = Attempts(clock)
    tried = [found.wait(f"name{n}", f"2001:db8:1:2::{n:x}") is None for n in range(21)]
    assert tried == [True] * 20 + [False]
    assert found.wait("name", "2001:db8:1:3::1") is None
    assert found.wait("name", "::ffff:203.0.113.7") is None


def test_a_day_later_all_is_forgotten(clock):
    found = Attempts(clock)
    for _ in range(5):
        assert found.wait("ben", OUTSIDE) is None
    assert found.wait("ben", OUTSIDE) == timedelta(seconds=1)
    clock.wait(hours=24, seconds=1)
    assert [found.wait("ben", OUTSIDE) for _ in range(5)] == [None] * 5


def test_what_is_remembered_has_an_end(clock):
    found = Attempts(clock)
    for n in range(11_000):
        found.wait(f"name{n}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(found._tries) == 20_000


def test_behind_a_proxy_each_address_counts_for_itself(app, accounts, clock):
    asked = TestClient(
        guarded(app, Reach(proxies=[PROXY]), clock),
        "http://localhost",
        client=(PROXY, 1),
        follow_redirects=False,
    )
    asked.headers["X-Forwarded-For"] = "198.51.100.1"
    for n in range(20):
        attempts(asked, f"name{n}", 1)
    assert log_in(asked, "cid").status_code == 429
    asked.headers["X-Forwarded-For"] = "198.51.100.1, 198.51.100.2"  # the proxy adds the last
    assert log_in(asked, "cid").status_code == 303


def test_guessing_the_old_password_is_limited_too(app, accounts, clock):
    pages = entered(app, clock, "ben")
    form = {
        "old": "not the password",
        "new": NEW,
        "again": NEW,
    }
    assert [pages.post("/account/password", data=form).status_code for _ in range(6)] == [
        400
    ] * 5 + [429]
