"""Starting the pages, only where it is safe."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from listening.app import App
from listening.errors import ConfigError
from listening.web.accounts import Accounts, Clock, now
from listening.web.attempts import Attempts
from listening.web.guard import Guard
from listening.web.people import Role
from listening.web.site import site

PASSWORD = "LISTENING_WEB_PASSWORD"  # noqa: S105 - the name of a variable
ADMIN = "admin"
LOCAL = "localhost"
MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """From where the pages can be reached, and by which names.

    ``proxies`` are the addresses of those whose word counts for who asks, and by https or not;
    ``is_https`` says that everybody does.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    names: Collection[str] = ()
    proxies: Collection[str] = ()
    is_https: bool = False

    @property
    def is_loopback(self) -> bool:
        try:
            return self.host == LOCAL or ip_address(self.host).is_loopback
        except ValueError:
            return False


def guarded(app: App, reach: Reach, clock: Clock = now) -> ASGIApp:
    """The pages behind their guard; raises ConfigError where others could reach them freely."""
    _first_admin(app, clock)
    accounts = Accounts(app, clock)
    if not reach.is_loopback and not accounts.everyone():
        raise ConfigError(
            f"{reach.host} can be reached by others, and nobody has an account to log in with: "
            "add one with listening users add NAME --role admin, or leave out --host"
        )
    inner = site(app)
    inner.state.accounts = accounts
    inner.state.attempts = Attempts(clock)
    guard = Guard(
        inner,
        names={LOCAL, reach.host, *reach.names},
        accounts=accounts,
        is_open=reach.is_loopback,
        is_https=reach.is_https,
    )
    return _behind(reach.proxies, guard) if reach.proxies else guard


def _behind(proxies: Collection[str], guard: Guard) -> ASGIApp:
    inner: Any = guard  # uvicorn's types of the same interface are others than Starlette's
    outer: Any = ProxyHeadersMiddleware(inner, trusted_hosts=list(proxies))
    return cast("ASGIApp", outer)


def _first_admin(app: App, clock: Clock) -> None:
    """Where the environment has a password and nobody an account, make one of that password."""
    password = app.environ.get(PASSWORD)
    if not password or Accounts(app, clock).everyone():
        return
    accounts = Accounts(replace(app, creates=True), clock)
    try:
        accounts.add(ADMIN, Role.ADMIN, password)
    except ConfigError as error:
        if not accounts.everyone():  # else another process, started together with us, was first
            raise ConfigError(f"{PASSWORD}: {error}") from error


def serve(app: App, reach: Reach, *, started: Callable[[str], None]) -> None:
    """Serve until it is interrupted; ``started`` is told the address once it can be reached."""
    inner = guarded(app, reach)
    with _listening(reach.host, reach.port) as sock:
        shown = f"[{reach.host}]" if ":" in reach.host else reach.host
        started(f"http://{shown}:{sock.getsockname()[1]}/")
        chosen = uvicorn.Config(
            inner,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_AT_ONCE,
            ws="none",
            lifespan="on",
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(chosen).run(sockets=[sock])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror}; name another with --port "
            "or --host"
        ) from error
