"""Settings made real: the only module that chooses implementations. Every face calls it."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from itertools import groupby
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from listening import pipeline, query, scoring, settings
from listening.errors import ConfigError
from listening.http import Http
from listening.normalise import Defaults, detected, pseudonym
from listening.pipeline import Ingested, Progress, Retried, Scored, Stream
from listening.protocols import Scorer, Store
from listening.records import Dimension, Filter, Hits, Kind, Label, Rejected, Sentiment, Window
from listening.report import Report, evidence, report
from listening.settings import Settings, StreamSettings
from listening.sources.files import Files, Layout
from listening.stores.sqlite import SqliteStore
from listening.tree import And, Field, Node, Not, Or
from listening.views.words import TellingWord

MEMORY = ":memory:"
_KEY_BYTES = 32
_FILE = "file:"


def demo_settings(store: Path) -> Settings:
    """The demo's settings, with its store at ``store``."""
    packaged = Path(str(resources.files("listening"))) / "demo" / settings.FILE
    return replace(settings.load(packaged), store=str(store.absolute()))


@dataclass(frozen=True)
class StreamStatus:
    """``pulled``: whether anything was ever pulled."""

    name: str
    source: str
    pulled: bool


@dataclass(frozen=True)
class SourceStatus:
    """How much feedback a source gave, as it is called in the index; ``last`` is its newest day."""

    name: str
    feedback: int
    last: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """Days are ISO dates in the zone of the settings. ``exists``: whether there is a store yet."""

    store: str
    exists: bool
    feedback: int
    first: str | None
    last: str | None
    unscored: int
    quarantined: int
    sources: tuple[SourceStatus, ...]
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True)
class Erased:
    """How much feedback was erased, and how many rows that had been set aside."""

    feedback: int
    quarantined: int


