"""Starting the pages, only where it is safe."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from ipaddress import ip_address

import uvicorn

from listening.app import App
from listening.errors import ConfigError
from listening.web.guard import Guard
from listening.web.site import site

PASSWORD = "LISTENING_WEB_PASSWORD"  # noqa: S105 - the name of a variable
SHORTEST = 12
LOCAL = "localhost"
MOST_AT_ONCE = 64


def guarded(app: App, *, host: str, names: Collection[str] = ()) -> Guard:
    """The pages behind their guard; raises ConfigError where others could reach them freely."""
    password = app.environ.get(PASSWORD) or None
    if password is None and not _is_loopback(host):
        raise ConfigError(
            f"{host} can be reached by others, and there is no password: set {PASSWORD} in the "
            "environment, or leave out --host"
        )
    if password is not None and len(password) < SHORTEST:
        raise ConfigError(
            f"{PASSWORD} has fewer than {SHORTEST} characters, which can be guessed; take a "
            "longer one"
        )
    return Guard(site(app), names={LOCAL, host, *names}, password=password)


def serve(
    app: App, *, host: str, port: int, names: Collection[str], started: Callable[[str], None]
) -> None:
    """Serve until it is interrupted; ``started`` is told the address once it can be reached."""
    inner = guarded(app, host=host, names=names)
    with _listening(host, port) as sock:
        shown = f"[{host}]" if ":" in host else host
        started(f"http://{shown}:{sock.getsockname()[1]}/")
        chosen = uvicorn.Config(
            inner,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_AT_ONCE,
            ws="none",
            lifespan="off",
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


def _is_loopback(host: str) -> bool:
    try:
        return host == LOCAL or ip_address(host).is_loopback
    except ValueError:
        return False
