"""Accounts: who may see the pages, with their sessions and tokens, each one note of the store.

Sessions and tokens lie in the account's own note, so what ends with it ends in the same write.
Of their secrets only hashes are kept; 256 random bits need no slow hash.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from threading import Lock

from pydantic import TypeAdapter

from listening.app import App
from listening.errors import ConfigError, TransientError
from listening.protocols import Store
from listening.records import Note
from listening.web import kept, passwords
from listening.web.people import ANYONE, Person, Role

KIND = "account"
IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
MOST_DAYS = 366  # of a token
PREFIX = "lst_"
_TOUCHED = timedelta(minutes=5)  # how exactly it is known when a session was last used
_FRESH = timedelta(seconds=1)  # how soon a change by another process is seen
_MOST_SESSIONS, _MOST_TOKENS = 20, 50
_NAME = re.compile(r"[\w.@+-]{1,64}")

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    digest: str
    began: datetime
    seen: datetime

    def holds(self, moment: datetime) -> bool:
        return moment < min(self.seen + IDLE, self.began + LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """``id`` names it in lists; it tells nothing of the secret."""

    id: str
    label: str
    role: Role
    digest: str
    made: datetime
    ends: datetime

    def holds(self, moment: datetime) -> bool:
        return moment < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    name: str
    role: Role
    password: str
    made: datetime
    sessions: tuple[Session, ...] = ()
    tokens: tuple[Token, ...] = ()

    def as_json(self) -> dict[str, str | int]:
        made = self.made.isoformat()
        return {"name": self.name, "role": self.role, "made": made, "tokens": len(self.tokens)}


class Accounts:
    """All accounts of a store. Names differ by more than case."""

    def __init__(self, app: App, clock: Clock = now) -> None:
        self.app = app
        self.clock = clock
        self._read_at: datetime | None = None
        self._read: dict[str, Account] = {}
        self._lock = Lock()

    @property
    def store(self) -> Store | None:
        """None while there is none: then nobody has an account."""
        there = "store" in vars(self.app) or self.app.creates or self.app.has_store
        return self.app.store if there else None

    def everyone(self) -> Mapping[str, Account]:
        """By their keys; as they were a second ago, or at the last change made here."""
        with self._lock:
            moment = self.clock()
            if self._read_at is None or not timedelta(0) <= moment - self._read_at < _FRESH:
                notes = self.store.notes(KIND) if self.store is not None else {}
                self._read = {key: _decoded(note) for key, note in notes.items() if note.value}
                self._read_at = moment
            return self._read

    def get(self, name: str) -> Account:
        """Raises ConfigError where there is no such account."""
        found = self.everyone().get(key_of(name))
        if found is None:
            raise ConfigError(f"there is no account {name!r}; see: listening users list")
        return found

    # Changes of people

    def add(self, name: str, role: Role, password: str) -> None:
        """Raises ConfigError for a name or password that cannot be, or that is taken."""
        name = unicodedata.normalize("NFC", name)
        if not _NAME.fullmatch(name) or key_of(name) == ANYONE.name:
            raise ConfigError(
                f"{name!r} cannot be a name: take 1 to 64 letters, digits and any of . _ - + @, "
                f"but not {ANYONE.name}"
            )
        if not self.everyone() and role is not Role.ADMIN:
            raise ConfigError("the first account must be an admin, who can add the others")
        made = Account(
            name=name,
            role=role,
            password=passwords.kept(password),
            made=self.clock(),
        )

        def added(before: Account | None) -> Account:
            if before is not None:
                raise ConfigError(f"there is an account {before.name} already; take another name")
            return made

        self._change(name, added)

    def set_role(self, name: str, role: Role) -> None:
        """It ends the sessions; tokens never do more than their account may."""
        if role is not Role.ADMIN:
            self._spare_last_admin(name)
        self._change(name, lambda found: replace(_there(found, name), role=role, sessions=()))

    def set_password(self, name: str, password: str) -> None:
        """It ends the sessions, and leaves the tokens."""
        made = passwords.kept(password)
        self._change(name, lambda found: replace(_there(found, name), password=made, sessions=()))

    def remove(self, name: str) -> None:
        """With its sessions and tokens. The last admin can only be the last of all to go."""
        if len(self.everyone()) > 1:
            self._spare_last_admin(name)

        def removed(found: Account | None) -> None:
            _there(found, name)

        self._change(name, removed)

    def _spare_last_admin(self, name: str) -> None:
        others = [a for key, a in self.everyone().items() if key != key_of(name)]
        if not any(account.role is Role.ADMIN for account in others):
            raise ConfigError(f"{name} is the last admin; make somebody else one first")

    # Sessions

    def log_in(self, name: str, password: str) -> str | None:
        """The secret of a new session; None when name or password is wrong."""
        self._forget()
        account = self.everyone().get(key_of(name))
        if not passwords.matches(account.password if account else None, password):
            return None
        assert account is not None  # noqa: S101 - else nothing matches
        stored = account.password
        again = passwords.kept(password) if passwords.outdated(stored) else stored
        secret, moment = secrets.token_urlsafe(32), self.clock()
        begun = Session(digest=digest(secret), began=moment, seen=moment)

        def entered(found: Account | None) -> Account | None:
            if found is None or found.password != stored:  # changed while we were checking
                return found
            held = [one for one in found.sessions if one.holds(moment)]
            return replace(found, password=again, sessions=(*held, begun)[-_MOST_SESSIONS:])

        self._change(name, entered)
        return secret if self.in_session(secret) else None

    def log_out(self, secret: str) -> None:
        """End a session, if there is one of that secret."""
        ended = digest(secret)

        def left(found: Account | None) -> Account | None:
            return found and replace(
                found, sessions=tuple(one for one in found.sessions if one.digest != ended)
            )

        for account in list(self.everyone().values()):
            if any(one.digest == ended for one in account.sessions):
                self._change(account.name, left)

    def in_session(self, secret: str) -> Person | None:
        """Whose session it is, if it has not ended."""
        wanted, moment = digest(secret), self.clock()
        for account in self.everyone().values():
            for session in account.sessions:
                if session.digest == wanted and session.holds(moment):
                    if moment - session.seen >= _TOUCHED:
                        self._touch(account.name, wanted, moment)
                    return Person(account.name, account.role)
        return None

    def _touch(self, name: str, wanted: str, moment: datetime) -> None:
        def touched(found: Account | None) -> Account | None:
            return found and replace(
                found,
                sessions=tuple(
                    replace(one, seen=moment) if one.digest == wanted else one
                    for one in found.sessions
                ),
            )

        try:
            self._change(name, touched)
        except (ConfigError, TransientError):
            return  # a store that cannot be written can still be read

    # Tokens

    def make_token(self, name: str, label: str, role: Role, days: int) -> tuple[str, Token]:
        """Its secret, which is never shown again, and what is kept of it."""
        account = self.get(name)
        if not account.role.covers(role):
            raise ConfigError(f"{account.name} is {account.role}; a token cannot be {role}")
        if not 1 <= days <= MOST_DAYS:
            raise ConfigError(f"a token lasts 1 to {MOST_DAYS} days, not {days}")
        if not 1 <= len(label.strip()) <= 100 or not label.isprintable():  # noqa: PLR2004 - said below
            raise ConfigError("a token's label is 1 to 100 characters that can be printed")
        secret, moment = PREFIX + secrets.token_urlsafe(32), self.clock()
        made = Token(
            id=secrets.token_hex(4),
            label=label.strip(),
            role=role,
            digest=digest(secret),
            made=moment,
            ends=moment + timedelta(days=days),
        )

        def more(found: Account | None) -> Account:
            found = _there(found, name)
            held = tuple(one for one in found.tokens if one.holds(moment))
            if len(held) >= _MOST_TOKENS:
                raise ConfigError(f"{found.name} has {_MOST_TOKENS} tokens; revoke one first")
            return replace(found, tokens=(*held, made))

        self._change(name, more)
        return secret, made

    def revoke(self, name: str, id_: str) -> Token:
        """Raises ConfigError where the account has no such token."""
        gone = next((one for one in self.get(name).tokens if one.id == id_), None)
        if gone is None:
            raise ConfigError(f"{name} has no token {id_!r}; see: listening tokens list")

        def fewer(found: Account | None) -> Account:
            found = _there(found, name)
            return replace(found, tokens=tuple(one for one in found.tokens if one.id != id_))

        self._change(name, fewer)
        return gone

    def of_token(self, secret: str) -> Person | None:
        """Whose token it is, with the lesser of both roles."""
        wanted, moment = digest(secret), self.clock()
        for account in self.everyone().values():
            for token in account.tokens:
                if token.digest == wanted and token.holds(moment):
                    covered = account.role.covers(token.role)
                    return Person(account.name, token.role if covered else account.role)
        return None

    def _change(self, name: str, made: Callable[[Account | None], Account | None]) -> None:
        if self.store is None:
            raise ConfigError(f"there is no store {self.app.place}; fill one: listening ingest")

        def changed(value: str) -> str:
            after = made(_decoded(Note(value, 0)) if value else None)
            return _account().dump_json(after).decode() if after else ""

        try:
            kept.change(self.store, KIND, key_of(name), changed)
        finally:
            self._forget()

    def _forget(self) -> None:
        with self._lock:
            self._read_at = None


def key_of(name: str) -> str:
    """What two names have in common that would be taken for each other by their case or width."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _there(found: Account | None, name: str) -> Account:
    if found is None:
        raise ConfigError(f"there is no account {name!r}; see: listening users list")
    return found


def _decoded(note: Note) -> Account:
    try:
        return _account().validate_json(note.value)
    except ValueError as error:
        raise ConfigError(
            "an account in the store cannot be read; was it written by a later version? "
            "Then use that one"
        ) from error


@cache
def _account() -> TypeAdapter[Account]:
    return TypeAdapter(Account)
