"""Mentions from any RSS or Atom feed: news searches, blogs, forums."""

from __future__ import annotations

import calendar
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, ClassVar

from listening.errors import ConfigError, InvalidItem, TransientError
from listening.records import Item, Kind, Page, Rejected, Window
from listening.sources import local

if TYPE_CHECKING:
    import httpx

    from listening.http import Http

_NOT_MODIFIED = 304
_LONGEST_RAW = 2_000
_ENDLESS = re.compile(rb"(?<![\w.+-])[\w.+-]{1000,}+")
_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*(["'])(.*?)\2""")
_REFERENCE = re.compile(rb"&#(?:x([0-9a-f]+)|([0-9]+));?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Rss:
    """``url`` is the feed's http(s) address; ``kind`` what its entries are.

    With a ``query`` (see ``listening.query``) only entries that it holds for are taken.
    """

    name: ClassVar[str] = "rss"

    url: str
    query: str | None = None
    kind: Kind = Kind.MENTION

    def __post_init__(self) -> None:
        import httpx  # noqa: PLC0415 - heavy, and files need none

        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ConfigError(f"rss: url {self.url!r} is not an address: {error}") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigError("rss: url must begin with https:// or http:// and name a host")
        if self.query is not None:
            local.read(self.query, "rss")

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        """Yield the feed as one page, or nothing when it has not changed since ``cursor``.

        Raises ConfigError when the address holds no feed.
        """
        response = http.get(self.url, headers=_conditions(cursor))
        if response.status_code == _NOT_MODIFIED:
            return
        feed = self._parse(response)
        if not feed.get("version") and not feed.entries:
            self._refuse(known=cursor is not None)
        items, rejected = [], list(self._broken(feed, response))
        for entry in feed.entries:
            try:
                item = self._item(entry, feed.feed)
            except InvalidItem as error:
                rejected.append(self._set_aside(error.reason, _raw(entry), error.column))
            else:
                items.append(item)
        items = [item for item in filter(self._keeps, items) if item.created_at in window]
        yield Page(
            items=(*items, *_deleted(response.text)),
            rejected=tuple(rejected),
            cursor=_cursor(response),
        )

    @cached_property
    def _keeps(self) -> Callable[[Item], bool]:
        if self.query is None:
            return lambda _: True
        return local.keeps(local.read(self.query, "rss"))

    def _parse(self, response: httpx.Response) -> Any:  # noqa: ANN401 - feedparser
        import feedparser  # noqa: PLC0415 - loads only when a feed is read

        headers = {
            "content-type": response.headers.get("content-type", "application/xml"),
            # Our own address, not where a redirect ended: ids made of relative links stay the same.
            "content-location": self.url,
        }
        try:
            return feedparser.parse(_harmless(response.content), response_headers=headers)
        except Exception as error:
            raise TransientError(f"rss: the feed at {self.url} cannot be read: {error}") from error

    def _refuse(self, *, known: bool) -> None:
        if known:
            raise TransientError(f"rss: {self.url} held a feed before, but not now")
        raise ConfigError(
            f"rss: {self.url} is not a feed but something else, perhaps the site's own page; "
            "look there for the address of its RSS or Atom feed"
        )

    def _broken(self, feed: Any, response: httpx.Response) -> Iterator[Rejected]:  # noqa: ANN401 - feedparser
        import feedparser  # noqa: PLC0415 - loads only when a feed is read

        error = feed.get("bozo_exception")
        if not feed.bozo or isinstance(
            error, (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
        ):
            return
        line = error.getLineNumber() if hasattr(error, "getLineNumber") else None
        lines = response.text.splitlines()
        raw = lines[line - 1] if line and line <= len(lines) else response.text
        yield self._set_aside(f"the feed is not well-formed: {error}", raw, None, line)

    def _set_aside(
        self, reason: str, raw: str, column: str | None, line: int | None = None
    ) -> Rejected:
        return Rejected(
            stream=self.name,
            origin=self.url,
            reason=reason,
            raw=raw[:_LONGEST_RAW],
            column=column,
            line=line,
        )

    def _item(self, entry: Any, feed: Any) -> Item:  # noqa: ANN401 - feedparser
        text = _text(entry)
        if not text:
            raise InvalidItem("the entry has neither a title nor a text")
        created = _moment(entry, "published", "updated", "created") or _moment(
            feed, "published", "updated"
        )
        if created is None:
            raise InvalidItem("neither the entry nor the feed has a date", column="published")
        link = entry.get("link")
        return Item(
            native_id=_whole(entry.get("id") or link or "")
            or hashlib.sha256(text.encode()).hexdigest(),
            text=text,
            created_at=created,
            updated_at=_moment(entry, "updated"),
            kind=self.kind,
            language=_language(entry, feed),
            url=_whole(link) if link and link.startswith(("http://", "https://")) else None,
            author=_whole(entry.get("author", "")) or None,
        )


def _harmless(content: bytes) -> bytes:
    """Take out what feedparser stumbles over.

    It fails at references to characters that do not exist, and looks for mail addresses in
    authors' names in time quadratic in the longest run of letters.
    """
    return _ENDLESS.sub(lambda run: run[0][:1000], _REFERENCE.sub(_reference, content))


def _reference(found: re.Match[bytes]) -> bytes:
    number = int(found[1][:9], 16) if found[1] else int(found[2][:9])
    exists = 0 < number < 0xD800 or 0xE000 <= number <= sys.maxunicode  # noqa: PLR2004 - surrogates
    return found[0] if exists else b"?"


def _raw(entry: Any) -> str:  # noqa: ANN401 - feedparser
    return _whole(json.dumps(entry, ensure_ascii=False, default=str))


def _whole(text: str) -> str:
    """Replace what XML must not hold but feeds do: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def _deleted(text: str) -> Iterator[Item]:
    """Yield the tombstones of an Atom feed (RFC 6721), which feedparser passes over."""
    for tag in re.findall(r"<(?:\w+:)?deleted-entry\s([^>]*)>", text):
        said = {name: unescape(value) for name, _, value in _ATTRIBUTE.findall(tag)}
        with suppress(KeyError, ValueError):
            when = datetime.fromisoformat(said["when"])
            yield Item(
                native_id=said["ref"], text="", created_at=when, updated_at=when, deleted=True
            )


def _text(entry: Any) -> str:  # noqa: ANN401 - feedparser
    """Join title and body, the fuller of content and summary, unless one repeats the other."""
    title = plain(entry.get("title", ""))
    bodies = [entry.get("summary", ""), *(c.get("value", "") for c in entry.get("content", ()))]
    body = max(map(plain, bodies), key=len)
    if body.startswith(title):
        return body
    return title if not body or title.startswith(body) else f"{title}\n{body}"


def _moment(entry: Any, *names: str) -> datetime | None:  # noqa: ANN401 - feedparser
    for name in names:
        # ``get`` would take one date for another.
        if f"{name}_parsed" in entry:
            with suppress(TypeError, ValueError, OverflowError):
                return datetime.fromtimestamp(calendar.timegm(entry[f"{name}_parsed"]), UTC)
    return None


def _language(entry: Any, feed: Any) -> str | None:  # noqa: ANN401 - feedparser
    said = entry.get("title_detail", {}).get("language") or feed.get("language")
    return said.replace("_", "-") if said else None


def _conditions(cursor: str | None) -> dict[str, str]:
    try:
        saved = json.loads(cursor or "{}")
        return {str(name): str(value) for name, value in saved.items()}
    except (ValueError, AttributeError) as error:
        raise ConfigError(
            f"rss: the saved cursor {cursor!r} is not one of this source; reset it"
        ) from error


def _cursor(response: httpx.Response) -> str:
    pairs = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
    found = {ask: response.headers[said] for ask, said in pairs.items() if said in response.headers}
    return json.dumps(found)


class _Plain(HTMLParser):
    """Collects what a reader sees."""

    blocks = frozenset(
        {"blockquote", "br", "div", "h1", "h2", "h3", "h4", "li", "ol", "p", "td", "tr", "ul"}
    )
    hidden = frozenset({"script", "style", "template"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
        self.depth += tag in self.hidden
        if tag in self.blocks:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in self.hidden and self.depth > 0
        if tag in self.blocks:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.parts.append(data)


def plain(html: str) -> str:
    """Strip markup and runs of white space; paragraphs stay lines."""
    parser = _Plain()
    parser.feed(_whole(html))
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
