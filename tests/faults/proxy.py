"""An HTTP proxy that stands in front of a real server and, for a while, does a fault to it.

    with Proxy("http://127.0.0.1:9200") as proxy:
        proxy.arm(Outage(fault, start=3, length=2), random.Random(1))
        ... the client speaks to proxy.url ...

Which requests are hit depends on their order and on the seed only, never on the clock.
"""

from __future__ import annotations

import gzip
import http.client
import os
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Self
from urllib.parse import urlsplit

# What belongs to one connection, not to the message; and answers must come uncompressed.
_OF_THE_HOP = {"accept-encoding", "connection", "content-length", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> bytes:
        """The body as it was before compression."""
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.decompress(self.body) if packed else self.body

    @property
    def is_bulk(self) -> bool:
        return urlsplit(self.path).path.endswith("/_bulk")


@dataclass(frozen=True)
class Answer:
    """``length`` is what the header promises, where that is not the length of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    length: int | None = None


class Reset(Exception):  # noqa: N818 - not an error: what is to be done to the connection
    """The connection is to be cut without an answer."""


class Refuse(Reset):
    """And for the rest of the outage nobody is to be let in."""


Forward = Callable[[Request], Answer]


@dataclass(frozen=True)
class Fault:
    """``spoil`` makes the answer, with the server's help or without, or raises ``Reset``.

    ``hits`` says which requests it does that to; ``longest`` is how many in one outage at most.
    """

    name: str
    spoil: Callable[[Request, Forward, random.Random], Answer]
    hits: Callable[[Request], bool] = lambda _: True
    longest: int = 8


@dataclass(frozen=True)
class Outage:
    """The fault from the ``start``-th request after arming, for ``length`` of those it hits."""

    fault: Fault
    start: int
    length: int


@dataclass(frozen=True)
class Seen:
    request: Request
    at: float
    spoilt: bool


@dataclass(eq=False)
class Proxy:
    """``seen`` is every request since arming. ``refused_for``: seconds closed, a request missed."""

    upstream: str
    refused_for: float = 0.05
    seen: list[Seen] = field(default_factory=list)
    ended: float | None = None
    """When the outage was over (``time.monotonic``); None before."""
    accidents: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._outage: Outage | None = None
        self._left = 0
        self._closed = False
        self._port = 0
        self._server: _Server | None = None
        self._opener: threading.Timer | None = None

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        if self._opener:
            self._opener.cancel()
            self._opener.join()
        self._stop()
        if self.accidents:
            raise self.accidents[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def spoilt(self) -> int:
        return sum(one.spoilt for one in self.seen)

    def arm(self, outage: Outage | None, rng: random.Random) -> None:
        """Count requests from here on, and have the outage begin in its time."""
        with self._lock:
            self.seen, self.ended, self._rng = [], None, rng
            self._outage, self._left = outage, outage.length if outage else 0

    def disarm(self) -> None:
        """End the outage, where it lasts longer than the work did, and let everybody in."""
        if self._opener:
            self._opener.join()
        with self._lock:
            self._left, self.ended = 0, self.ended or time.monotonic()

    def respond(self, request: Request, forward: Forward) -> Answer:
        fault = self._note(request)
        if fault is None:
            return forward(request)
        try:
            return fault.spoil(request, forward, self._rng)
        except Refuse:
            self._refuse()
            raise
        finally:
            with self._lock:
                if not self._left and not self._closed:
                    self.ended = time.monotonic()

    def _note(self, request: Request) -> Fault | None:
        with self._lock:
            if self._closed:
                raise Reset
            outage, number = self._outage, len(self.seen)
            hit = bool(
                outage and self._left and number >= outage.start and outage.fault.hits(request)
            )
            self._left -= hit
            self.seen.append(Seen(request, time.monotonic(), hit))
            return outage.fault if outage and hit else None

    def _refuse(self) -> None:
        with self._lock:
            seconds = self.refused_for * (1 + self._left)
            self._left, self._closed = 0, True
        self._stop()
        self._opener = threading.Timer(seconds, self._reopen)
        self._opener.start()

    def _reopen(self) -> None:
        self._listen()
        with self._lock:
            self._closed, self.ended = False, time.monotonic()

    def _listen(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), self)
        self._port = self._server.server_address[1]
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(address, _Connection)

    def handle_error(self, request: object, client_address: object) -> None:
        # The client hanging up is what several faults are for.
        if (error := sys.exception()) and not isinstance(error, ConnectionError):
            self.proxy.accidents.append(error)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection, and one of its own to the server behind."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        behind = urlsplit(self.server.proxy.upstream)
        self.behind = http.client.HTTPConnection(behind.hostname or "", behind.port, timeout=30)
        # An answer goes out in two pieces; the second must not wait for the first's receipt.
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self) -> None:
        self.behind.close()
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        try:
            self._send(self.server.proxy.respond(request, self._forward))
        except Reset:
            self._cut()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - as the standard library calls them

    def _forward(self, request: Request) -> Answer:
        kept = {k: v for k, v in request.headers.items() if k not in _OF_THE_HOP}
        try:
            self.behind.request(request.method, request.path, request.body or None, kept)
            answer = self.behind.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.behind.close()
            raise Reset from None  # the server itself is gone: what a client without us would see
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _OF_THE_HOP}
        length = int(answer.getheader("content-length") or 0) if self.command == "HEAD" else None
        return Answer(answer.status, headers, body, length)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) if answer.length is None else answer.length
        self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
        if self.command != "HEAD" and length != len(answer.body):
            self.close_connection = True

    def _cut(self) -> None:
        """Close so that the other side sees a reset: at once, with nothing more to be sent."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
