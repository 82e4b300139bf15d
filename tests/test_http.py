"""The one way out: every fault a server or an attacker can offer, and what becomes of it."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest

from listening.errors import ConfigError, ListeningError, TransientError
from listening.http import MAX_BYTES, Guarded, Http, is_public

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
URL = "https://api.example/v1/reviews?apikey=k-5ecret"


class Clock:
    def __init__(self) -> None:
        self.now = NOW.timestamp()
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Server:
    """Gives its answers in turn, the last one for ever; an exception is raised instead."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = answers
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(server: Server, clock: Clock | None = None, **options: float) -> Http:
    clock = clock or Clock()
    transport = httpx.MockTransport(server)
    return Http(transport=transport, clock=clock, sleep=clock.sleep, **options)  # type: ignore[arg-type]  # floats only


def status(code: int, **headers: str) -> httpx.Response:
    return httpx.Response(code, headers={k.replace("_", "-"): v for k, v in headers.items()})


def test_an_answer_is_read_whole_and_says_who_asked() -> None:
    server = Server(httpx.Response(200, json={"vārds": "ზეფირა"}))
    assert client(server).json(URL) == {"vārds": "ზეფირა"}
    assert server.asked[0].headers["user-agent"].startswith("listening/")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 418, 422])
def test_what_a_person_must_mend_is_not_tried_again(code: int) -> None:
    server = Server(status(code))
    with pytest.raises(ConfigError, match=str(code)):
        client(server).get(URL)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *(status(code) for code in (429, 500, 502, 503, 504)),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut off"),
        httpx.ReadError("reset"),
    ],
)
def test_a_passing_fault_is_tried_three_times_with_growing_pauses(
    fault: httpx.Response | Exception,
) -> None:
    clock, server = Clock(), Server(fault)
    with pytest.raises(TransientError):
        client(server, clock).get(URL)
    assert len(server.asked) == 3
    assert len(clock.slept) == 2
    assert 1 <= clock.slept[0] <= 2 <= clock.slept[1] <= 4


def test_a_fault_that_passes_is_not_noticed() -> None:
    assert client(Server(status(503), status(200))).get(URL).status_code == 200


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "30"}, 30),
        ({"retry_after": format_datetime(NOW + timedelta(seconds=45), usegmt=True)}, 45),
        ({"x_rate_limit_reset": str(int(NOW.timestamp()) + 50)}, 50),
        ({"x_rate_limit_reset": str(int(NOW.timestamp()) - 50)}, 1),
        ({"retry_after": "-7"}, 1),
        # The server's clock is an hour ahead of ours: its own Date is what counts.
        (
            {
                "date": format_datetime(NOW + timedelta(hours=1), usegmt=True),
                "x_rate_limit_reset": str(int(NOW.timestamp()) + 3620),
            },
            20,
        ),
    ],
)
def test_a_short_wait_that_the_server_asks_for_is_kept(
    headers: dict[str, str], wait: float
) -> None:
    clock = Clock()
    client(Server(status(429, **headers), status(200)), clock).get(URL)
    assert clock.slept == [wait]


@pytest.mark.parametrize(
    ("said", "after"), [("900", 900), ("1e9", 86_400), ("inf", 86_400), ("61", 61)]
)
def test_a_long_wait_is_left_to_the_caller(said: str, after: float) -> None:
    clock, server = Clock(), Server(status(429, retry_after=said))
    with pytest.raises(TransientError) as caught:
        client(server, clock).get(URL)
    assert caught.value.retry_after == after
    assert (len(server.asked), clock.slept) == (1, [])


@pytest.mark.parametrize("said", ["soon", "", "nan", "Tue, 99 Foo 2026"])
def test_an_unreadable_wait_is_as_none(said: str) -> None:
    with pytest.raises(TransientError) as caught:
        client(Server(status(429, retry_after=said))).get(URL)
    assert caught.value.retry_after is None


def test_requests_to_one_host_are_spaced_and_others_are_not() -> None:
    clock = Clock()
    http = client(Server(status(200)), clock, interval=2.0)
    for url in ("https://a.example/1", "https://b.example/1", "https://a.example/2"):
        http.get(url)
    assert clock.slept == [2.0]
    clock.now -= 3600
    http.get("https://a.example/3")
    assert clock.slept == [2.0, 2.0]


