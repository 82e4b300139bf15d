import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from listening.errors import ConfigError
from listening.stores.sqlite import SqliteStore
from listening.web import passwords
from listening.web.accounts import IDLE, KIND, LONGEST, Accounts
from listening.web.people import Role, inside
from listening.web.serve import Reach, guarded
from tests.people_support import HTML, NEW, OUTSIDE, PASSWORDS, PROXY, entered, log_in
from tests.web_support import HOSTILE, client


def test_a_login_opens_a_session_and_leads_back(pages):
    assert pages.get("/sources?x=1", headers=HTML).headers["location"] == (
        "/login?back=%2Fsources%3Fx%3D1"
    )
    html = pages.get("/login?back=%2Fsources%3Fx%3D1").text
    assert 'name="back" value="/sources?x=1"' in html
    done = log_in(pages, "ben", back="/sources?x=1")
    assert (done.status_code, done.headers["location"]) == (303, "/sources?x=1")
    shown = pages.get("/sources").text
    assert "ben" in shown
    assert "Log out" in shown


def test_the_cookie_is_for_this_site_and_no_script(pages):
    (said,) = log_in(pages, "ben").headers.get_list("set-cookie")
    value, *flags = re.split(r"; ?", said)

    assert re.fullmatch(r"listening=[\w-]{43}", value)  # 256 bits
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
    assert "Secure" not in flags
    assert not [flag for flag in flags if flag.startswith("Domain")]


def test_over_https_the_cookie_is_sent_over_nothing_else(app, accounts, clock):
    said = log_in(client(app, clock=clock, is_https=True), "ben").headers["set-cookie"]

    assert said.startswith("__Host-listening=")
    assert "; Secure" in said


@pytest.mark.parametrize(("address", "believed"), [(PROXY, True), (OUTSIDE, False)])
def test_a_named_proxy_alone_is_believed_that_it_is_https(app, accounts, clock, address, believed):
    reach = Reach(proxies=[PROXY])
    asked = TestClient(guarded(app, reach, clock), "http://localhost", client=(address, 1))
    asked.headers["X-Forwarded-Proto"] = "https"
    form = {"name": "ben", "password": PASSWORDS["ben"]}
    said = asked.post("/login", data=form, follow_redirects=False).headers["set-cookie"]
    assert said.startswith("__Host-" if believed else "listening=")


def test_the_store_keeps_no_secret(app, accounts, pages, tmp_path):
    log_in(pages, "ben")
    secret, _ = accounts.make_token("ben", "t", Role.VIEWER, 1)
    store = SqliteStore(str(tmp_path / "s.sqlite"))
    kept = store.notes(KIND)["ben"].value
    store.close()

    assert "$argon2id$" in kept
    for hidden in (pages.cookies["listening"], secret, PASSWORDS["ben"]):
        assert hidden not in kept


@pytest.mark.parametrize("name", ["ben", "nobody", "", "BEN "])
def test_a_wrong_name_and_a_wrong_password_read_the_same(pages, name):
    wrong = log_in(pages, name, "not the password")

    assert wrong.status_code == 403
    assert "The name or the password is wrong" in wrong.text
    assert "set-cookie" not in wrong.headers


def test_a_name_is_the_same_in_capitals_and_in_full_width(app, accounts, clock):
    for name in ("BEN", "Ben", "ｂｅｎ"):
        assert log_in(client(app, clock=clock), name, PASSWORDS["ben"]).status_code == 303
    with pytest.raises(ConfigError, match="already"):
        accounts.add("Ben", Role.VIEWER, NEW)


def test_an_accent_may_be_typed_in_either_way(app, accounts, clock):
    accounts.add("eva", Role.VIEWER, "pie\u0304ci zaļi mākoņi")
    asked = client(app, clock=clock)
    assert log_in(asked, "eva", "pi\u0113ci zaļi mākoņi").status_code == 303


def test_a_login_ends_the_session_that_the_browser_had(app, accounts, clock):
    pages = entered(app, clock, "ben")
    before = pages.cookies["listening"]
    log_in(pages, "ben")

    assert pages.cookies["listening"] != before
    clock.wait(seconds=1)
    assert accounts.in_session(before) is None


@pytest.mark.parametrize("planted", ["x" * 43, "", "lst_x", "ა", "a;b", "../ben"])
def test_a_session_that_somebody_else_chose_is_never_taken(pages, planted):
    header = {"Cookie": f"listening={planted}".encode()}
    assert pages.get("/sources", headers=header).status_code == 401
    form = {"name": "ben", "password": PASSWORDS["ben"]}
    done = pages.post("/login", data=form, headers=header)
    assert done.status_code == 303
    assert f"listening={planted};" not in done.headers["set-cookie"]


def test_logging_out_ends_the_session_itself(app, accounts, clock):
    pages = entered(app, clock, "ben")
    secret = pages.cookies["listening"]
    done = pages.post("/logout")

    assert (done.status_code, done.headers["location"]) == (303, "/login")
    assert "listening" not in pages.cookies
    again = client(app, clock=clock, names=[])
    again.cookies["listening"] = secret
    assert again.get("/sources").status_code == 401


