"""Reviews of apps from Apple's public customer-review feed, country by country.

The feed holds the newest 500 reviews a country (10 pages of 50), needs no key, and says neither
the language nor when a review was first written: ``updated`` moves when its author edits it.
https://itunes.apple.com/{country}/rss/customerreviews/page={n}/id={app}/sortby=mostrecent/json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from listening.errors import ConfigError, InvalidItem
from listening.records import Item, Kind, Page, Rating, Rejected, Scale, Window

if TYPE_CHECKING:
    from listening.http import Http

_PAGES = 10
# A review may show up days after its own time, when Apple has approved it.
_OVERLAP = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class AppStore:
    """``app`` is the number in the app's address (``id1234567890``); ``countries`` ISO codes."""

    name: ClassVar[str] = "app_store"

    app: str
    countries: tuple[str, ...]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{1,20}", self.app):
            raise ConfigError(
                f"app_store: app = {self.app!r} must be the number in the app's App Store address, "
                'e.g. "1234567890" of https://apps.apple.com/lv/app/name/id1234567890'
            )
        if not self.countries:
            raise ConfigError('app_store: countries is empty; name some, e.g. ["ge", "lv", "lt"]')
        for country in self.countries:
            if not re.fullmatch(r"[A-Za-z]{2}", country):
                raise ConfigError(
                    f"app_store: countries holds {country!r}; use two-letter codes, e.g. "
                    '"ge", "lv", "lt"'
                )

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        """Yield newest first within a country; its cursor advances with its last page.

        The cursor is JSON: the newest ``updated`` seen by country. Every fetch reads the three
        days before it again. Raises ConfigError for an unknown app or a broken cursor.
        """
        known = _read_cursor(cursor)
        for country in dict.fromkeys(c.upper() for c in self.countries):
            floor = known[country] - _OVERLAP if country in known else None
            moments = []
            for page in self._walk(country, floor, http):
                moments += [item.created_at for item in page.items]
                items = tuple(item for item in page.items if item.created_at in window)
                yield replace(page, items=items, cursor=_write_cursor(known))
            if moments:
                # A review dated into the future must not hide those that come until then.
                known[country] = min(max(moments), http.now())
                yield Page(items=(), cursor=_write_cursor(known))

    def _walk(self, country: str, floor: datetime | None, http: Http) -> Iterator[Page]:
        seen: set[str] = set()
        for number in range(1, _PAGES + 1):
            url = (
                f"https://itunes.apple.com/{country.lower()}/rss/customerreviews/page={number}"
                f"/id={self.app}/sortby=mostrecent/json"
            )
            entries = _entries(http.json(url))
            if not entries:
                return
            items, rejected = self._read(entries, country, url)
            fresh = [i for i in items if i.native_id not in seen and not _older(i, floor)]
            seen.update(i.native_id for i in items)
            yield Page(items=tuple(fresh), rejected=rejected, cursor=None)
            if any(_older(item, floor) for item in items):
                return

    def _read(
        self, entries: list[Any], country: str, url: str
    ) -> tuple[list[Item], tuple[Rejected, ...]]:
        items, rejected = [], []
        for entry in entries:
            try:
                items.append(_item(entry, country))
            except InvalidItem as error:
                raw = json.dumps(entry, ensure_ascii=False)
                rejected.append(
                    Rejected(
                        stream=self.name,
                        origin=url,
                        reason=error.reason,
                        raw=raw,
                        column=error.column,
                    )
                )
        return items, tuple(rejected)


def _older(item: Item, floor: datetime | None) -> bool:
    return floor is not None and item.created_at < floor


def _entries(answer: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """List the reviews: ``entry`` is a list, one object, or missing, and may begin with the app."""
    feed = answer.get("feed") if isinstance(answer, dict) else None
    entry = feed.get("entry") if isinstance(feed, dict) else None
    entries = entry if isinstance(entry, list) else [entry] if entry else []
    return [e for e in entries if not (isinstance(e, dict) and "im:name" in e)]


def _label(entry: Any, *path: str) -> str | None:  # noqa: ANN401 - JSON
    for key in (*path, "label"):
        entry = entry.get(key) if isinstance(entry, dict) else None
    return entry.strip() or None if isinstance(entry, str) else None


def _item(entry: Any, country: str) -> Item:  # noqa: ANN401 - JSON
    native_id = _label(entry, "id")
    if native_id is None:
        raise InvalidItem("the review has no id", column="id")
    moment = _moment(_label(entry, "updated"))
    lines = [_label(entry, "title"), _label(entry, "content")]
    return Item(
        native_id=native_id,
        text="\n".join(line for line in lines if line),
        created_at=moment,
        updated_at=moment,
        kind=Kind.REVIEW,
        ratings=(Rating(Scale.STARS, _stars(_label(entry, "im:rating"))),),
        url=_link(entry),
        author=_label(entry, "author", "name"),
        engagement=_count(_label(entry, "im:voteCount") or _label(entry, "im:voteSum")),
        country=country,
    )


def _moment(value: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidItem(f"updated is {value!r}, no ISO 8601 time with a zone", column="updated")
    return moment


def _stars(value: str | None) -> int:
    if value not in {"1", "2", "3", "4", "5"}:
        raise InvalidItem(f"im:rating is {value!r}, not 1 to 5", column="im:rating")
    return int(value)


def _count(value: str | None) -> int | None:
    return int(value) if value and re.fullmatch(r"-?[0-9]{1,9}", value) else None


def _link(entry: Any) -> str | None:  # noqa: ANN401 - JSON
    link = entry.get("link")
    link = link[0] if isinstance(link, list) and link else link
    attributes = link.get("attributes") if isinstance(link, dict) else None
    href = attributes.get("href") if isinstance(attributes, dict) else None
    return href if isinstance(href, str) and href.startswith("https://") else None


def _read_cursor(cursor: str | None) -> dict[str, datetime]:
    try:
        return {c: datetime.fromisoformat(m) for c, m in json.loads(cursor or "{}").items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"app_store: the saved cursor {cursor!r} is not one of this source; reset it"
        ) from error


def _write_cursor(known: dict[str, datetime]) -> str:
    return json.dumps({c: m.isoformat() for c, m in known.items()})
