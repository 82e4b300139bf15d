"""The main flow. START HERE.

    Source.fetch -> normalise -> Store.put, then Store.set_cursor       (ingest)
    Store.unscored -> Scorer.score -> Store.annotate                     (score)

The store is the only hand-off. Both passes may be stopped at any point and run again: nothing is
lost, and what was done is done once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from listening.errors import InvalidItem, ListeningError
from listening.normalise import Defaults, identifier, normalise, readable
from listening.protocols import Progress, Scorer, Source, Store
from listening.records import (
    PERSON,
    WHOLE,
    Feedback,
    Filter,
    Hit,
    Item,
    Label,
    Order,
    Page,
    Part,
    Rejected,
    Window,
    Written,
)

if TYPE_CHECKING:
    from listening.http import Http

# Long enough that sorting by length pays, short enough that a crash costs seconds.
SCORED_TOGETHER = 1024
MOST_HITS = 200  # of one search
EVERYTHING = Window()


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A source with its options, under the name that its cursor is kept by.

    What was created before ``oldest`` is left out.
    """

    name: str
    source: Source
    defaults: Defaults
    oldest: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What became of the rows that a source gave; the parts add up to ``rows``.

    ``expired`` were left out as older than feedback is kept.
    """

    stream: str
    rows: int = 0
    stored: int = 0
    updated: int = 0
    duplicates: int = 0
    erased: int = 0
    expired: int = 0
    quarantined: tuple[Rejected, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scored:
    """How many texts got a sentiment, by label."""

    model: str
    texts: int = 0
    labels: Mapping[Label, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Retried:
    """How many rows left the quarantine into the store, and those that did not, with why."""

    stored: int
    failed: Mapping[str, Rejected]


@runtime_checkable
class Metered(Protocol):
    """A source that counts in its cursor what it has spent, even where it does not resume."""

    monthly_budget: int


@runtime_checkable
class Rereadable(Protocol):
    """A source that can read one row again from its raw form."""

    def retry(self, rejected: Rejected) -> Item: ...


def ingest(  # noqa: PLR0913 - options, by keyword
    stream: Stream,
    store: Store,
    *,
    http: Http,
    window: Window = EVERYTHING,
    progress: Progress = lambda _: None,
    taken: Callable[[Ingested], None] = lambda _: None,
) -> Ingested:
    """Pull what is new into the store; ``progress`` is called with the rows of each page.

    ``taken`` is told what became of each page.

    What was set aside earlier leaves the quarantine when it can be read now, or comes again.

    A ``window`` pulls that period again from its start and leaves the cursor where it is; a
    metered source does so itself, since its count must go on. Raises what the source raises, with
    all pages before it stored.
    """
    resumes = window == EVERYTHING or isinstance(stream.source, Metered)
    pages: list[Ingested] = []
    held = _held(store, stream.name)
    cursor = store.cursor(stream.name) if resumes else None
    for page in stream.source.fetch(cursor, http=http, window=window):
        pages.append(_take(page, stream, store, held))
        if resumes:
            store.set_cursor(stream.name, page.cursor)
        taken(pages[-1])
        progress(len(page.items) + len(page.rejected))
    return _sum(stream.name, pages)


def score(
    store: Store,
    scorer: Scorer,
    *,
    limit: int | None = None,
    part: Part = WHOLE,
    progress: Progress = lambda _: None,
) -> Scored:
    """Score what ``scorer``'s model has not scored yet, newest first, at most ``limit`` texts."""
    waiting = store.unscored(scorer.model, limit=limit, part=part)
    return _score(waiting, store, scorer, progress)


def rescore(
    store: Store,
    scorer: Scorer,
    where: Filter,
    *,
    limit: int | None = None,
    progress: Progress = lambda _: None,
) -> Scored:
    """Score again all that a filter finds, newest first, but what a person has labelled."""
    texts = (
        (hit.feedback.id, hit.feedback.text)
        for hit in hits(store, where)
        if hit.feedback.text.strip() and not (hit.sentiment and hit.sentiment.model == PERSON)
    )
    return _score(islice(texts, limit), store, scorer, progress)


def _score(
    texts: Iterator[tuple[str, str]], store: Store, scorer: Scorer, progress: Progress
) -> Scored:
    labels: Counter[Label] = Counter()
    while chunk := list(islice(texts, SCORED_TOGETHER)):
        sentiments = scorer.score([text for _, text in chunk])
        store.annotate([(*pair, found) for pair, found in zip(chunk, sentiments, strict=True)])
        labels.update(sentiment.label for sentiment in sentiments)
        progress(len(chunk))
    return Scored(model=scorer.model, texts=labels.total(), labels=dict(labels))


def found(store: Store, where: Filter) -> Iterator[Feedback]:
    """All that a filter finds, newest first; what changes meanwhile comes once or not at all."""
    return (hit.feedback for hit in hits(store, where))


def hits(store: Store, where: Filter, order: Order = Order.NEWEST) -> Iterator[Hit]:
    page = store.search(where, limit=MOST_HITS, order=order)
    yield from page.hits
    while page.cursor is not None:
        page = store.search(where, limit=MOST_HITS, cursor=page.cursor, order=order)
        yield from page.hits


