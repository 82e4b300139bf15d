"""Settings made real: the only module that chooses implementations. Every face calls it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from listening import erasure, keys, pipeline, query, settings, status
from listening.desk import Desk, Searches
from listening.erasure import Erased, Swept
from listening.errors import ConfigError
from listening.normalise import Defaults, detected, pseudonym
from listening.pipeline import Ingested, Retried, Scored, Stream
from listening.protocols import Progress, Scorer, Store
from listening.records import (
    WHOLE,
    Dimension,
    Filter,
    Hits,
    Kind,
    Label,
    Order,
    Part,
    Rejected,
    Sentiment,
    Window,
    month_of,
)
from listening.report import Report, evidence, report
from listening.settings import Settings, StreamSettings
from listening.sources import SOURCES
from listening.sources.files import Files, Layout
from listening.status import Status
from listening.tree import And, Field, Node, Not, Or, with_fields
from listening.views.words import TellingWord

if TYPE_CHECKING:
    from listening.alerting import Alerting
    from listening.http import Http

MEMORY = ":memory:"
_FILE = "file:"
_URL = "://"
_SCHEMES = ("elasticsearch", "http", "https")


def demo_settings(store: Path) -> Settings:
    """The demo's settings, with its store at ``store``."""
    packaged = Path(str(resources.files("listening"))) / "demo" / settings.FILE
    return replace(settings.load(packaged), store=str(store.absolute()))


@runtime_checkable
class Migratable(Protocol):
    """A store that is not brought to this version's layout by opening it."""

    def migrate(self, progress: Progress) -> int:
        """Do that while others use it; returns how much feedback was moved."""
        ...


