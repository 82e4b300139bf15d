"""What stands before every page: who may ask, for what, and the headers that keep it safe."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEALTH = "/health"
STATIC = "/static/"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SAFE = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Only GET, only under the names given, only with the password where there is one.

    A page elsewhere whose name was made to lead here (DNS rebinding) says its own name in Host;
    numeric addresses cannot be such a name.
    """

    def __init__(self, inner: ASGIApp, *, names: Collection[str], password: str | None) -> None:
        self.inner = inner
        self.names = {name.casefold() for name in names}
        self.password = password

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SAFE)
                static = scope["path"].startswith(STATIC)
                headers["Cache-Control"] = "public, max-age=3600" if static else "no-store"
            await send(message)

        await (self._refusal(scope) or self.inner)(scope, receive, safely)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if not self._is_named(headers.get("host", "")):
            return PlainTextResponse(
                "this is not served under that name; name it with --hostname\n", 400
            )
        if scope["method"] != "GET":
            return PlainTextResponse("only GET\n", 405, {"Allow": "GET"})
        if scope["path"] == HEALTH or self._is_known(headers.get("authorization", "")):
            return None
        wanted = 'Basic realm="Listening", charset="UTF-8"'
        return PlainTextResponse("a password is needed\n", 401, {"WWW-Authenticate": wanted})

    def _is_named(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name.casefold() in self.names:
                return True
            ip_address(name)
        except ValueError:
            return False
        return True

    def _is_known(self, authorization: str) -> bool:
        """Any user name will do. The time it takes tells nothing of the password."""
        if self.password is None:
            return True
        scheme, _, value = authorization.partition(" ")
        try:
            given = base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return False
        return scheme.casefold() == "basic" and hmac.compare_digest(given, self.password.encode())
