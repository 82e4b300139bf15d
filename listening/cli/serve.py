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
        str, typer.Option(metavar="HOST", help="Any but this machine needs an account.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535)] = 8765,
    hostname: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that people reach it by; repeat for more."),
    ] = None,
    https: Annotated[
        bool, typer.Option("--https", help="People reach it by https, through a proxy.")
    ] = False,
    proxy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS",
            help="A proxy whose X-Forwarded-For and -Proto are believed; repeat for more.",
        ),
    ] = None,
) -> None:
    """Serve pages for the browser, and REST.

    Once somebody has an account (listening users add), a login is asked for; with another host
    there must be one. LISTENING_WEB_PASSWORD in the environment makes the first, named admin.
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

    reach = web.Reach(
        host=host, port=port, names=hostname or (), proxies=proxy or (), is_https=https
    )
    web.serve(opened(context), reach, started=started)
