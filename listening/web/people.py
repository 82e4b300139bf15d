"""Who asks: the person of a request, and what their role lets them do."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends
from starlette.exceptions import HTTPException


class Role(StrEnum):
    """A viewer reads, an analyst changes what is shared, an admin also says who may."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    role: Role


ANYONE = Person("you", Role.ADMIN)  # on this machine, while there are no accounts
_person: ContextVar[Person | None] = ContextVar("person", default=None)


def current() -> Person | None:
    """The person of this request; None before a login."""
    return _person.get()


def enter(person: Person | None) -> None:
    """Say who the rest of this request is for; the guard does."""
    _person.set(person)


async def visitor() -> Person:
    """The person of this request; without one there is none to answer, so 401."""
    person = current()
    if person is None:
        raise HTTPException(401, "log in first")
    return person


Visitor = Annotated[Person, Depends(visitor)]


@dataclass(frozen=True, slots=True)
class Needs:
    """The dependency that ``needs`` declares; kept as a value so that a test can read it."""

    role: Role

    async def __call__(self, person: Visitor) -> Person:
        if not person.role.covers(self.role):
            raise HTTPException(
                403,
                f"{person.name} is {person.role}, and this needs {self.role}; ask an admin for it",
            )
        return person


def needs(role: Role) -> Any:  # noqa: ANN401 - as FastAPI's Depends
    """``dependencies=[needs(Role.ANALYST)]`` of a route: 403 for any who is less."""
    return Depends(Needs(role))


def inside(path: str | None, otherwise: str = "/") -> str:
    """The path where it stays on this site, else ``otherwise``: where to go back to.

    A browser reads a backslash as a slash and skips line breaks, so that either may lead away
    where the text does not look it.
    """
    stays = (
        path is not None
        and path.startswith("/")
        and not path.startswith("//")
        and path.isprintable()
        and not {"\\", " "} & set(path)
    )
    return path if stays and path is not None else otherwise