@dataclass(frozen=True)
class App:
    """What the faces do, over one set of settings. The store and the scorer open when used.

    Without ``creates`` no file is made: a store that is missing reads as an empty one.
    """

    settings: Settings
    creates: bool = True

    @cached_property
    def store(self) -> Store:
        path = str(self.store_path)
        return SqliteStore(path if self.creates or self.has_store else MEMORY)

    @property
    def store_path(self) -> Path:
        """Raises ConfigError where the settings name something else than a file."""
        if "://" in self.settings.store:
            raise ConfigError(
                f"store = {self.settings.store!r}: this version keeps feedback in a SQLite file; "
                'write its path, e.g. store = "listening.sqlite"'
            )
        return self.settings.folder / self.settings.store

    @property
    def has_store(self) -> bool:
        return self.store_path.exists()

    @cached_property
    def scorer(self) -> Scorer:
        return scoring.load(self.settings.model.name, threshold=self.settings.model.threshold)

    @cached_property
    def http(self) -> Http:
        return Http(internal=self.settings.internal_hosts)

    @cached_property
    def _key(self) -> bytes:
        """The key of authors' pseudonyms: from the environment, else a file beside the store."""
        if self.settings.author_key:
            return self.settings.author_key.encode()
        path = self.store_path.with_name(self.store_path.name + ".key")
        new = secrets.token_hex(_KEY_BYTES)
        if not path.exists():
            if not self.creates:
                return new.encode()
            _write_once(path, new)
        return path.read_bytes().strip()

    # Ingest

    def stream(self, name: str) -> Stream:
        """A stream of the settings; raises ConfigError when there is none of that name."""
        if name not in self.settings.streams:
            raise ConfigError(
                f"{name!r} is neither a stream of the settings nor a file here (streams: "
                f"{', '.join(self.settings.streams) or 'none; write some with: listening init'})"
            )
        chosen = self.settings.streams[name]
        source = settings.build_source(chosen, f"[streams.{name}]")
        return Stream(name=name, source=source, defaults=self._defaults(chosen))

    def file_stream(self, path: str, options: Mapping[str, Any]) -> Stream:
        """A file read without settings; its brand is its name where nothing says another."""
        chosen = StreamSettings(source="files", options={**options, "path": path})
        source = settings.build_source(chosen, path)
        defaults = self._defaults(
            replace(chosen, brand=options.get("brand") or Path(path).name.split(".")[0])
        )
        return Stream(name=f"{_FILE}{Path(path).absolute()}", source=source, defaults=defaults)

    def _defaults(self, stream: StreamSettings) -> Defaults:
        return Defaults(
            source=stream.label or stream.source,
            brand=stream.brand,
            kind=stream.kind or Kind.MENTION,
            languages=stream.languages,
            key=self._key,
        )

    def ingest(
        self, stream: Stream, *, window: Window, dry_run: bool, progress: Progress
    ) -> Ingested:
        """Pull one stream; a dry run goes through everything but leaves the store as it is."""
        store = SqliteStore(MEMORY) if dry_run else self.store
        result = pipeline.ingest(stream, store, http=self.http, window=window, progress=progress)
        if stream.name.startswith(_FILE):
            # Its cursor is for a run that broke off: who names a file wants it read, also again.
            store.set_cursor(stream.name, None)
        return result

    def layout(self, stream: Stream) -> Layout | None:
        """How a files stream reads its columns; None for other sources."""
        return stream.source.inspect() if isinstance(stream.source, Files) else None

    # Score

    def score(self, *, limit: int | None, progress: Progress) -> Scored:
        return pipeline.score(self.store, self.scorer, limit=limit, progress=progress)

    def sentiment(self, texts: Sequence[str]) -> list[Sentiment]:
        return self.scorer.score(texts)

    # Read

    def where(self, text: str, window: Window = pipeline.EVERYTHING) -> Filter:
        """A query as people type it, made a filter; authors are looked up by their pseudonyms."""
        node = query.parse(text) if text.strip() else None
        return Filter(window=window, text=node and self._pseudonymous(node))

    def _pseudonymous(self, node: Node) -> Node:
        match node:
            case Field("author", value):
                tokens = (pseudonym(value, source, self._key) for source in self._sources)
                return Or((node, *(replace(node, value=token) for token in tokens)))
            case And(parts):
                return And(tuple(map(self._pseudonymous, parts)))
            case Or(parts):
                return Or(tuple(map(self._pseudonymous, parts)))
            case Not(part):
                return Not(self._pseudonymous(part))
        return node

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        return tuple(b.key[0] for b in self.store.aggregate(Filter(), by=[Dimension.SOURCE]))

    def report(self, where: Filter, *, by: str | None = None) -> Report:
        return report(self.store, where, zone=self.settings.zone, by=by)

    def search(self, where: Filter, *, limit: int = 20, cursor: str | None = None) -> Hits:
        return self.store.search(where, limit=limit, cursor=cursor)

    def words(self, text: str, against: str | None, *, limit: int) -> list[TellingWord]:
        """Words that set a query's texts apart, language by language, at most ``limit`` of each.

        They are compared with the texts that ``against`` finds. None means those of other
        sentiment where the query names one, as in the report, else all that it does not find.
        """
        where = self.where(text)
        said, background = (where, self.where(against)) if against else _opposed(where)
        return list(evidence.telling(self.store, said, background, most=limit))

    def language(self, row: Mapping[str, Any]) -> str:
        """The language of a JSON row's text, by what it claims where we cannot tell."""
        claim = row.get("language") or row.get("lang")
        return detected(row["text"], claim if isinstance(claim, str) else None)

    def status(self) -> Status:
        """What the store holds, and how far each stream is."""
        days = self.store.aggregate(Filter(), by=[Dimension.DAY], zone=self.settings.zone)
        return Status(
            store=str(self.store_path),
            exists=self.has_store,
            feedback=sum(day.count for day in days),
            first=days[0].key[0] if days else None,
            last=days[-1].key[0] if days else None,
            unscored=sum(day.unscored for day in days),
            quarantined=len(self.store.quarantine()),
            sources=tuple(self._source_statuses()),
            streams=tuple(
                StreamStatus(name, stream.source, self.store.cursor(name) is not None)
                for name, stream in self.settings.streams.items()
            ),
        )

    def _source_statuses(self) -> Iterator[SourceStatus]:
        by = [Dimension.SOURCE, Dimension.DAY]
        found = self.store.aggregate(Filter(), by=by, zone=self.settings.zone)
        for name, group in groupby(found, key=lambda bucket: bucket.key[0]):
            days = list(group)
            yield SourceStatus(name, sum(day.count for day in days), days[-1].key[1])

    # Look after

    def retry(self, numbers: Sequence[str], options: Mapping[str, Any]) -> Retried:
        """Try again what is in the quarantine (all of it, or the ids given).

        ``options`` overrule those of files that no stream of the settings describes.
        """
        chosen = {
            number: row
            for number, row in self.store.quarantine().items()
            if not numbers or number in numbers
        }
        return pipeline.retry(chosen, self.store, lambda row: self._stream_of(row, options))

    def _stream_of(self, row: Rejected, options: Mapping[str, Any]) -> Stream:
        if row.stream.startswith(_FILE):
            return self.file_stream(row.stream.removeprefix(_FILE), options)
        return self.stream(row.stream)

    def erase(self, where: Filter | None, ids: Sequence[str]) -> Erased:
        """Erase for good, by id (of rows set aside too) or all that a filter finds.

        Rows set aside go along when they hold an erased text, or the name of an author all of
        whose feedback is erased.
        """
        said = _authors(where.text) if where and where.window == pipeline.EVERYTHING else set()
        erased = self.store.erase(ids) if ids else 0
        while where is not None and (found := self.store.search(where, limit=200).hits):
            said |= {hit.feedback.text.casefold() for hit in found if hit.feedback.text}
            erased += self.store.erase([hit.feedback.id for hit in found])
        held = self.store.quarantine()
        gone = [number for number, row in held.items() if number in ids or _holds(row.raw, said)]
        if gone:
            self.store.release(gone)
        return Erased(erased, len(gone))


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, and only by the first of several processes."""
    try:
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="ascii") as file:
            file.write(text)  # such a file is its owner's alone
        with suppress(FileExistsError):
            os.link(file.name, path)
        Path(file.name).unlink()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; create its folder and give this user "
            f"the right to write there, or export {settings.KEY}"
        ) from error


def _opposed(where: Filter) -> tuple[Filter, Filter]:
    """What a query finds, and what to hold it against."""
    if where.text is None:
        raise ConfigError("all texts have none to be compared with: name a query, or --against")
    parts = where.text.parts if isinstance(where.text, And) else (where.text,)
    labels = [Label(p.value) for p in parts if isinstance(p, Field) and p.name == "sentiment"]
    if len(labels) != 1:
        return where, replace(where, text=Not(where.text))
    rest = tuple(p for p in parts if not (isinstance(p, Field) and p.name == "sentiment"))
    said = replace(where, text=And(rest) if len(rest) > 1 else next(iter(rest), None))
    others = tuple(label for label in Label if label != labels[0])
    return replace(said, label=tuple(labels)), replace(said, label=others)


def _authors(node: Node | None) -> set[str]:
    """Authors whose every text a query finds."""
    match node:
        case Field("author", value):
            return {value.strip().lstrip("@").casefold()}
        case Or(parts):
            return set().union(*map(_authors, parts))
    return set()


def _holds(raw: str, said: Collection[str]) -> bool:
    """Whether a row set aside has any of these as a cell or, where it is no whole row, within."""
    try:
        cells = set(_cells(json.loads(raw)))
    except ValueError:
        return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", raw, re.IGNORECASE) for one in said)
    return not cells.isdisjoint(said)


def _cells(value: object) -> Iterator[str]:
    match value:
        case str():
            yield from (value.strip().casefold(), value.strip().lstrip("@").casefold())
        case dict():
            yield from (cell for part in value.values() for cell in _cells(part))
        case list():
            yield from (cell for part in value for cell in _cells(part))