@dataclass(frozen=True)
class App:
    """What the faces do, over one set of settings. The store and the scorer open when used.

    The store is a SQLite file, or an Elasticsearch where the settings name an address. Without
    ``creates`` no file is made: a store that is missing reads as an empty one. Secrets are looked
    up in ``environ``.
    """

    settings: Settings
    creates: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @cached_property
    def store(self) -> Store:
        if not self.creates and not self.has_store:
            return _sqlite(MEMORY)
        if self.is_remote:
            return _elasticsearch(self.settings, self.environ)
        return _sqlite(str(self._place))

    @property
    def is_remote(self) -> bool:
        """Whether the store is reached by an address, so that many machines may share it."""
        return _URL in self.settings.store

    @property
    def place(self) -> str:
        """The store's address or path."""
        return self.settings.store if self.is_remote else str(self._path)

    @property
    def _path(self) -> Path:
        return self.settings.folder / self.settings.store

    @property
    def has_store(self) -> bool:
        if self.is_remote:
            return _in_elasticsearch(self.settings, self.environ)
        return self._path.exists()

    @property
    def _place(self) -> Path:
        """Where the store is or shall be; raises ConfigError where there is no such folder."""
        if not self._path.parent.is_dir():
            raise ConfigError(
                f"there is no folder {self._path.parent} to keep the store in; create it, or "
                "name another store"
            )
        return self._path

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
        """The key of authors' pseudonyms: from the environment, else a file beside a store's file.

        Raises ConfigError where a store has lost it: another would find none of its authors.
        """
        if self.settings.author_key:
            return self.settings.author_key.encode()
        if self.is_remote:
            raise ConfigError(keys.SHARED)
        return keys.beside(self._place if self.creates else self._path, creates=self.creates)

    # Ingest

    def stream(self, name: str) -> Stream:
        """A stream of the settings; raises ConfigError when there is none of that name."""
        if name not in self.settings.streams:
            raise ConfigError(
                f"{name!r} is neither a stream of the settings nor a file here (streams: "
                f"{', '.join(self.settings.streams) or 'none; write some with: listening init'})"
            )
        chosen = self.settings.streams[name]
        source = settings.build_source(chosen, f"[streams.{name}]", self.environ)
        defaults = self._defaults(chosen)
        return Stream(name=name, source=source, defaults=defaults, oldest=self.oldest())

    def file_stream(self, path: str, options: Mapping[str, Any]) -> Stream:
        """A file read without settings; its brand is its name where nothing says another."""
        chosen = StreamSettings(source="files", options={**options, "path": path})
        source = settings.build_source(chosen, path)
        defaults = self._defaults(
            replace(chosen, brand=options.get("brand") or Path(path).name.split(".")[0])
        )
        name = f"{_FILE}{Path(path).absolute()}"
        return Stream(name=name, source=source, defaults=defaults, oldest=self.oldest())

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
        pull = partial(pipeline.ingest, stream, http=self.http, window=window, progress=progress)
        if dry_run:
            return pull(_sqlite(MEMORY))
        if stream.name.startswith(_FILE):
            result = pull(self.store)
            # Its cursor is for a run that broke off: who names a file wants it read, also again.
            self.store.set_cursor(stream.name, None)
            return result
        whole = window == pipeline.EVERYTHING
        with status.recorded(self.store, stream.name, whole=whole) as taken:
            return pull(self.store, taken=taken)

    def layout(self, stream: Stream) -> Layout | None:
        """How a files stream reads its columns; None for other sources."""
        return stream.source.inspect() if isinstance(stream.source, Files) else None

    # Score

    def score(self, *, limit: int | None, progress: Progress, part: Part = WHOLE) -> Scored:
        return pipeline.score(self.store, self.scorer, limit=limit, part=part, progress=progress)

    def rescore(self, text: str, *, limit: int | None, dry_run: bool, progress: Progress) -> Scored:
        """Score again all texts that a query finds; a dry run only counts them."""
        where = self.where(text)
        if not dry_run:
            return pipeline.rescore(self.store, self.scorer, where, limit=limit, progress=progress)
        texts = sum(
            bucket.unscored + sum(bucket.labels.values())
            for bucket in self.store.aggregate(where, by=[])
        )
        return Scored(model=self.scorer.model, texts=texts if limit is None else min(limit, texts))

    def sentiment(self, texts: Sequence[str]) -> list[Sentiment]:
        return self.scorer.score(texts)

    # Read

    def where(self, text: str, window: Window = pipeline.EVERYTHING) -> Filter:
        """A query as people type it, made a filter that stores can read; see ``meant``."""
        node = query.parse(text) if text.strip() else None
        return Filter(window=window, text=node and self.meant(node))

    def meant(self, node: Node) -> Node:
        """The tree with saved searches, tags, assignees and authors' pseudonyms looked up."""
        return with_fields(self.desk.looked_up(self.searches.expanded(node)), self._pseudonymous)

    def _pseudonymous(self, node: Field) -> Node:
        if node.name != "author":
            return node
        tokens = (pseudonym(node.value, source, self._key) for source in self._sources)
        return Or((node, *(replace(node, value=token) for token in tokens)))

    @cached_property
    def _sources(self) -> tuple[str, ...]:
        return tuple(b.key[0] for b in self.store.aggregate(Filter(), by=[Dimension.SOURCE]))

    @cached_property
    def desk(self) -> Desk:
        """Tags, status, assignees, notes and labels that people give."""
        return Desk(self.store)

    @cached_property
    def searches(self) -> Searches:
        return Searches(self.store)

    def report(self, where: Filter, *, by: str | None = None) -> Report:
        return report(self.store, where, zone=self.settings.zone, by=by)

    def search(
        self,
        where: Filter,
        *,
        limit: int = 20,
        cursor: str | None = None,
        order: Order = Order.NEWEST,
    ) -> Hits:
        return self.store.search(where, limit=limit, cursor=cursor, order=order)

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
        return status.of(self.store, self.place, self.settings, exists=self.has_store)

    @cached_property
    def alerts(self) -> Alerting:
        """Rules, what they have found, and whom they tell."""
        from listening.alerting import Alerting  # noqa: PLC0415 - numpy

        return Alerting(self.settings, self.store, self.where, self.environ)

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

    def migrate(self, *, progress: Progress) -> int:
        """Bring the store to this version's layout; a SQLite file is when it is opened."""
        return self.store.migrate(progress) if isinstance(self.store, Migratable) else 0

    def sweepable(self) -> list[str]:
        """Streams whose sources can be asked what was withdrawn, one for a brand and source."""
        found: dict[tuple[str | None, str], str] = {}
        for name, stream in self.settings.streams.items():
            if erasure.revocable(SOURCES[stream.source]):
                found.setdefault((stream.brand, stream.label or stream.source), name)
        return list(found.values())

    def sweep(self, name: str, *, progress: Progress) -> Swept:
        """Erase what a stream's source no longer has; see ``erasure.sweep``."""
        return erasure.sweep(self.stream(name), self.store, http=self.http, progress=progress)

    def oldest(self, now: datetime | None = None) -> datetime | None:
        """Where what is kept begins: the start of a month (UTC); None where all is kept."""
        if self.settings.keep is None:
            return None
        kept = timedelta(seconds=settings.seconds(self.settings.keep))
        return month_of((now or datetime.now(UTC)) - kept)

    def expire(self, *, now: datetime | None = None, dry_run: bool = False) -> int:
        """Remove whole months older than the settings keep; a dry run only counts.

        Raises ConfigError where the settings do not say how long that is.
        """
        oldest = self.oldest(now)
        if oldest is None:
            raise ConfigError(
                f'nothing expires: write how long feedback is kept, e.g. keep = "400d", in '
                f"{settings.FILE}, above its tables"
            )
        if dry_run:
            older = Filter(window=Window(until=oldest))
            return sum(bucket.count for bucket in self.store.aggregate(older, by=[]))
        gone = self.store.expire(oldest)
        self.desk.empty_missing()
        return gone


def _sqlite(path: str) -> Store:
    from listening.stores.sqlite import SqliteStore  # noqa: PLC0415 - numpy

    return SqliteStore(path)


def _elasticsearch(chosen: Settings, environ: Mapping[str, str]) -> Store:
    from listening.stores.elasticsearch import ElasticsearchStore  # noqa: PLC0415 - an extra

    return ElasticsearchStore.open(
        _address(chosen),
        environ=environ,
        replicas=chosen.elasticsearch.replicas,
        timeout=chosen.elasticsearch.timeout,
    )


def _in_elasticsearch(chosen: Settings, environ: Mapping[str, str]) -> bool:
    """Whether a store was made there; opening it would make one."""
    from listening.stores import elastic_cluster, elastic_layout  # noqa: PLC0415 - an extra

    timeout = chosen.elasticsearch.timeout
    cluster, name = elastic_cluster.connect(_address(chosen), environ, timeout=timeout)
    with closing(cluster):
        return elastic_layout.found_template(cluster, elastic_layout.Names(name)) is not None


def _address(chosen: Settings) -> str:
    scheme = chosen.store.partition(_URL)[0]
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"store: {scheme}:// is no kind of store; write the path of a SQLite file, or an "
            "Elasticsearch's address, e.g. https://search.example:9200/listening"
        )
    return chosen.store


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
