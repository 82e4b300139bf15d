"""Settings made real: the only module that chooses implementations. Every face calls it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from itertools import groupby
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from listening import erasure, pipeline, query, settings
from listening.erasure import Erased
from listening.errors import ConfigError
from listening.normalise import Defaults, detected, pseudonym
from listening.pipeline import Ingested, Progress, Retried, Scored, Stream
from listening.protocols import Scorer, Store
from listening.records import Dimension, Filter, Hits, Kind, Label, Rejected, Sentiment, Window
from listening.report import Report, evidence, report
from listening.settings import Settings, StreamSettings
from listening.sources.files import Files, Layout
from listening.tree import And, Field, Node, Not, Or
from listening.views.words import TellingWord

if TYPE_CHECKING:
    from listening.http import Http

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
class App:
    """What the faces do, over one set of settings. The store and the scorer open when used.

    Without ``creates`` no file is made: a store that is missing reads as an empty one.
    """

    settings: Settings
    creates: bool = True

    @cached_property
    def store(self) -> Store:
        return _sqlite(str(self._place) if self.creates or self.has_store else MEMORY)

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

    @property
    def _place(self) -> Path:
        """Where the store is or shall be; raises ConfigError where there is no such folder."""
        if not self.store_path.parent.is_dir():
            raise ConfigError(
                f"there is no folder {self.store_path.parent} to keep the store in; create it, or "
                "name another store"
            )
        return self.store_path

    @cached_property
    def scorer(self) -> Scorer:
        from listening import scoring  # noqa: PLC0415 - numpy

        chosen = self.settings.model
        return scoring.load(chosen.name or scoring.SHIPPED, threshold=chosen.threshold)

    @cached_property
    def http(self) -> Http:
        from listening.http import Http  # noqa: PLC0415 - httpx, which files do without

        return Http(internal=self.settings.internal_hosts)

    @cached_property
    def _key(self) -> bytes:
        """The key of authors' pseudonyms: from the environment, else a file beside the store.

        Raises ConfigError where a store has lost it: another would find none of its authors.
        """
        if self.settings.author_key:
            return self.settings.author_key.encode()
        stored = self.has_store  # asked first: other processes write the key before the store
        path = self.store_path.with_name(self.store_path.name + ".key")
        if path.exists():
            return path.read_bytes().strip()
        if stored:
            raise ConfigError(
                f"{path}, the key of the store's authors, is gone; put it back or, if it is lost, "
                f"export {settings.KEY} with a new one: authors stored so far are not found by it"
            )
        new = secrets.token_hex(_KEY_BYTES)
        if not self.creates:
            return new.encode()
        _write_once(self._place.with_name(path.name), new)
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
        store = _sqlite(MEMORY) if dry_run else self.store
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
        """By id or all that a filter finds; see ``erasure.erase``."""
        return erasure.erase(self.store, where, ids)


def _sqlite(path: str) -> Store:
    from listening.stores.sqlite import SqliteStore  # noqa: PLC0415 - numpy

    return SqliteStore(path)


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
