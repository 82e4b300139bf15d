"""The pages of login, of one's own account, and of all people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from listening.errors import ConfigError
from listening.web import audit, passwords
from listening.web.accounts import LONGEST, Account, Accounts, key_of
from listening.web.asked import Asked
from listening.web.attempts import Attempts
from listening.web.audit import Deed, Event
from listening.web.guard import LOGIN, cookie
from listening.web.locale import N_, _
from listening.web.pages import Frame
from listening.web.people import ANYONE, Role, Visitor, current, inside, needs
from listening.web.render import page

ACCOUNT, PEOPLE = "/account", "/people"
DAYS = (30, 90, 365)
MOST_EVENTS = 200
DONE = {
    "password": N_("The password is changed; all other sessions have ended."),
    "added": N_("Added."),
    "role": N_("The role is changed."),
    "removed": N_("Removed, with all sessions and tokens."),
    "revoked": N_("The token is revoked."),
}
DEEDS = {
    Deed.LOGIN: N_("logged in"),
    Deed.LOGIN_FAILED: N_("failed to log in"),
    Deed.LOGOUT: N_("logged out"),
    Deed.ADDED: N_("added an account"),
    Deed.ROLE: N_("changed a role"),
    Deed.PASSWORD: N_("changed a password"),
    Deed.REMOVED: N_("removed an account"),
    Deed.TOKEN: N_("made a token"),
    Deed.REVOKED: N_("revoked a token"),
}
ROLES = {Role.VIEWER: N_("viewer"), Role.ANALYST: N_("analyst"), Role.ADMIN: N_("admin")}
MAY = {
    Role.VIEWER: N_("viewer: reads"),
    Role.ANALYST: N_("analyst: also changes feedback, rules and what is shared"),
    Role.ADMIN: N_("admin: also says who may"),
}

router = APIRouter(include_in_schema=False)

Name = Annotated[str, Field(max_length=200)]
Password = Annotated[str, Field(max_length=passwords.LONGEST)]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a request about people works with."""

    accounts: Accounts
    attempts: Attempts
    address: str

    def record(self, deed: Deed, by: str, whom: str = "", detail: str = "") -> None:
        if self.accounts.store is not None:
            at = self.accounts.clock()
            event = Event(at=at, by=by, deed=deed, whom=whom, detail=detail, address=self.address)
            audit.record(self.accounts.store, event)


def desk(request: Request) -> Desk:
    state = request.app.state
    address = request.client.host if request.client else ""
    return Desk(cast("Accounts", state.accounts), cast("Attempts", state.attempts), address)


AtDesk = Annotated[Desk, Depends(desk)]


# Login


class Login(BaseModel):
    name: Name
    password: Password
    back: str = "/"


@router.get(LOGIN)
def ask(back: str = "/") -> Response:
    return RedirectResponse(inside(back), 303) if current() else _login(back)


@router.post(LOGIN)
def log_in(request: Request, at: AtDesk, form: Annotated[Login, Form()]) -> Response:
    """Wrong names and wrong passwords are told apart neither by words nor by time."""
    key = key_of(form.name)
    wait = at.attempts.wait(key, at.address)
    if wait is not None:
        return _too_often(form.back, wait)
    before, secret = request.cookies.get(cookie(request)), None
    if at.accounts.everyone():
        secret = at.accounts.log_in(form.name, form.password)
    known = at.accounts.everyone().get(key)
    if secret is None:
        # A name that is none may be a password that was typed in the wrong field.
        at.record(Deed.LOGIN_FAILED, known.name if known else "?")
        wrong = _("The name or the password is wrong.")
        return _login(form.back, name=form.name, wrong=wrong, code=403)
    at.attempts.passed(key, at.address)
    if before:
        at.accounts.log_out(before)
    at.record(Deed.LOGIN, known.name if known else form.name)
    return _entered(request, secret, inside(form.back))


