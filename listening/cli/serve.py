"""The command that serves the pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from listening.cli import output
from listening.cli.options import opened
from listening.errors import ConfigError

cli = typer.Typer()


@cli.command()
def serve(
    context: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Any but this machine needs a password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535)] = 8765,
    hostname: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that people reach it by; repeat for more."),
    ] = None,
) -> None:
    """Serve pages for the browser, and REST.

    With another host, LISTENING_WEB_PASSWORD in the environment is the password that is asked for.
    """
    try:
        from listening.web import serve as web  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the pages need {error.name}, which is not installed: pip install 'listening[web]'"
        ) from error

    def started(address: str) -> None:
        output.say(f"Serving on {address} (Ctrl-C stops it)")
        sys.stdout.flush()

    web.serve(opened(context), host=host, port=port, names=hostname or (), started=started)