def retry(
    rejected: Mapping[str, Rejected], store: Store, stream_of: Callable[[Rejected], Stream]
) -> Retried:
    """Try again what was set aside, as ``stream_of`` its streams are read now.

    What succeeds leaves the quarantine; the rest stays, with the reason that holds now.
    """
    streams: dict[str, Stream] = {}
    ready, failed = {}, {}
    for number, row in rejected.items():
        try:
            if row.stream not in streams:
                streams[row.stream] = stream_of(row)
            stream = streams[row.stream]
            ready[number] = normalise(_item(row, stream), stream.defaults)
        except ListeningError as error:
            failed[number] = replace(row, reason=str(error))
    written = store.put(list(ready.values()))
    refused = dict(written.refused)
    for number in [number for number, one in ready.items() if one.id in refused]:
        failed[number] = replace(rejected[number], reason=refused[ready.pop(number).id])
    if ready:
        store.release(list(ready))
    return Retried(stored=written.stored + written.updated, failed=failed)


def _item(row: Rejected, stream: Stream) -> Item:
    """The item in a quarantined row: ours if it got so far, else as its source reads it."""
    raw = json.loads(row.raw) if row.raw.startswith('{"item":') else None
    if raw is not None:
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - slow, seldom needed

        try:
            item: Item = TypeAdapter(Item).validate_python(raw["item"])
        except ValidationError as error:  # half a character, for one
            raise InvalidItem(row.reason) from error
        return item
    if isinstance(stream.source, Rereadable):
        return stream.source.retry(row)
    raise InvalidItem(f"{stream.source.name} cannot read it again from here; {row.reason}")


def _take(page: Page, stream: Stream, store: Store, held: _Held) -> Ingested:
    """Store one page: first what can be read, then what cannot, then what was withdrawn."""
    rejected = [replace(row, stream=stream.name) for row in page.rejected]
    deleted = [item for item in page.items if item.deleted]
    accepted: list[Feedback] = []
    items: dict[str, Item] = {}
    for item in page.items:
        if item.deleted:
            continue
        try:
            accepted.append(normalise(item, stream.defaults))
            items[accepted[-1].id] = item
        except InvalidItem as error:
            rejected.append(_set_aside(item, stream.name, error))
    oldest = stream.oldest
    fresh = [one for one in accepted if oldest is None or one.created_at >= oldest]
    written = store.put(fresh) if fresh else Written()
    for id_, reason in written.refused:
        rejected.append(_set_aside(items[id_], stream.name, InvalidItem(reason)))
    if rejected:
        store.set_aside(rejected)
    refused = {id_ for id_, _ in written.refused}
    settled = [one for one in accepted if one.id not in refused]
    if gone := [*_settled(held, settled, stream), *_renewed(held, rejected)]:
        store.release(gone)
    if deleted:
        store.erase([_identifier(item, stream.defaults) for item in deleted])
    return Ingested(
        stream=stream.name,
        rows=len(page.items) + len(page.rejected),
        stored=written.stored,
        updated=written.updated,
        duplicates=written.duplicates,
        erased=len(deleted),
        expired=len(accepted) - len(fresh),
        quarantined=tuple(rejected),
    )


def _identifier(item: Item, defaults: Defaults) -> str:
    return identifier(
        item.brand or defaults.brand or "", item.source or defaults.source, item.native_id
    )


def _set_aside(item: Item, stream: str, error: InvalidItem) -> Rejected:
    written = json.dumps({"item": asdict(item)}, default=str, ensure_ascii=False)
    raw = written.encode("utf-8", "backslashreplace").decode()  # half a character, as JSON has it
    origin = readable(item.url or item.native_id)
    return Rejected(stream=stream, origin=origin, reason=error.reason, raw=raw, column=error.column)


def _sum(stream: str, pages: Sequence[Ingested]) -> Ingested:
    return Ingested(
        stream=stream,
        rows=sum(page.rows for page in pages),
        stored=sum(page.stored for page in pages),
        updated=sum(page.updated for page in pages),
        duplicates=sum(page.duplicates for page in pages),
        erased=sum(page.erased for page in pages),
        expired=sum(page.expired for page in pages),
        quarantined=tuple(row for page in pages for row in page.quarantined),
    )


# By the source's id and the number of the row set aside.
_Held = dict[str, dict[str, Rejected]]


def _held(store: Store, stream: str) -> _Held:
    """What this stream had set aside; a row too broken to have an id is known by nothing."""
    held: _Held = {}
    for number, row in store.quarantine().items():
        if row.stream == stream and (native_id := cells(row).get("native_id")):
            held.setdefault(native_id, {})[number] = row
    return held


def _settled(held: _Held, accepted: Sequence[Feedback], stream: Stream) -> Iterator[str]:
    """Rows set aside that are stored now.

    A number may be another row's too, as many an export counts from 1, and files add a date to it:
    then the text must be the same, or the row be read as the same.
    """
    for one in accepted:
        named = held.get(one.native_id, {})
        numbered = held.get(one.native_id.rpartition("@")[0], {})
        if one.native_id.isdecimal():
            named, numbered = {}, named
        yield from named
        for number, row in numbered.items():
            said = {line for cell in cells(row).values() for line in readable(cell).splitlines()}
            if not said.isdisjoint(one.text.splitlines()) or _reads_as(row, stream) == one.id:
                yield number


def _reads_as(row: Rejected, stream: Stream) -> str | None:
    try:
        return normalise(_item(row, stream), stream.defaults).id
    except ListeningError:
        return None


def _renewed(held: _Held, rejected: Sequence[Rejected]) -> Iterator[str]:
    """Earlier forms of the rows that are set aside now: of another line, or less broken."""
    for row in rejected:
        for number, old in held.get(cells(row).get("native_id", ""), {}).items():
            if old.origin == row.origin and (old.line, old.raw) != (row.line, row.raw):
                yield number


def cells(row: Rejected) -> Mapping[str, str]:
    try:
        raw = json.loads(row.raw)
    except ValueError:
        return {}
    cells = raw.get("item", raw) if isinstance(raw, dict) else {}
    return {name: cell for name, cell in cells.items() if isinstance(cell, str)}
