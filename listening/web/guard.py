"""What stands before every page: who may ask, for what, and the headers that keep it safe."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from listening.errors import ListeningError, TransientError
from listening.web.accounts import Accounts
from listening.web.people import ANYONE, Person, enter

HEALTH = "/health"
STATIC = "/static/"
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SAFE = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none, browsers say of our own forms: Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


SAFE_METHODS = ("GET", "HEAD")
METHODS = (*SAFE_METHODS, "POST", "DELETE")
LOGIN = "/login"
PERSONAL = (LOGIN, "/logout", "/account", "/people")  # not for programs that hold a token
COOKIES = ("listening", "__Host-listening")  # the latter only over https


def crosses(headers: Headers) -> bool:
    """Whether a page of another origin asked; the algorithm of Go's http.CrossOriginProtection.

    Programs send neither header and are no browser that another site could misuse.
    """
    match headers.get("sec-fetch-site", ""):
        case "same-origin" | "none":
            return False
        case "":
            origin = headers.get("origin", "")
            return bool(origin) and not _same(origin, headers.get("host", ""))
    return True


def _same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


class Guard:
    """Only under the names given, only from our own pages, only for people with an account.

    A page elsewhere whose name was made to lead here (DNS rebinding) says its own name in Host;
    numeric addresses cannot be such a name. ``is_open``: while there is no account, whoever asks
    is ``ANYONE``, as on one's own machine.
    """

    def __init__(
        self,
        inner: ASGIApp,
        *,
        names: Collection[str],
        accounts: Accounts,
        is_open: bool,
        is_https: bool = False,
    ) -> None:
        self.inner = inner
        self.names = {name.casefold() for name in names}
        self.accounts = accounts
        self.is_open = is_open
        self.is_https = is_https

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
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        if self.is_https:
            asked = {**asked, "scheme": "https"}
        inner = self._refusal(scope) or await self._for_a_person(asked)
        await inner(asked, receive, safely)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        if not self._is_named(headers.get("host", "")):
            return PlainTextResponse(
                "this is not served under that name; name it with --hostname\n", 400
            )
        if scope["method"] not in METHODS:
            return PlainTextResponse("not that way\n", 405, {"Allow": ", ".join(METHODS)})
        if scope["method"] not in SAFE_METHODS and crosses(headers):
            return PlainTextResponse("another site asked for this, so it was not done\n", 403)
        return None

    def _is_named(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name.casefold() in self.names:
                return True
            ip_address(name)
        except ValueError:
            return False
        return True

    async def _for_a_person(self, scope: Scope) -> ASGIApp:
        """What answers, once it is said for whom."""
        enter(None)
        path = scope["path"]
        if path == HEALTH or path.startswith(STATIC):
            return self.inner
        request = Request(scope)
        try:
            person = await run_in_threadpool(self._person, request)
        except ListeningError as error:
            later = {"Retry-After": "10"} if isinstance(error, TransientError) else {}
            return PlainTextResponse(f"{error}\n", 503 if later else 400, later)
        enter(person)
        if person is None:
            return self.inner if path == LOGIN else _login_wanted(request)
        if _bearer(request) and path.startswith(PERSONAL):
            return PlainTextResponse("a token cannot do this; log in with a browser\n", 403)
        return self.inner

    def _person(self, request: Request) -> Person | None:
        if self.is_open and not self.accounts.everyone():
            return ANYONE
        secret = _bearer(request)
        if secret:
            return self.accounts.of_token(secret)
        return self.accounts.in_session(request.cookies.get(cookie(request), ""))


def cookie(request: Request) -> str:
    """Its name; over https one that only this host can have set, and only over https."""
    return COOKIES[request.url.scheme == "https"]


def _bearer(request: Request) -> str:
    """The token of a program. Other schemes are for a proxy before us."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.casefold() == "bearer" else ""


def _login_wanted(request: Request) -> ASGIApp:
    if "text/html" in request.headers.get("accept", ""):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = path if request.method in SAFE_METHODS else "/"
        return RedirectResponse(f"{LOGIN}?{urlencode({'back': back})}", 303)
    message = "log in, or send a token: Authorization: Bearer lst_…"
    said = {"error": "ConfigError", "message": message}
    return JSONResponse(said, 401, {"WWW-Authenticate": "Bearer"})
