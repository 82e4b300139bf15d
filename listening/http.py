"""The one way out to the network: timeouts, caps, rate limits, and status codes made errors.

Addresses come from people's settings, and redirects from anybody, so every hop is checked: a name
is resolved once, every address it has must be public, and the connection goes to that very
address (a second look-up, which an attacker could answer differently, never happens).
"""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import random
import socket
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from listening import __version__
from listening.errors import ConfigError, ListeningError, TransientError

# At INFO httpx logs whole addresses, and a query string may hold a key.
logging.getLogger("httpx").setLevel(logging.WARNING)

MAX_BYTES = 10_000_000
MAX_SECONDS = 30.0
MAX_REDIRECTS = 3
ATTEMPTS = 3
LONGEST_RETRY_AFTER = 86_400.0
_PORTS = (80, 443, 8000, 8080, 8443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNAUTHORIZED, _NOT_MODIFIED, _TOO_MANY = 401, 304, 429

Explain = Callable[[httpx.Response], ListeningError | None]
Params = Mapping[str, str | int]


@dataclass(kw_only=True, eq=False)
class Http:
    """Polite, bounded and safe requests; every failure is one of the three errors.

    ``interval``: at least so many seconds between two requests to a host. ``longest_wait``: waits
    up to so many seconds (for a retry, for a rate limit) are slept through; a longer one raises
    TransientError with ``retry_after``. ``internal``: host names that may lead to private
    addresses and any port. ``transport``, ``clock`` (seconds since the epoch) and ``sleep``
    replace the network and the time; a given transport does its own checks (``Guarded``).
    """

    interval: float = 0.5
    longest_wait: float = 60.0
    internal: Collection[str] = ()
    transport: httpx.BaseTransport | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._free_at: dict[str, float] = {}
        self._client = httpx.Client(
            transport=self.transport or Guarded(internal=self.internal),
            timeout=httpx.Timeout(10.0),
            headers={"User-Agent": f"listening/{__version__}"},
            follow_redirects=True,
            max_redirects=MAX_REDIRECTS,
        )

    def now(self) -> datetime:
        """Return the time in UTC, by this client's clock."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        explain: Explain | None = None,
    ) -> httpx.Response:
        """Fetch the whole answer: status 2xx, or 304 when ``headers`` asked for it.

        ``explain`` may turn a refusal into an error in the source's own words; None leaves it to
        the general rule: 401, 403, 404, 410 and other 4xx are ConfigError; 429, 5xx, timeouts and
        broken connections are TransientError, after up to three attempts.
        """
        request = self._request("GET", url, params=params, headers=headers)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(request, explain)
            except TransientError as error:
                wait = error.retry_after or 2.0**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                if attempt == ATTEMPTS or wait > self.longest_wait:
                    raise
                self.sleep(wait)
        raise AssertionError  # pragma: no cover

    def json(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        explain: Explain | None = None,
    ) -> object:
        """Fetch JSON; anything else (a login or maintenance page) is TransientError."""
        return read_json(self.get(url, params=params, headers=headers, explain=explain))

    def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Send once, to this very address: a redirect is a ConfigError, the rest as of ``get``."""
        request = self._request("POST", url, content=content, headers=headers)
        return self._once(request, _redirected, follows=False)

    def _request(self, method: str, url: str, **parts: Any) -> httpx.Request:  # noqa: ANN401 - httpx's
        try:
            return self._client.build_request(method, url, **parts)
        except httpx.InvalidURL:
            raise ConfigError("an address in the settings is not a valid one; check them") from None

    def _once(
        self, request: httpx.Request, explain: Explain | None, *, follows: bool = True
    ) -> httpx.Response:
        self._take_turn(request.url.host)
        try:
            response = self._read(request, follows=follows)
        except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise ConfigError(f"{shown(request.url)} cannot be followed: {error}") from None
        except httpx.HTTPError as error:
            raise TransientError(
                f"{shown(request.url)} did not answer ({type(error).__name__}); is it reachable?"
            ) from error
        if response.is_success or response.status_code == _NOT_MODIFIED:
            return response
        raise (explain and explain(response)) or self._fault(response)

    def _take_turn(self, host: str) -> None:
        # min(): a clock that was set back must not make a pause longer than the interval.
        wait = min(self._free_at.get(host, 0.0) - self.clock(), self.interval)
        if wait > 0:
            self.sleep(wait)
        self._free_at[host] = self.clock() + self.interval

    def _read(self, request: httpx.Request, *, follows: bool) -> httpx.Response:
        deadline = time.monotonic() + MAX_SECONDS
        answer = self._client.send(request, stream=True, follow_redirects=follows)
        try:
            body = bytearray()
            for chunk in answer.iter_bytes(65_536):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise ConfigError(
                        f"{shown(request.url)} answered with more than {MAX_BYTES:,} bytes; "
                        "ask it for less"
                    )
                if time.monotonic() > deadline:
                    raise TransientError(f"{shown(request.url)} took over {MAX_SECONDS:.0f} s")
        finally:
            answer.close()
        headers = [(k, v) for k, v in answer.headers.multi_items() if k != "content-encoding"]
        return httpx.Response(
            answer.status_code, headers=headers, content=bytes(body), request=answer.request
        )

    def _fault(self, response: httpx.Response) -> ListeningError:
        status, where = response.status_code, shown(response.request.url)
        if status == _TOO_MANY or response.is_server_error:
            after = retry_after(response, self.clock())
            if status == _TOO_MANY:
                wait = f"{after:.0f} s" if after else "a while"
                return TransientError(
                    f"{where} allows no more requests for {wait}", retry_after=after
                )
            return TransientError(f"{where} is in trouble (HTTP {status})", retry_after=after)
        advice = {
            401: "the key or token is wrong or has expired: enter a valid one",
            403: "this account may not read it: ask for access, or use another key",
            404: "there is nothing at this address: check it",
            410: "it is gone for good: take it out of the settings",
        }.get(status, "check the options of this source")
        return ConfigError(f"{where} refused (HTTP {status}): {advice}")


def _redirected(response: httpx.Response) -> ConfigError | None:
    if not response.is_redirect:
        return None
    return ConfigError(f"{shown(response.request.url)} leads elsewhere; write where it leads to")


def read_json(response: httpx.Response) -> object:
    """Read the JSON of an answer; TransientError when it is something else or cut short.

    NaN and Infinity, which JSON does not have, become None; halves of surrogate pairs ``?``.
    """
    try:
        found: object = json.loads(response.content, parse_constant=lambda _: None)
        if b"\\ud" in response.content.lower():
            whole = json.dumps(found, ensure_ascii=False).encode(errors="replace")
            found = json.loads(whole)
    except (ValueError, RecursionError):
        html = response.content.lstrip()[:1] == b"<"
        what = "a web page" if html else "something that is not whole JSON"
        raise TransientError(
            f"{shown(response.request.url)} answered with {what} where data was expected; "
            "it may be under maintenance, or a proxy may stand in between"
        ) from None
    return found


def retry_after(response: httpx.Response, now: float) -> float | None:
    """Find how long to wait, 1 to 86,400 s, by Retry-After or x-rate-limit-reset.

    Times are held against the server's own Date header where it sends one: our clock may be off.
    None when the answer says nothing usable.
    """
    server_now = _http_date(response.headers.get("date")) or now
    said = response.headers.get("retry-after")
    seconds = _number(said)
    if seconds is None and (
        moment := _http_date(said) or _number(response.headers.get("x-rate-limit-reset"))
    ):
        seconds = moment - server_now
    return None if seconds is None else min(max(seconds, 1.0), LONGEST_RETRY_AFTER)


def _number(value: str | None) -> float | None:
    with suppress(TypeError, ValueError):
        number = float(value or "")
        return None if math.isnan(number) else number
    return None


def _http_date(value: str | None) -> float | None:
    with suppress(TypeError, ValueError, OverflowError):
        return parsedate_to_datetime(value or "").timestamp()
    return None


def shown(url: httpx.URL) -> str:
    """Make an address fit for messages: user, password and query may be secret."""
    return f"{url.scheme}://{url.host}{url.path}"


Resolve = Callable[[str, int], list[str]]


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guarded(httpx.BaseTransport):
    """Sends a request to public addresses only, by the address that was checked.

    ``internal`` names hosts that are exempt. Raises ConfigError for any other address or port.
    """

    def __init__(
        self,
        *,
        internal: Collection[str] = (),
        inner: httpx.BaseTransport | None = None,
        resolve: Resolve = _resolve,
    ) -> None:
        self.internal = frozenset(name.lower() for name in internal)
        self.resolve = resolve
        # Connections are told apart by address here, and two hosts may share one: none is kept.
        self.inner = inner or httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        failure: httpx.TransportError | None = None
        for address in self._addresses(request.url):
            direct = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return self.inner.handle_request(direct)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or httpx.ConnectError(f"{host} has no address")

    def _addresses(self, url: httpx.URL) -> list[str]:
        if url.scheme not in {"http", "https"}:
            raise ConfigError(f"{shown(url)}: only http and https addresses can be fetched")
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = self.resolve(url.host, port)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{url.host} cannot be looked up") from error
        if url.host.lower() in self.internal:
            return addresses
        if port not in _PORTS:
            raise ConfigError(
                f"{shown(url)}: port {port} is not allowed; use one of {_PORTS}, "
                "or list the host as internal"
            )
        if not all(map(is_public, addresses)):
            raise ConfigError(
                f"{url.host} leads into a private network, which a configured address may not; "
                "if that is meant, list the host as internal"
            )
        return addresses


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, also when it wraps an IPv4 one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast
