"""Item -> Feedback: the same item always becomes the same record. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from listening import language
from listening.errors import InvalidItem
from listening.records import Feedback, Item, Kind

LONGEST = 100_000  # characters; the longest of any source's texts is a quarter of it
_LONGEST_ID = 200
_SAME = {field.name for field in fields(Item)} & {field.name for field in fields(Feedback)}


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What an item's stream says where the item itself does not.

    ``languages`` are those a brand expects. ``key`` makes authors' pseudonyms: without it nobody
    can tell which handle a pseudonym stands for, nor search by author.
    """

    source: str
    brand: str | None = None
    kind: Kind = Kind.MENTION
    languages: tuple[str, ...] = ()
    key: bytes = b""


def normalise(item: Item, defaults: Defaults) -> Feedback:
    """Raise InvalidItem, naming the column, where an item cannot become a record."""
    brand = item.brand or defaults.brand
    if not brand:
        raise InvalidItem("no brand: name one with --brand, or map a column to it", column="brand")
    source = item.source or defaults.source
    text = readable(item.text)
    if len(text) > LONGEST:
        reason = f"a text of {len(text):,} characters; {LONGEST:,} is the limit"
        raise InvalidItem(reason, column="text")
    if not text and not item.ratings:
        raise InvalidItem("no text and no rating", column="text")
    same = {name: getattr(item, name) for name in _SAME}
    return Feedback(
        **same
        | {
            "id": identifier(brand, source, item.native_id),
            "brand": brand,
            "source": source,
            "kind": item.kind or defaults.kind,
            "text": text,
            "language": detected(text, item.language, defaults.languages),
            "created_at": item.created_at.astimezone(UTC),
            "version": _milliseconds(item.updated_at or item.created_at),
            "author": item.author and pseudonym(item.author, source, defaults.key),
        }
    )


def readable(text: str) -> str:
    """Replace what no store takes: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()


def identifier(brand: str, source: str, native_id: str) -> str:
    """``brand:source:native_id``, with colons inside the first two escaped and a bounded length."""
    if len(native_id) > _LONGEST_ID:
        native_id = hashlib.sha256(native_id.encode()).hexdigest()
    return ":".join((_escape(brand), _escape(source), native_id))


def pseudonym(author: str, source: str, key: bytes) -> str:
    """HMAC-SHA-256 of source and handle: equal within a source, unlinkable across sources."""
    message = f"{source.casefold()}\x00{author.strip().lstrip('@').casefold()}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:24]


def _escape(part: str) -> str:
    return part.replace("%", "%25").replace(":", "%3A")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def detected(text: str, claimed: str | None, expected: tuple[str, ...] = ()) -> str:
    """Ours where we are sure, else what the source claims: platforms guess, and guess badly."""
    claim = claimed.split("-")[0].lower() if claimed else None
    found = language.detect(text, prior=(*expected, claim) if claim else expected)
    return claim if found == language.UNDETERMINED and claim else found