def _too_often(back: str, wait: timedelta) -> Response:
    seconds = math.ceil(wait.total_seconds())
    wrong = _("Too many attempts. Try again in %(seconds)s seconds.", seconds=seconds)
    response = _login(back, wrong=wrong, code=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _login(back: str, *, name: str = "", wrong: str = "", code: int = 200) -> Response:
    frame, asked = Frame(LOGIN, Asked()), Asked()
    shown = {"back": inside(back), "name": name, "wrong": wrong}
    return page("login.html", code=code, frame=frame, asked=asked, **shown)


def _entered(request: Request, secret: str, path: str) -> Response:
    response = RedirectResponse(path, 303)
    response.set_cookie(
        cookie(request),
        secret,
        max_age=int(LONGEST.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/logout", dependencies=[needs(Role.VIEWER)])
def log_out(request: Request, at: AtDesk, person: Visitor) -> Response:
    at.accounts.log_out(request.cookies.get(cookie(request), ""))
    if person != ANYONE:
        at.record(Deed.LOGOUT, person.name)
    response = RedirectResponse(LOGIN, 303)
    https = request.url.scheme == "https"
    response.delete_cookie(cookie(request), path="/", secure=https, httponly=True, samesite="lax")
    return response


# One's own account


class NewPassword(BaseModel):
    old: Password
    new: Password
    again: Password


class NewToken(BaseModel):
    label: Name
    role: Role = Role.VIEWER
    days: int = DAYS[1]


class Revoked(BaseModel):
    id: Name
    name: Name = ""


@router.get(ACCOUNT, dependencies=[needs(Role.VIEWER)])
def account(at: AtDesk, person: Visitor, done: str = "") -> Response:
    return _account(at, person.name, done=done)


@router.post(f"{ACCOUNT}/password", dependencies=[needs(Role.VIEWER)])
def change_password(
    request: Request, at: AtDesk, person: Visitor, form: Annotated[NewPassword, Form()]
) -> Response:
    key = key_of(person.name)
    wait = at.attempts.wait(key, at.address)
    if wait is not None:
        return _too_often(ACCOUNT, wait)
    if not passwords.matches(at.accounts.get(person.name).password, form.old):
        return _account(at, person.name, wrong=_("The old password is wrong."))
    at.attempts.passed(key, at.address)
    if form.new != form.again:
        return _account(at, person.name, wrong=_("The new passwords are not the same."))
    try:
        at.accounts.set_password(person.name, form.new)
    except ConfigError as error:
        return _account(at, person.name, wrong=str(error))
    at.record(Deed.PASSWORD, person.name, person.name)
    secret = at.accounts.log_in(person.name, form.new) or ""
    return _entered(request, secret, f"{ACCOUNT}?done=password")


@router.post(f"{ACCOUNT}/tokens", dependencies=[needs(Role.VIEWER)])
def make_token(at: AtDesk, person: Visitor, form: Annotated[NewToken, Form()]) -> Response:
    """Answered by the page itself: no address may lead to the secret."""
    try:
        secret, made = at.accounts.make_token(person.name, form.label, form.role, form.days)
    except ConfigError as error:
        return _account(at, person.name, wrong=str(error))
    at.record(Deed.TOKEN, person.name, person.name, f"{made.label} ({made.role})")
    return _account(at, person.name, secret=secret)


@router.post(f"{ACCOUNT}/tokens/revoke", dependencies=[needs(Role.VIEWER)])
def revoke_token(at: AtDesk, person: Visitor, form: Annotated[Revoked, Form()]) -> Response:
    gone = at.accounts.revoke(person.name, form.id)
    at.record(Deed.REVOKED, person.name, person.name, gone.label)
    return RedirectResponse(f"{ACCOUNT}?done=revoked", 303)


def _account(at: Desk, name: str, *, done: str = "", wrong: str = "", secret: str = "") -> Response:
    found = at.accounts.everyone().get(key_of(name))
    return page(
        "account.html",
        code=400 if wrong else 200,
        **_shared(at, done, wrong),
        frame=Frame(ACCOUNT, Asked()),
        account=found,
        tokens=_tokens(at, found),
        secret=secret,
        days=DAYS,
        shortest=passwords.SHORTEST,
    )


def _tokens(at: Desk, account: Account | None) -> list[Any]:
    moment = at.accounts.clock()
    return [one for one in account.tokens if one.holds(moment)] if account else []


# Everybody


class NewPerson(BaseModel):
    name: Name
    role: Role
    password: Password


class NewRole(BaseModel):
    name: Name
    role: Role


class Named(BaseModel):
    name: Name


@router.get(PEOPLE, dependencies=[needs(Role.ADMIN)])
def people(at: AtDesk, done: str = "") -> Response:
    return _people(at, done=done)


@router.post(PEOPLE, dependencies=[needs(Role.ADMIN)])
def add(at: AtDesk, person: Visitor, form: Annotated[NewPerson, Form()]) -> Response:
    try:
        at.accounts.add(form.name, form.role, form.password)
    except ConfigError as error:
        return _people(at, wrong=str(error))
    at.record(Deed.ADDED, person.name, form.name, form.role)
    return RedirectResponse(f"{PEOPLE}?done=added", 303)


@router.post(f"{PEOPLE}/role", dependencies=[needs(Role.ADMIN)])
def set_role(at: AtDesk, person: Visitor, form: Annotated[NewRole, Form()]) -> Response:
    try:
        _not_oneself(person.name, form.name)
        at.accounts.set_role(form.name, form.role)
    except ConfigError as error:
        return _people(at, wrong=str(error))
    at.record(Deed.ROLE, person.name, form.name, form.role)
    return RedirectResponse(f"{PEOPLE}?done=role", 303)


@router.post(f"{PEOPLE}/remove", dependencies=[needs(Role.ADMIN)])
def remove(at: AtDesk, person: Visitor, form: Annotated[Named, Form()]) -> Response:
    try:
        _not_oneself(person.name, form.name)
        at.accounts.remove(form.name)
    except ConfigError as error:
        return _people(at, wrong=str(error))
    at.record(Deed.REMOVED, person.name, form.name)
    return RedirectResponse(f"{PEOPLE}?done=removed", 303)


@router.post(f"{PEOPLE}/tokens/revoke", dependencies=[needs(Role.ADMIN)])
def revoke_for(at: AtDesk, person: Visitor, form: Annotated[Revoked, Form()]) -> Response:
    gone = at.accounts.revoke(form.name, form.id)
    at.record(Deed.REVOKED, person.name, form.name, gone.label)
    return RedirectResponse(f"{PEOPLE}?done=revoked", 303)


def _not_oneself(by: str, name: str) -> None:
    """So that there is always an admin left."""
    if key_of(by) == key_of(name):
        raise ConfigError("you cannot do that to yourself; ask another admin")


def _people(at: Desk, *, done: str = "", wrong: str = "") -> Response:
    store, everyone = at.accounts.store, at.accounts.everyone().values()
    return page(
        "people.html",
        code=400 if wrong else 200,
        **_shared(at, done, wrong),
        frame=Frame(PEOPLE, Asked()),
        people=[(one, _tokens(at, one)) for one in sorted(everyone, key=lambda one: one.name)],
        events=audit.events(store)[:MOST_EVENTS] if store else [],
        deeds={deed: _(text) for deed, text in DEEDS.items()},
        shortest=passwords.SHORTEST,
    )


def _shared(at: Desk, done: str, wrong: str) -> Mapping[str, Any]:
    return {
        "asked": Asked(),
        "done": _(DONE[done]) if done in DONE else "",
        "wrong": wrong,
        "roles": {role: _(text) for role, text in ROLES.items()},
        "may": {role: _(text) for role, text in MAY.items()},
        "zone": at.accounts.app.settings.zone,
    }
