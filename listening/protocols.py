"""The three seams. Everything else is a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from listening.records import (
    WHOLE,
    Bucket,
    Dimension,
    Feedback,
    Filter,
    Hits,
    Note,
    Order,
    Page,
    Part,
    Rejected,
    Sentiment,
    TermCounts,
    Window,
    Written,
)

if TYPE_CHECKING:
    from listening.http import Http  # httpx takes a quarter of the start-up, and files need none

Progress = Callable[[int], None]  # called with how many more are done


class Source(Protocol):
    """A frozen dataclass: its fields are its options, and building it does no I/O.

    ``fetch`` yields pages in an order in which each page's cursor may be saved once that page is
    stored: pulling again from it loses nothing and may repeat items. Items outside ``window`` may
    be left out. Raises ConfigError when a person must act, TransientError when later may do.
    """

    name: ClassVar[str]

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]: ...


class Scorer(Protocol):
    """``score`` gives one Sentiment a text, in order; equal texts get equal ones."""

    @property
    def model(self) -> str: ...

    def score(self, texts: Sequence[str]) -> list[Sentiment]: ...


class Store(Protocol):
    """Where feedback lives. Every write done twice is the same as done once.

    ``put`` takes a write whose version is >= the stored one; a changed text loses its score; an
    erased id stays erased; what the store cannot hold is refused, and the rest written.
    ``unscored`` yields (id, text) lacking a score by ``model``, newest first, safe while others
    annotate, of one ``part``; ``annotate`` ignores an id whose text (by exact equality) is no
    longer the one that was scored, and a text that a PERSON has labelled, which is not unscored
    either, until the text changes. ``search`` gives at most 200 at once; a cursor is good for the
    order that it came from. ``brief``: without highlights, and the total is that of the page.
    ``aggregate`` gives a Bucket for every combination of the dimensions that occurs, sorted by
    key, at most 10,000; ``zone`` (IANA) says where a day begins. ``terms`` looks at the newest
    5,000 texts of each filter, and gives the most telling terms first, in their commonest form.
    ``erase`` leaves a tombstone without text, also for an id that is unknown, and returns how many
    were there; its note of kind DESK goes as well. It may take seconds, so erase many at once.

    Raises ConfigError for a broken cursor, too large a page or count, an unknown zone, a query
    that takes too long, a full disk; TransientError while others keep the store busy.
    """

    def put(self, feedback: Sequence[Feedback]) -> Written: ...

    def unscored(
        self, model: str, *, limit: int | None = None, part: Part = WHOLE
    ) -> Iterator[tuple[str, str]]: ...

    def annotate(self, scored: Sequence[tuple[str, str, Sentiment | None]]) -> int:
        """Save (id, the text that was scored, its sentiment); returns how many were taken.

        None has the text wait to be scored, also where a PERSON had labelled it.
        """
        ...

    def search(
        self,
        where: Filter,
        *,
        limit: int = 20,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
        brief: bool = False,
    ) -> Hits: ...

    def aggregate(
        self, where: Filter, *, by: Sequence[Dimension], zone: str = "UTC"
    ) -> list[Bucket]: ...

    def terms(self, where: Filter, *, background: Filter, limit: int = 200) -> TermCounts: ...

    def terms_of(
        self,
        pairs: Sequence[tuple[Filter, Filter]],
        *,
        limit: int = 200,
        most: int = 5_000,
        least: int = 1,
    ) -> list[TermCounts]:
        """The terms of many filters, each against its background, in one go.

        At most the newest ``most`` texts of each filter and background are looked at, and terms
        in fewer than ``least`` of the filter's are left out.
        """
        ...

    def erase(self, ids: Sequence[str]) -> int: ...

    def expire(self, before: datetime) -> int:
        """Remove the feedback of all calendar months (UTC) that ended by ``before``.

        It leaves no tombstones: what is written again comes back. Returns how many went.
        """
        ...

    def check(self) -> tuple[str, ...]:
        """What is not as it should be, a sentence each with the next step; takes a while."""
        ...

    def cursor(self, stream: str) -> str | None: ...

    def set_cursor(self, stream: str, cursor: str | None) -> None: ...

    def set_aside(self, rejected: Sequence[Rejected]) -> int:
        """Quarantine; the same input twice is kept once. Returns how many were new."""
        ...

    def quarantine(self) -> Mapping[str, Rejected]:
        """Everything set aside, by its id, oldest first."""
        ...

    def release(self, ids: Sequence[str]) -> None:
        """Take these out of the quarantine."""
        ...

    def notes(self, kind: str) -> Mapping[str, Note]:
        """All notes of a kind, by key: what was saved by anybody before this call."""
        ...

    def save_note(self, kind: str, key: str, value: str, *, revision: int) -> bool:
        """Write one note, whole or not at all, unless somebody else did since it was read.

        ``revision`` is that of the note as it was read, 0 where there was none. False: somebody
        was first, and nothing is written; read it again. A note is never taken away but with
        erased feedback; make its value empty.
        """
        ...
