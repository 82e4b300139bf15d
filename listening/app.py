"""Settings made real: the only module that chooses implementations. Every face calls it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from listening import pipeline, query, scoring, settings
from listening.errors import ConfigError
from listening.http import Http
from listening.normalise import Defaults, detected, pseudonym
from listening.pipeline import Ingested, Progress, Retried, Scored, Stream
from listening.protocols import Scorer, Store
from listening.records import Dimension, Filter, Hits, Kind, Rejected, Sentiment, Window
from listening.report import Report, report
from listening.settings import Settings, StreamSettings
from listening.sources.files import Files, Layout
from listening.stores.sqlite import SqliteStore
from listening.tree import And, Field, Node, Not, Or
from listening.views.words import TellingWord, telling_words

MEMORY = ":memory:"
_KEY_BYTES = 32
_FILE = "file:"
_CANDIDATES = 400


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


@dataclass(frozen=True, kw_only=True)
class Status:
    """Days are ISO dates in the zone of the settings."""

    store: str
    feedback: int
    first: str | None
    last: str | None
    unscored: int
    quarantined: int
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True)
class App:
    """What the faces do, over one set of settings. The store and the scorer open when used."""

    settings: Settings

    @cached_property
    def store(self) -> Store:
        if "://" in self.settings.store:
            raise ConfigError(
                f"store = {self.settings.store!r}: this version keeps feedback in a SQLite file; "
                'write its path, e.g. store = "listening.sqlite"'
            )
        return SqliteStore(str(self._store_path))

    @cached_property
    def scorer(self) -> Scorer:
        return scoring.load(self.settings.model.name, threshold=self.settings.model.threshold)

    @cached_property
    def http(self) -> Http:
        return Http(internal=self.settings.internal_hosts)

    @property
    def _store_path(self) -> Path:
        return self.settings.folder / self.settings.store

    @cached_property
    def _key(self) -> bytes:
        """The key of authors' pseudonyms: from the environment, else a file beside the store."""
        if self.settings.author_key:
            return self.settings.author_key.encode()
        path = self._store_path.with_name(self._store_path.name + ".key")
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(_KEY_BYTES), encoding="ascii")
        return path.read_bytes()

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
        return pipeline.ingest(stream, store, http=self.http, window=window, progress=progress)

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
        """Words of a query's texts that others use less; the others are those it does not find."""
        where = self.where(text)
        if against is not None:
            background = self.where(against)
        else:
            background = Filter(text=Not(where.text)) if where.text else Filter()
        counts = self.store.terms(where, background=background, limit=_CANDIDATES)
        return telling_words(counts, top=limit)

    def language(self, row: Mapping[str, Any]) -> str:
        """The language of a JSON row's text, by what it claims where we cannot tell."""
        claim = row.get("language") or row.get("lang")
        return detected(row["text"], claim if isinstance(claim, str) else None)

    def status(self) -> Status:
        """What the store holds, and how far each stream is."""
        days = self.store.aggregate(Filter(), by=[Dimension.DAY], zone=self.settings.zone)
        return Status(
            store=self.settings.store,
            feedback=sum(day.count for day in days),
            first=days[0].key[0] if days else None,
            last=days[-1].key[0] if days else None,
            unscored=sum(day.unscored for day in days),
            quarantined=len(self.store.quarantine()),
            streams=tuple(
                StreamStatus(name, stream.source, self.store.cursor(name) is not None)
                for name, stream in self.settings.streams.items()
            ),
        )

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

    def erase(self, where: Filter | None, ids: Sequence[str]) -> int:
        """Erase for good, by id or all that a filter finds; returns how many there were."""
        erased = self.store.erase(ids) if ids else 0
        while where is not None and (found := self.store.search(where, limit=200).hits):
            erased += self.store.erase([hit.feedback.id for hit in found])
        return erased