def test_a_session_ends_when_it_is_not_used(app, accounts, clock):
    pages = entered(app, clock, "ben")
    for _ in range(3):
        clock.wait(seconds=IDLE.total_seconds() - 1)
        assert pages.get("/sources").status_code == 200
    clock.wait(seconds=IDLE.total_seconds())
    assert pages.get("/sources").status_code == 401


def test_a_session_ends_after_a_week_however_much_it_is_used(app, accounts, clock):
    pages = entered(app, clock, "ben")
    for _ in range(int(LONGEST / timedelta(hours=8)) - 1):
        clock.wait(hours=8)
        assert pages.get("/sources").status_code == 200
    clock.wait(hours=8)
    assert pages.get("/sources").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda accounts: accounts.set_password("ben", NEW),
        lambda accounts: accounts.set_role("ben", Role.VIEWER),
        lambda accounts: accounts.set_role("ben", Role.ADMIN),
        lambda accounts: accounts.remove("ben"),
    ],
)
def test_a_changed_password_or_role_or_removal_ends_the_sessions(app, accounts, clock, change):
    one, two, other = (entered(app, clock, name) for name in ("ben", "ben", "cid"))
    change(accounts)
    clock.wait(seconds=1)

    assert [asked.get("/sources").status_code for asked in (one, two, other)] == [401, 401, 200]


def test_the_sessions_of_one_person_are_not_without_end(app, accounts, clock):
    first = entered(app, clock, "cid")
    for _ in range(20):
        entered(app, clock, "cid")
    assert len(Accounts(app, clock).get("cid").sessions) == 20
    clock.wait(seconds=1)
    assert first.get("/sources").status_code == 401


def test_a_password_kept_with_weaker_parameters_is_kept_anew(app, accounts, clock):
    weak = passwords._hasher().__class__(time_cost=1, memory_cost=8, parallelism=1)
    stored = weak.hash(PASSWORDS["ben"])
    store = app.store
    note = store.notes(KIND)["ben"]
    value = note.value.replace(accounts.get("ben").password, stored)
    assert store.save_note(KIND, "ben", value, revision=note.revision)

    entered(app, clock, "ben")
    again = Accounts(app, clock).get("ben").password
    assert passwords.outdated(stored)
    assert not passwords.outdated(again)
    entered(app, clock, "ben")


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "javascript:alert(1)"])
def test_a_login_leads_to_no_other_site(pages, back):
    assert 'name="back" value="/"' in pages.get(f"/login?back={quote(back)}").text
    assert log_in(pages, "ben", back=back).headers["location"] == "/"


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        *[("/", True), ("/mentions?q=a+b&x=%2F%2F", True), ("/a//b", True), ("/ა", True)],
        *[("", False), ("a", False), ("//x", False), ("/\\x", False), ("\\\\x", False)],
        *[("/\t/x", False), ("/\n/x", False), ("/ x", False), ("http:/x", False), (None, False)],
        *[("/\u202ex", False), ("/\ud800", False), ("/\x00", False), ("/\\/x", False)],
    ],
)  # fmt: skip
def test_a_path_inside(path, stays):
    assert inside(path, "/otherwise") == (path if stays else "/otherwise")


def test_hostile_names_are_refused_and_nothing_but_text(app, accounts, clock):
    pages = client(app, clock=clock)
    for name in HOSTILE:
        with pytest.raises(ConfigError):
            accounts.add(name, Role.ADMIN, NEW)
    for name in HOSTILE[::4]:
        clock.wait(hours=1)
        said = log_in(pages, name, "not the password")
        assert said.status_code == 403
        assert not re.search(
            r"<script(?! src=\"/static)|<img src=x|<iframe|\son\w+=\"doc", said.text
        )
    admin = entered(app, clock, "ann")
    assert "&lt;script" not in admin.get("/people").text  # what was typed may be a password


@pytest.mark.parametrize(
    "name", ["you", "YOU", "", " ", "a b", "a/b", "x" * 65, "a\n", "\ud800", "a<b", "\u202ea"]
)
def test_names_that_cannot_be(accounts, name):
    with pytest.raises(ConfigError, match="cannot be a name"):
        accounts.add(name, Role.VIEWER, NEW)


@pytest.mark.parametrize("name", ["ნინო", "Žanis", "ra\u0304", "o.k@example.org", "a+b_c-d"])
def test_names_of_every_script_can_log_in(app, accounts, clock, name):
    accounts.add(name, Role.VIEWER, NEW)
    assert log_in(client(app, clock=clock), name, NEW).status_code == 303


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "aaaaaaaaaaaaaaaa", "x" * 1001])
def test_passwords_that_can_be_guessed_or_never_end_are_refused(accounts, password):
    with pytest.raises(ConfigError, match="password"):
        accounts.add("dan", Role.VIEWER, password)
