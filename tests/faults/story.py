"""What the stores go through in the tests of faults: three phases of a small feed's life.

    story = Story(seed=1)
    for phase in PHASES: for step in phase(story): step(store)

Everything that a feed does to a store is in it: edits, late and repeated rows, moves to another
month, withdrawals, broken rows, erasure, a second pull, release from the quarantine.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import ClassVar

from listening.http import Http
from listening.normalise import Defaults, identifier
from listening.pipeline import Ingested, Stream, ingest, retry, score
from listening.protocols import Store
from listening.records import (
    Feedback,
    Filter,
    Item,
    Page,
    Part,
    Rating,
    Rejected,
    Scale,
    Sentiment,
    Window,
)

START = datetime(2026, 8, 1, tzinfo=UTC)
DAYS = 30  # of one month; an edit may move what was said to the next, or back
BRAND, SOURCE, STREAM = "balt", "story", "story"
TEXTS = (
    "The parcel came late again and nobody answered my mail",
    "Sūtījums atnāca ātri, kurjers bija ļoti laipns",
    "კურიერმა შეკვეთა დროზე მოიტანა, მადლობა",
    "Programėlė vis užstringa, kai bandau sumokėti",
)
PARTS = 4
EVER = Window(since=datetime(2000, 1, 1, tzinfo=UTC))

Step = Callable[[Store], object]


@dataclass(frozen=True)
class Pages:
    """A source that has its pages in memory; the cursor is the number of pages done with."""

    name: ClassVar[str] = SOURCE
    pages: tuple[Page, ...]

    def fetch(self, cursor: str | None, *, http: Http, window: Window) -> Iterator[Page]:
        for number, page in enumerate(self.pages[int(cursor or 0) :], int(cursor or 0)):
            yield replace(page, cursor=str(number + 1))


@dataclass(frozen=True)
class Checksum:
    """A scorer whose sentiment tells which text it was given."""

    model: str = "checksum"

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        return [self.of(text) for text in texts]

    def of(self, text: str) -> Sentiment:
        negative = zlib.crc32(text.encode()) % 1024 / 1024
        return Sentiment(negative, 0.0, 1 - negative, self.model)


@dataclass(frozen=True)
class Story:
    """``first`` is what the feed had at the first pull, ``second`` what came to it later."""

    seed: int
    pages: int = 4
    rows: int = 30
    """New ones on each page of ``first``."""

    @cached_property
    def first(self) -> tuple[Page, ...]:
        feed = _Feed(random.Random(self.seed))
        return tuple(feed.page(new=self.rows) for _ in range(self.pages))

    @cached_property
    def second(self) -> tuple[Page, ...]:
        feed = _Feed(random.Random(self.seed))
        for _ in range(self.pages):
            feed.page(new=self.rows)
        return tuple(feed.page(new=5) for _ in range(max(2, self.pages // 3)))

    @cached_property
    def unwanted(self) -> list[str]:
        """Ids to erase: of the feed, and one that nobody knows."""
        rng = random.Random(self.seed)
        numbers = rng.sample(range(self.pages * self.rows), 9)
        return [id_of(str(number)) for number in numbers] + [id_of("nobody")]

    def gone_after(self, phase: str) -> set[str]:
        """Ids withdrawn or erased by then."""
        later = phase == "care"
        pages = (*self.first, *self.second) if later else self.first
        withdrawn = {id_of(item.native_id) for page in pages for item in page.items if item.deleted}
        return withdrawn | set(self.unwanted if later else ())


@dataclass
class _Feed:
    """``known`` is every item in its newest form, by its number."""

    rng: random.Random
    known: list[Item] = field(default_factory=list)
    count: int = 0

    def page(self, *, new: int) -> Page:
        self.count += 1
        old = self.rng.sample(range(len(self.known)), min(len(self.known), 16))
        for number in old[:12]:
            self.known[number] = self._edited(self.known[number], number % 4)
        edited = [self.known[number] for number in old[:12]]
        late = [replace(item, text="an older wording", updated_at=None) for item in edited[:4]]
        again = [self.known[number] for number in old[12:15]]
        gone = [replace(self.known[number], deleted=True) for number in old[15:]]
        fresh = [self._new(len(self.known) + number) for number in range(new)]
        self.known += fresh
        rows = [*fresh, *edited, *late, *again, *self._unfit(fresh[0])]
        self.rng.shuffle(rows)
        raw = f"broken;{self.count}"
        broken = Rejected(stream="", origin="feed", reason="no date", raw=raw, line=self.count)
        return Page(items=(*rows, *gone), cursor=None, rejected=(broken,))

    def _new(self, number: int) -> Item:
        rated = number % 5 == 0
        return Item(
            native_id=str(number),
            text="" if rated else f"{self.rng.choice(TEXTS)} {number}",
            created_at=START + timedelta(seconds=self.rng.randrange(DAYS * 86_400)),
            brand=BRAND,
            ratings=(Rating(Scale.NPS, number % 11),) if rated else (),
            engagement=number,
        )

    def _edited(self, item: Item, how: int) -> Item:
        item = replace(item, updated_at=START + timedelta(days=200, minutes=self.count))
        if how == 0:
            return replace(item, engagement=self.count)
        if how == 1:
            moved = timedelta(days=31 if item.created_at.month == START.month else -31)
            return replace(item, created_at=item.created_at + moved)
        return replace(item, text=f"{self.rng.choice(TEXTS)}, edited {self.count}", segment="new")

    def _unfit(self, item: Item) -> list[Item]:
        """One that a better setting makes fit, and one that nothing does."""
        return [
            replace(item, native_id=f"nameless {self.count}", brand=None),
            replace(item, native_id=f"empty {self.count}", text="", ratings=()),
        ]


def id_of(native_id: str) -> str:
    return identifier(BRAND, SOURCE, native_id)


def ingesting(story: Story) -> Iterator[Step]:
    yield _pull(story.first)


def scoring(story: Story) -> Iterator[Step]:
    """In parts, as a scheduler does it."""
    for number in range(PARTS):
        yield _score(Part(number, PARTS))


def caring(story: Story) -> Iterator[Step]:
    pages = (*story.first, *story.second)
    yield _pull(pages)
    yield lambda store: store.erase(story.unwanted)
    yield _pull(pages, window=EVER)
    yield _release
    yield _score(Part(0, 1))


PHASES: dict[str, Callable[[Story], Iterator[Step]]] = {
    "ingest": ingesting,
    "score": scoring,
    "care": caring,
}


def _pull(pages: tuple[Page, ...], window: Window = Window()) -> Step:  # noqa: B008 - frozen
    def step(store: Store) -> None:
        done = ingest(_stream(pages), store, http=Http(), window=window)
        assert done.rows == _sum(done), done

    return step


def _sum(done: Ingested) -> int:
    return done.stored + done.updated + done.duplicates + done.erased + len(done.quarantined)


def _score(part: Part) -> Step:
    return lambda store: score(store, Checksum(), part=part)


def _release(store: Store) -> None:
    """The brand was missing in the settings; now it is there."""
    retry(store.quarantine(), store, lambda _: _stream((), brand=BRAND))


def _stream(pages: tuple[Page, ...], brand: str | None = None) -> Stream:
    return Stream(name=STREAM, source=Pages(pages), defaults=Defaults(source=SOURCE, brand=brand))


@dataclass(frozen=True)
class State:
    """All that a store holds; two stores that went through the same hold the same."""

    feedback: dict[str, tuple[Feedback, Sentiment | None]]
    quarantine: Counter[tuple[str, str | None]]
    cursor: str | None


def state(store: Store) -> State:
    found: dict[str, tuple[Feedback, Sentiment | None]] = {}
    page = store.search(Filter(), limit=200)
    while True:
        found |= {hit.feedback.id: (hit.feedback, hit.sentiment) for hit in page.hits}
        if page.cursor is None:
            break
        page = store.search(Filter(), limit=200, cursor=page.cursor)
    aside = Counter((row.raw, row.column) for row in store.quarantine().values())
    return State(found, aside, store.cursor(STREAM))
