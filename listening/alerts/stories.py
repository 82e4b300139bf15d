"""One story in many copies: which texts say again what another has said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from listening.protocols import Store
from listening.records import Feedback, Filter, Hit

MOST = 1_000  # texts looked at
PAGE = 200
_REPEATED = re.compile(r"^\s*(?:rt|via|mt)\s+@\w+\s*:?\s*")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_SHORT = 20  # letters and digits: different people say so little in the same words
_LONG = 60  # by so many a story is known, also where a copy is cut short


def story(one: Feedback) -> str:
    """The same for a text and its copies: shared posts, and what is pasted with other links.

    Few words are a story of their author's; a bare link is one of its page's.
    """
    text = _REPEATED.sub("", one.text.casefold())
    said = "".join(re.findall(r"\w+", _LINK.sub(" ", text)))
    if len(said) >= _SHORT:
        return said[:_LONG]
    link = _LINK.search(text)
    if link and not said:
        return link.group()
    return f"{one.author or one.id} {said}"


def newest(store: Store, where: Filter, most: int = MOST) -> list[Hit]:
    found: list[Hit] = []
    cursor = None
    while True:
        page = store.search(where, limit=PAGE, cursor=cursor)
        found += page.hits
        cursor = page.cursor
        if cursor is None or len(found) >= most:
            return found[:most]


def copies(hits: Sequence[Hit]) -> list[Hit]:
    """Those of ``hits``, newest first, that repeat an earlier one."""
    seen: set[str] = set()
    found = []
    for hit in reversed(hits):
        one = story(hit.feedback)
        if one in seen:
            found.append(hit)
        seen.add(one)
    return found


def distinct(hits: Sequence[Hit], most: int) -> list[Hit]:
    """The first ``most`` that are no copies of each other."""
    by_story: dict[str, Hit] = {}
    for hit in hits:
        by_story.setdefault(story(hit.feedback), hit)
    return list(islice(by_story.values(), most))
