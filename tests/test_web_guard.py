import re

import pytest

from listening.errors import ConfigError
from listening.web.guard import METHODS
from listening.web.serve import PASSWORD, Reach, guarded
from tests.people_support import Clock, empty, entered, log_in, peopled, with_environment
from tests.web_support import CALLS, OTHERS, PAGES, client, filled

SITE = "http://localhost:8765"
OWN = ("same-origin", "none")
REFUSED = "another site asked"


@pytest.fixture(scope="module")
def app(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield filled(tmp_path_factory.mktemp("guard") / "store.sqlite")


@pytest.fixture(scope="module")
def pages(app):
    return client(app)


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def peopled_app(tmp_path_factory, clock):
    app = empty(tmp_path_factory.mktemp("people"))
    peopled(app, clock)
    return app


@pytest.fixture(scope="module")
def admin(peopled_app, clock):
    return entered(peopled_app, clock, "ann")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PURGE"])
@pytest.mark.parametrize("path", ["/", "/mentions", "/api/search", "/static/style.css", "/health"])
def test_no_method_but_those_that_there_are(pages, method, path):
    response = pages.build_request(method, path)
    response.method = method
    refused = pages.send(response)
    assert refused.status_code == 405
    assert refused.headers["allow"] == ", ".join(METHODS)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("path", [*PAGES, "/api/search", "/static/style.css", "/health"])
def test_what_is_only_read_is_not_changed(pages, method, path):
    assert pages.request(method, path).status_code == 405


@pytest.mark.parametrize("path", [*PAGES, *CALLS, *OTHERS, "/nowhere", "/login"])
def test_head_is_get_without_its_body(pages, path):
    head, get = pages.head(path), pages.get(path)

    assert (head.status_code, head.content) == (get.status_code, b"")
    assert {**head.headers} == {**get.headers}


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        *[("localhost", True), ("localhost:8765", True), ("127.0.0.1:8765", True)],
        *[("[::1]:1", True), ("192.168.1.7", True), ("LOCALHOST", True), ("reports.example", True)],
        *[("evil.example", False), ("localhost.evil.example", False), ("", False)],
        *[("evil.example:8765", False), ("localhost@evil.example", False), ("[", False)],
    ],
)  # fmt: skip
def test_only_under_its_own_name(app, host, taken):
    asked = client(app, names=["reports.example"])

    assert asked.get("/", headers={"Host": host}).status_code == (200 if taken else 400)


# Requests that pages of other sites make the browser send


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("site", [None, "same-origin", "none", "same-site", "cross-site", "new"])
@pytest.mark.parametrize(
    "origin",
    [
        *(None, SITE, "https://localhost:8765", "null", "http://evil.example", ""),
        *("http://localhost", "http://localhost:1", "http://localhost:8765.evil.example", "http://["),
    ],
)  # fmt: skip
def test_only_our_own_pages_change_anything(app, admin, method, site, origin):
    """As http.CrossOriginProtection of Go: Sec-Fetch-Site, where there is none Origin and Host."""
    given = {"Sec-Fetch-Site": site, "Origin": origin}
    headers = {name: value for name, value in given.items() if value is not None}
    same = origin in {None, "", SITE, "https://localhost:8765"}
    ours = same if site is None else site in OWN

    for asked in (client(app), admin):  # without a login, too
        response = asked.request(method, "/jobs/none/cancel", headers=headers)
        assert (REFUSED in response.text) == (not ours)
        assert (response.status_code == 403) == (not ours)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_link_of_another_site_may_lead_here(admin, site):
    headers = {"Sec-Fetch-Site": site, "Origin": "http://evil.example"}
    assert admin.get("/sources", headers=headers).status_code == 200
    assert admin.head("/sources", headers=headers).status_code == 200


def test_another_site_can_log_nobody_in(peopled_app, clock):
    asked = client(peopled_app, clock=clock)
    asked.headers["Sec-Fetch-Site"] = "cross-site"
    refused = log_in(asked, "ben")
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


def test_a_programs_token_is_taken_from_no_other_site_either(peopled_app, clock, admin):
    shown = admin.post("/account/tokens", data={"label": "t", "role": "analyst", "days": 30})
    (secret,) = re.findall(r"lst_[\w-]{43}", shown.text)
    program = client(peopled_app, clock=clock)
    program.headers["Authorization"] = f"Bearer {secret}"

    assert REFUSED not in program.post("/jobs/none/cancel").text
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert program.post("/jobs/none/cancel", headers=headers).status_code == 403


# Who is let in at all


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "reports.example", ""])  # noqa: S104 - refused
def test_others_are_not_served_while_nobody_has_an_account(app, host):
    with pytest.raises(ConfigError, match="listening users add NAME --role admin"):
        guarded(app, Reach(host=host))


def test_the_command_refuses_it_too(listening):
    done = listening("serve", "--host", "0.0.0.0")  # noqa: S104 - refused

    assert done.code == 2
    assert "listening users add NAME --role admin" in done.err


def test_a_password_that_can_be_guessed_is_refused(app):
    with pytest.raises(ConfigError, match=f"{PASSWORD}: a password has 12"):
        guarded(with_environment(app, **{PASSWORD: "secret"}), Reach(host="0.0.0.0"))  # noqa: S104 - refused


def test_with_an_account_nothing_but_health_and_the_look_is_free(peopled_app, clock):
    asked = client(peopled_app, host="0.0.0.0", clock=clock)  # noqa: S104 - never bound

    for path in PAGES + CALLS + OTHERS:
        free = path == "/health" or path.startswith("/static/")
        assert asked.get(path).status_code == (200 if free else 401), path
    for path in (
        "/static/../pages.py",
        "/static/%2e%2e/guard.py",
        "/health/",
        "/login/",
        "/loginx",
    ):
        assert asked.get(path).status_code in {401, 404}, path
