"""The commands of who may see the pages: users, and tokens for programs."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from listening.app import App
from listening.cli import output
from listening.cli.options import Json, opened, reading
from listening.errors import ConfigError

if TYPE_CHECKING:
    from listening.web.accounts import Account, Accounts, Token
    from listening.web.people import Role

users = typer.Typer(help="Who may see the pages, and do what there.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens, with which programs log in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]
RoleName = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="viewer reads; analyst also changes feedback and rules; admin also says who may.",
    ),
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]
_DAYS = 90


@users.command()
def add(
    context: typer.Context,
    name: Name,
    *,
    role: RoleName = "viewer",
    stdin: FromStdin = False,
    as_json: Json = False,
) -> None:
    """Add somebody; the password is asked for.

    The first must be an admin. From then on the pages ask everybody to log in.
    """
    accounts, chosen = _accounts(opened(context, creates=True)), _role(role)
    accounts.add(name, chosen, _password(from_stdin=stdin))
    _record(accounts, "ADDED", name, role)
    _say(accounts.get(name), "Added", as_json=as_json)


@users.command("list")
def list_users(context: typer.Context, *, as_json: Json = False) -> None:
    """List who has an account."""
    accounts = _accounts(reading(context))
    found = sorted(accounts.everyone().values(), key=lambda one: one.name)
    for one in found:
        _say(one, as_json=as_json)
    if not found and not as_json:
        output.say("Nobody has an account: the pages are for this machine alone, without a login")


@users.command("role")
def set_role(context: typer.Context, name: Name, role: str, *, as_json: Json = False) -> None:
    """Let somebody do more or less: viewer, analyst or admin. It ends their sessions."""
    accounts = _accounts(reading(context))
    accounts.set_role(name, _role(role))
    _record(accounts, "ROLE", name, role)
    _say(accounts.get(name), "Changed", as_json=as_json)


@users.command("password")
def set_password(
    context: typer.Context, name: Name, *, stdin: FromStdin = False, as_json: Json = False
) -> None:
    """Give somebody another password, which is asked for. It ends their sessions."""
    accounts = _accounts(reading(context))
    accounts.get(name)
    accounts.set_password(name, _password(from_stdin=stdin))
    _record(accounts, "PASSWORD", name)
    _say(accounts.get(name), "Changed the password of", as_json=as_json)


@users.command()
def remove(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Remove somebody, with all sessions and tokens."""
    accounts = _accounts(reading(context))
    gone = accounts.get(name)
    accounts.remove(name)
    _record(accounts, "REMOVED", gone.name)
    if as_json:
        output.as_json({"removed": gone.name})
    else:
        output.say(f"Removed {gone.name}")
        if not accounts.everyone():
            output.say("Nobody has an account any more: on this machine no login is asked for")


@tokens.command()
def create(
    context: typer.Context,
    user: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it is for.")],
    *,
    role: RoleName = "viewer",
    days: Annotated[int, typer.Option(metavar="N", help="How long it lasts.")] = _DAYS,
    as_json: Json = False,
) -> None:
    """Make a token. It is shown now and never again."""
    app = reading(context)
    accounts = _accounts(app)
    secret, made = accounts.make_token(user, label, _role(role), days)
    _record(accounts, "TOKEN", user, f"{made.label} ({made.role})")
    if as_json:
        output.as_json({"token": secret, **_shape(user, made)})
        return
    output.say(secret)
    output.warn(f"shown this once; it ends on {_day(made.ends, app)}")


@tokens.command("list")
def list_tokens(context: typer.Context, *, as_json: Json = False) -> None:
    """List the tokens, without their secrets."""
    app = reading(context)
    for account in _accounts(app).everyone().values():
        for one in account.tokens:
            if as_json:
                output.as_json(_shape(account.name, one))
            else:
                ends = _day(one.ends, app)
                output.say(f"{one.id} {account.name} {one.role}, until {ends}: {one.label}")


@tokens.command()
def revoke(
    context: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """End a token."""
    accounts = _accounts(reading(context))
    held = [a.name for a in accounts.everyone().values() for one in a.tokens if one.id == id_]
    if not held:
        raise ConfigError(f"there is no token {id_!r}; see: listening tokens list")
    gone = accounts.revoke(held[0], id_)
    _record(accounts, "REVOKED", held[0], gone.label)
    output.as_json({"revoked": id_}) if as_json else output.say(f"Revoked {id_}: {gone.label}")


def _accounts(app: App) -> Accounts:
    try:
        import argon2  # noqa: F401, PLC0415 - an extra, missed before a password is asked for

        from listening.web.accounts import Accounts  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"accounts need {error.name}, which is not installed: pip install 'listening[web]'"
        ) from error
    return Accounts(app)


def _role(text: str) -> Role:
    from listening.web.people import Role  # noqa: PLC0415 - an extra

    try:
        return Role(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no role; take one of: {', '.join(Role)}") from error


def _password(*, from_stdin: bool) -> str:
    """Never an argument: others on the machine can read those."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigError("nobody is there to type the password; send it with --password-stdin")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ConfigError("the two passwords are not the same; try again")
    return password


def _record(accounts: Accounts, deed: str, whom: str, detail: str = "") -> None:
    from listening.web import audit  # noqa: PLC0415 - an extra

    assert accounts.store is not None  # noqa: S101 - it has just been written
    event = audit.Event(
        at=accounts.clock(), by=_me(), deed=audit.Deed[deed], whom=whom, detail=detail
    )
    audit.record(accounts.store, event)


def _me() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as containers have
        name = str(os.getuid())
    return f"{name} (command line)"


def _say(account: Account, done: str = "", *, as_json: bool) -> None:
    if as_json:
        output.as_json(account.as_json())
    else:
        output.say(f"{done} {account.name}, {account.role}".strip())


def _shape(user: str, token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "user": user,
        "label": token.label,
        "role": token.role,
        "made": token.made.isoformat(),
        "ends": token.ends.isoformat(),
    }


def _day(moment: datetime, app: App) -> str:
    return f"{moment.astimezone(ZoneInfo(app.settings.zone)):%Y-%m-%d}"