@pytest.mark.parametrize(
    "body", [b"<html>Maintenance</html>", b'{"feed": {', b"", b"[" * 100_000, b"\xff\xfe\x00"]
)
def test_what_is_no_json_is_tried_later(body: bytes) -> None:
    with pytest.raises(TransientError, match="data was expected"):
        client(Server(httpx.Response(200, content=body))).json(URL)


class Endless(httpx.SyncByteStream):
    def __init__(self) -> None:
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += 65_536
            yield b" " * 65_536


def test_an_endless_body_is_cut_off() -> None:
    body = Endless()
    with pytest.raises(ConfigError, match="10,000,000 bytes"):
        client(Server(httpx.Response(200, stream=body))).get(URL)
    assert body.sent <= MAX_BYTES + 2 * 65_536


def test_a_compressed_bomb_is_cut_off() -> None:
    bomb = gzip.compress(b"0" * (MAX_BYTES + 1))
    answer = httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(bomb)
    )
    with pytest.raises(ConfigError, match="bytes"):
        client(Server(answer)).get(URL)


def test_a_compressed_answer_reads_as_text() -> None:
    body = gzip.compress('{"ok": "jā"}'.encode())
    answer = httpx.Response(
        200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(body)
    )
    assert client(Server(answer)).json(URL) == {"ok": "jā"}


def test_garbled_compression_is_tried_later() -> None:
    garbled = {"content-encoding": "gzip"}
    answers = (
        httpx.Response(200, headers=garbled, stream=httpx.ByteStream(b"plain")) for _ in "123"
    )
    with pytest.raises(TransientError):
        client(Server(*answers)).get(URL)


@pytest.mark.parametrize("fault", [status(404), status(503), httpx.ConnectError(URL)])
def test_no_secret_gets_into_messages_or_logs(
    fault: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ListeningError) as caught:
        client(Server(fault)).get(
            URL.replace("https://", "https://me:pa55@"), headers={"Authorization": "Bearer t0ken"}
        )
    for secret in ("5ecret", "pa55", "t0ken"):
        assert secret not in str(caught.value) + caplog.text


def test_a_source_may_explain_a_refusal_in_its_own_words() -> None:
    with pytest.raises(ConfigError, match="get a token"):
        client(Server(status(401))).get(URL, explain=lambda _: ConfigError("get a token"))
    with pytest.raises(ConfigError, match="401"):
        client(Server(status(401))).get(URL, explain=lambda _: None)


# --- Server-side request forgery -------------------------------------------------------------

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.5", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "0.0.0.0", "255.255.255.255",  # noqa: S104 - nothing binds
    "224.0.0.1", "198.18.0.1", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::",
    "2002:a00:1::", "2001:0:7f00:1::1", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


class Network:
    """A resolver and a wire behind ``Guarded``; ``reached`` keeps the addresses connected to."""

    def __init__(self, names: dict[str, list[list[str]]], **answers: httpx.Response) -> None:
        self.names, self.answers = names, answers
        self.reached: list[str] = []
        self.seen: list[httpx.Request] = []

    def resolve(self, host: str, _port: int) -> list[str]:
        turns = self.names[host]
        return turns.pop(0) if len(turns) > 1 else turns[0]

    def wire(self, request: httpx.Request) -> httpx.Response:
        self.reached.append(request.url.host)
        self.seen.append(request)
        return self.answers.get(request.headers["host"].split(".")[0], httpx.Response(200))

    def http(self, *internal: str) -> Http:
        guard = Guarded(
            internal=internal, inner=httpx.MockTransport(self.wire), resolve=self.resolve
        )
        return Http(transport=guard, sleep=lambda _: None)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_inside_is_never_connected_to(address: str) -> None:
    network = Network({"feed.example": [[address]]})
    with pytest.raises(ConfigError, match="private network"):
        network.http().get("https://feed.example/rss")
    assert network.reached == []


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    network = Network({"feed.example": [["8.8.8.8", "127.0.0.1"]]})
    with pytest.raises(ConfigError):
        network.http().get("https://feed.example/rss")
    assert network.reached == []


def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_checked() -> None:
    network = Network({"feed.example": [["8.8.8.8"], ["127.0.0.1"]]})
    network.http().get("https://feed.example/rss")
    assert network.reached == ["8.8.8.8"]
    request = network.seen[0]
    assert request.headers["host"] == "feed.example"
    assert request.extensions["sni_hostname"] == "feed.example"


