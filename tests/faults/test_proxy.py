"""The proxy and its faults do what they say: an instrument is checked before it is used."""

import json
import random
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from tests.faults.kinds import every
from tests.faults.proxy import Outage, Proxy

pytestmark = pytest.mark.usefixtures("socket_enabled")

HELD = 0.5
FAULTS = {fault.name: fault for fault in every(held=HELD)}
BULK = "".join(
    f'{{"index":{{"_index":"a","_id":"{n}"}}}}\n{{"a":{n}}}\n' for n in range(40)
).encode()
STATUS = {"429 whole": 429, "500": 500, "502": 502, "503": 503, "504": 504, "413": 413}
STATUS |= {"429 per item": 200, "short items": 200, "reordered items": 200}
BROKEN: dict[str, type[Exception] | tuple[type[Exception], ...]] = {
    "refused": httpx.TransportError,
    "reset before": httpx.TransportError,
    "reset after": httpx.TransportError,
    "timeout": httpx.ReadTimeout,
    "truncated": (httpx.RemoteProtocolError, json.JSONDecodeError),
    "web page": json.JSONDecodeError,
    "garbage gzip": httpx.DecodingError,
}
APPLIED = {"reset after", "timeout", "truncated", "short items", "reordered items"}
NOT_APPLIED = {"429 whole", "500", "503", "refused", "reset before", "413", "web page"}


class Counting(BaseHTTPRequestHandler):
    """Answers a bulk as the real server does, and keeps the ids it was sent."""

    protocol_version = "HTTP/1.1"
    sent: list[str]

    def do_POST(self):
        lines = self.rfile.read(int(self.headers["content-length"])).splitlines()
        ids = [json.loads(line)["index"]["_id"] for line in lines[::2]]
        self.sent += ids
        items = [{"index": {"_index": "a", "_id": id_, "status": 201}} for id_ in ids]
        body = json.dumps({"errors": False, "items": items}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def sent(monkeypatch):
    monkeypatch.setattr(Counting, "sent", [], raising=False)
    return Counting.sent


@pytest.fixture
def proxy(sent):
    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Counting) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with Proxy(f"http://127.0.0.1:{server.server_port}", refused_for=0.2) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


@pytest.fixture
def client(proxy):
    with httpx.Client(base_url=proxy.url, timeout=HELD / 2, trust_env=False) as client:
        yield client


@pytest.fixture
def spoilt(proxy, client, sent):
    """Send three requests of which the second meets the fault; returns its answer."""

    def send(name: str, seed: int = 0) -> httpx.Response:
        proxy.arm(Outage(FAULTS[name], start=1, length=1), random.Random(seed))
        assert post(client).json()["errors"] is False
        sent.clear()
        try:
            answer = post(client)
            if answer.status_code == 200:
                answer.json()
            return answer
        finally:
            applied = list(sent)
            proxy.disarm()
            assert proxy.ended is not None
            assert post(client).json()["errors"] is False
            assert [one.spoilt for one in proxy.seen] == [False, True, False]
            sent[:] = applied

    return send


def post(client: httpx.Client) -> httpx.Response:
    return client.post("/_bulk", content=BULK)


def test_all_sixteen_are_there():
    assert {*STATUS, *BROKEN} == FAULTS.keys()
    assert len(FAULTS) == 16


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", STATUS)
def test_an_answer_that_is_wrong(name, seed, spoilt, monkeypatch, sent):
    monkeypatch.setattr("tests.faults.kinds.LARGEST", len(BULK) - 1)
    assert spoilt(name, seed).status_code == STATUS[name]
    check(name, sent)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_does_not_come_whole(name, seed, spoilt, sent):
    with pytest.raises(BROKEN[name]):
        spoilt(name, seed)
    check(name, sent)


def check(name, sent):
    assert name not in APPLIED or len(sent) == 40
    assert name not in NOT_APPLIED or not sent


def test_items_that_are_turned_away_were_not_applied(spoilt, sent):
    items = [item["index"] for item in spoilt("429 per item").json()["items"]]
    assert [item["_id"] for item in items] == [str(n) for n in range(40)]
    assert [item["_id"] for item in items if item["status"] == 201] == sent
    assert 0 < len(sent) < 40


def test_items_that_are_missing_or_elsewhere(spoilt):
    ids = [item["index"]["_id"] for item in spoilt("reordered items").json()["items"]]
    assert ids != sorted(ids, key=int) == [str(n) for n in range(40)]
    assert len(spoilt("short items").json()["items"]) < 40


def test_only_large_bodies_are_too_large(proxy, client):
    proxy.arm(Outage(FAULTS["413"], start=0, length=9), random.Random(0))
    assert post(client).status_code == 200
    assert proxy.spoilt == 0
