"""The language of a request: which it is, and what is said in it.

English text is the key of every message; ``locale/`` has the catalogs. Messages are filled in by
name, ``_("%(n)s of %(all)s", n=…, all=…)``, and ``%%`` in them is a per cent sign, as it is in
``{% trans %}``. Numbers among the values are written as the language writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CATALOGS = Path(__file__).with_suffix("")
LANGUAGES = {"en": "English", "ka": "ქართული", "lv": "Latviešu", "lt": "Lietuvių"}
ENGLISH = "en"
SWITCH = "ui"  # the parameter of an address that changes the language
COOKIE = "listening-language"
_YEAR = 365 * 24 * 3600
_BRITISH = "en_001"  # 14 Sept 2026, unlike the American order of plain English
_FILLED = re.compile(r"%(?:%|\((\w+)\)s)")  # a lone per cent sign stays what it is
_LONGEST = 500  # letters of a header that are read
_SAFE = {"GET", "HEAD"}
_UNREAD = ("/api/", "/static/")  # programs get English


@dataclass(frozen=True, slots=True)
class Interface:
    """The language of a request, and the address that it came to."""

    tag: str = ENGLISH
    path: str = "/"
    query: str = ""

    @property
    def locale(self) -> Locale:
        return _locale(self.tag)

    @property
    def name(self) -> str:
        return LANGUAGES[self.tag]

    @property
    def others(self) -> Iterator[tuple[str, str, str]]:
        """Tag, own name and address of this page in each other language."""
        kept = [pair for pair in _pairs(self.query) if pair[0] != SWITCH]
        for tag, name in LANGUAGES.items():
            if tag != self.tag:
                yield tag, name, f"{self.path}?{urlencode([*kept, (SWITCH, tag)])}"


_NOWHERE = Interface()
_current: ContextVar[Interface] = ContextVar("interface", default=_NOWHERE)


def current() -> Interface:
    """English where there is no request."""
    return _current.get()


@contextmanager
def speaking(tag: str) -> Iterator[None]:
    """What is said inside is said in this language, as for a mail that no request asked for."""
    before = _current.set(Interface(tag if tag in LANGUAGES else ENGLISH))
    try:
        yield
    finally:
        _current.reset(before)


def gettext(message: str, /, **values: Any) -> str:  # noqa: ANN401 - whatever a message is filled with
    """The message in the language of the request, filled in."""
    return _filled(_catalog(current().tag).gettext(message), values)


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:  # noqa: ANN401 - likewise
    """The form that goes with ``num``, which ``%(num)s`` writes."""
    return _filled(_catalog(current().tag).ngettext(one, many, num), {"num": num, **values})


_ = gettext


def N_(message: str) -> str:  # noqa: N802 - the name that gettext gives to it
    """Marks a message that is said later, by ``_``."""
    return message


def in_html(say: Callable[..., str]) -> Callable[..., Markup]:
    """For templates: messages are ours and may have tags, what they are filled with is escaped."""

    def said(*message: Any, **values: Any) -> Markup:  # noqa: ANN401 - as ``say`` takes
        return Markup(say(*message, **{name: _escaped(one) for name, one in values.items()}))  # noqa: S704 - escaped here

    return said


def _escaped(value: object) -> object:
    return Markup.escape(value) if isinstance(value, str) else value


def number(value: float, decimals: int = 0) -> str:
    """1,234.5 in English, 1 234,5 in the others."""
    pattern = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    return format_decimal(round(value, decimals), pattern, locale=current().locale)


def _filled(message: str, values: Mapping[str, Any]) -> str:
    def written(found: re.Match[str]) -> str:
        if found[1] is None:
            return "%"
        value = values[found[1]]
        return number(value) if isinstance(value, int) else str(value)

    return _FILLED.sub(written, message)


@cache
def _locale(tag: str) -> Locale:
    return Locale.parse(_BRITISH if tag == ENGLISH else tag)


@cache
def _catalog(tag: str) -> NullTranslations:
    """Read from its source, so that there is nothing to compile; it takes some milliseconds."""
    if tag == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGS / tag / "LC_MESSAGES" / "messages.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=tag))
    compiled.seek(0)
    return Translations(compiled)


class Speaking:
    """Chooses the language of each page: asked for, chosen before, the browser's, English."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNREAD):
            await self.app(scope, receive, send)
            return
        asked = Request(scope)
        wanted = asked.query_params.get(SWITCH, "")
        if wanted in LANGUAGES and scope["method"] in _SAFE:
            await _chosen(asked, wanted)(scope, receive, send)
            return
        path = _path(asked) if scope["method"] in _SAFE else "/"
        _current.set(Interface(_tag(asked), path, asked.url.query))
        await self.app(scope, receive, send)


def _chosen(asked: Request, tag: str) -> RedirectResponse:
    """Back to the same address, which from now on is in that language."""
    kept = urlencode([pair for pair in _pairs(asked.url.query) if pair[0] != SWITCH])
    path = _path(asked)
    found = RedirectResponse(f"{path}?{kept}" if kept else path, 303)
    safe = asked.url.scheme == "https"
    found.set_cookie(COOKIE, tag, _YEAR, secure=safe, httponly=True, samesite="lax")
    return found


def _path(asked: Request) -> str:
    """Where it was asked, on this site: a second slash at the beginning would lead to another."""
    return "/" + quote(asked.scope["path"].lstrip("/\\"))


def _pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _tag(asked: Request) -> str:
    kept = asked.cookies.get(COOKIE)
    if kept in LANGUAGES:
        return str(kept)
    preferred = _preferred(asked.headers.get("accept-language", "")[:_LONGEST])
    return negotiate_locale(preferred, LANGUAGES, sep="-") or ENGLISH


def _preferred(header: str) -> list[str]:
    """The tags of an Accept-Language header, most wanted first."""
    weighed = []
    for part in header.split(","):
        tag, _, weight = part.replace(" ", "").partition(";q=")
        try:
            wish = float(weight or 1)
        except ValueError:
            continue
        if tag and wish > 0:
            weighed.append((-wish, tag))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]
