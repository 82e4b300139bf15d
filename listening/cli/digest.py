"""The command ``digest``: the mail of a week, sent by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from listening.cli import output
from listening.cli.options import Json, reading
from listening.errors import ConfigError

if TYPE_CHECKING:
    from listening.digest.post import Post, Posted

cli = typer.Typer(help="Send the digest of the week, as [digest] says.", no_args_is_help=True)


@cli.callback()
def _several() -> None:
    """Send the digest of the week, as [digest] in the settings says."""


@cli.command()
def send(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make it, say what would be sent, send nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Send the digest of the week that was due last to the channels that have not had it.

    Exit code 2 or 75 where a channel did not take it; the same command tries those again.
    """
    from listening.digest.post import Post  # noqa: PLC0415 - drawing is not always wanted

    post = Post(reading(context), datetime.now(UTC))
    title = post.letter.title if dry_run else ""
    done = post.statuses() if dry_run else post.send()
    if as_json:
        output.as_json({**_shape(post, done), "title": title or None, "dry_run": dry_run})
    else:
        output.say(f"The week from {post.week.since} to before {post.week.until}")
        if title:
            output.say(title)
        for one in done:
            output.say(f"{one.channel}: {one.error or one.status}")
    errors = [one.error for one in done if one.error]
    if errors:
        wrong = any(isinstance(error, ConfigError) for error in errors)
        raise typer.Exit(output.CONFIG if wrong else output.TEMPORARY)


def _shape(post: Post, done: list[Posted]) -> dict[str, Any]:
    return {
        "week": post.week.key,
        "since": post.week.since.isoformat(),
        "until": post.week.until.isoformat(),
        "channels": [
            {
                "channel": one.channel,
                "status": one.status.value,
                "error": str(one.error) if one.error else None,
            }
            for one in done
        ],
    }
