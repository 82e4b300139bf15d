"""The local matcher: what a query tree means, on one text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from listening.records import Span
from listening.tree import Field

Holds = Callable[[Field], bool]


class Match(NamedTuple):
    """Whether a query holds, and the characters that made it so, sorted and merged."""

    matches: bool
    spans: tuple[Span, ...] = ()