def test_every_redirect_is_checked_again() -> None:
    away = httpx.Response(302, headers={"location": "http://inside.example/latest/meta-data"})
    names = {"feed.example": [["8.8.8.8"]], "inside.example": [["169.254.169.254"]]}
    network = Network(names, feed=away)
    with pytest.raises(ConfigError, match=r"inside\.example leads into a private"):
        network.http().get("https://feed.example/rss")
    assert network.reached == ["8.8.8.8"]


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "gopher://inside.example/", "http://:80:/", "ftp://a.example"],
)
def test_a_redirect_to_another_scheme_is_refused(location: str) -> None:
    away = httpx.Response(302, headers={"location": location})
    network = Network({"feed.example": [["8.8.8.8"]]}, feed=away)
    with pytest.raises(ListeningError):
        network.http().get("https://feed.example/rss")
    assert network.reached[:1] == ["8.8.8.8"]
    assert set(network.reached) == {"8.8.8.8"}


def test_relative_redirects_are_followed_at_most_three_times() -> None:
    away = httpx.Response(302, headers={"location": "/again"})
    network = Network({"feed.example": [["8.8.8.8"]]}, feed=away)
    with pytest.raises(ConfigError, match="redirect"):
        network.http().get("https://feed.example/rss")
    assert len(network.reached) == 4
    assert {request.headers["host"] for request in network.seen} == {"feed.example"}


def test_a_token_does_not_follow_a_redirect_to_another_host() -> None:
    away = httpx.Response(302, headers={"location": "https://other.example/"})
    names = {"feed.example": [["8.8.8.8"]], "other.example": [["8.8.4.4"]]}
    network = Network(names, feed=away)
    network.http().get("https://feed.example/rss", headers={"Authorization": "Bearer t0ken"})
    assert ["authorization" in request.headers for request in network.seen] == [True, False]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://a.example/", "//a.example", "x"])
def test_other_schemes_are_refused(url: str) -> None:
    network = Network({"a.example": [["8.8.8.8"]]})
    with pytest.raises(ConfigError):
        network.http().get(url)
    assert network.reached == []


def test_unusual_ports_are_refused() -> None:
    network = Network({"a.example": [["8.8.8.8"]]})
    with pytest.raises(ConfigError, match="port 6379"):
        network.http().get("http://a.example:6379/")
    assert network.reached == []


def test_an_internal_host_may_be_allowed_by_name() -> None:
    network = Network({"wiki.intranet.example": [["10.0.0.5"]], "other.example": [["10.0.0.6"]]})
    http = network.http("wiki.intranet.example")
    assert http.get("http://wiki.intranet.example:9000/rss").status_code == 200
    with pytest.raises(ConfigError):
        http.get("http://other.example/")
    assert network.reached == ["10.0.0.5"]


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    network = Network({"a.example": [["2606:2800::1", "8.8.8.8"]]})

    def wire(request: httpx.Request) -> httpx.Response:
        if ":" in request.url.host:
            raise httpx.ConnectError("no route")
        return network.wire(request)

    guard = Guarded(inner=httpx.MockTransport(wire), resolve=network.resolve)
    assert Http(transport=guard).get("https://a.example/").status_code == 200


LITERALS = [
    "http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://127.1/", "http://0/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://localhost/", "http://169.254.169.254/latest/meta-data/",
    "http://user@127.0.0.1/", "http://[fe80::1]/",
]  # fmt: skip


@pytest.mark.enable_socket
@pytest.mark.parametrize("url", LITERALS)
def test_no_way_of_writing_a_private_address_works(url: str) -> None:
    network = Network({})
    guard = Guarded(inner=httpx.MockTransport(network.wire))
    with pytest.raises(ListeningError):
        Http(transport=guard, sleep=lambda _: None).get(url)
    assert network.reached == []


class Canary(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.enable_socket
def test_a_real_server_on_this_machine_is_reached_only_when_it_is_named() -> None:
    with HTTPServer(("127.0.0.1", 0), Canary) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://localhost:{server.server_port}/"
        try:
            assert Http(internal=["localhost"]).get(url).text == "ok"
            with pytest.raises(ConfigError):
                Http().get(url)
        finally:
            server.shutdown()
            thread.join()
