import base64
from dataclasses import replace
from types import MappingProxyType

import pytest

from listening.errors import ConfigError
from listening.web.serve import PASSWORD, guarded
from tests.web_support import CALLS, OTHERS, PAGES, client, filled

SECRET = "correct horse battery"  # noqa: S105 - a test's


@pytest.fixture(scope="module")
def app(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield filled(tmp_path_factory.mktemp("guard") / "store.sqlite")


@pytest.fixture(scope="module")
def pages(app):
    return client(app)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE"])
@pytest.mark.parametrize("path", ["/", "/mentions", "/api/search", "/static/style.css", "/health"])
def test_nothing_but_get(pages, method, path):
    assert pages.request(method, path).status_code == 405


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


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "reports.example", ""])  # noqa: S104 - refused
def test_others_are_not_served_without_a_password(app, host):
    with pytest.raises(ConfigError, match=PASSWORD):
        guarded(app, host=host)


def test_the_command_refuses_it_too(listening):
    done = listening("serve", "--host", "0.0.0.0")  # noqa: S104 - refused

    assert done.code == 2
    assert PASSWORD in done.err


def test_a_password_that_can_be_guessed_is_refused(app):
    with pytest.raises(ConfigError, match="fewer than 12"):
        guarded(with_password(app, "secret"), host="0.0.0.0")  # noqa: S104 - refused


def with_password(app, password):
    return replace(app, environ=MappingProxyType({PASSWORD: password}))


def test_with_a_password_nothing_but_health_is_free(app):
    asked = client(with_password(app, SECRET), host="0.0.0.0")  # noqa: S104 - never bound

    for path in PAGES + CALLS + OTHERS:
        response = asked.get(path)
        assert response.status_code == (200 if path == "/health" else 401), path
        assert path == "/health" or response.headers["www-authenticate"].startswith("Basic")
    assert asked.get("/", auth=("anyone", SECRET)).status_code == 200
    for wrong in ("", "x", SECRET + "x", SECRET[:-1], "ბარგი"):
        assert asked.get("/", auth=("anyone", wrong)).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        *("", "Basic", "Basic !!", "Basic =", "Bearer x", "basic \xff"),
        "Basic " + base64.b64encode(b"nocolon").decode(),
    ],
)
def test_a_broken_authorisation_is_none(app, header):
    asked = client(with_password(app, SECRET))

    headers = {"Authorization": header.encode("latin-1")}
    assert asked.get("/", headers=headers).status_code == 401
