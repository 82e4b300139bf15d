"""``listening.toml`` and the environment, made frozen Settings.

A misspelt key is an error that names the right one. Secrets never stand in the file: an option
that is secret says where to find it, ``{ env = "NAME" }`` or ``{ file = "path" }``.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from listening.errors import ConfigError
from listening.protocols import Source
from listening.records import Kind
from listening.sources import SOURCES

FILE = "listening.toml"
KEY = "LISTENING_AUTHOR_KEY"


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """``name``: a folder or a Hugging Face model, see ``scoring.load``; None: the shipped one."""

    name: str | None = None
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """One stream; every other key of its table is an option of its source.

    ``label`` is what the source is called in the index: by default a file's name, or ``source``.
    """

    source: str
    label: str | None = None
    brand: str | None = None
    kind: Kind | None = None
    languages: tuple[str, ...] = ()
    every: str = "1h"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. ``folder`` is what relative paths are relative to."""

    folder: Path
    store: str = "listening.sqlite"
    zone: str = "UTC"
    model: ModelSettings = ModelSettings()
    streams: Mapping[str, StreamSettings] = field(default_factory=dict)
    internal_hosts: tuple[str, ...] = ()
    author_key: str | None = field(default=None, repr=False)


def template() -> str:
    """The commented file that ``listening init`` writes, naming every option."""
    return (resources.files("listening") / "template.toml").read_text(encoding="utf-8")


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ``path``, or ``listening.toml`` here, or take the defaults where there is none.

    Raises ConfigError naming the file, the key and the mend.
    """
    found = path or Path(FILE)
    if not found.is_file():
        if path is not None:
            raise ConfigError(f"{path} does not exist; write one with: listening init {path}")
        return Settings(folder=Path(), author_key=environ.get(KEY))
    try:
        values = tomllib.loads(found.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{found} is not valid TOML: {error}") from error
    return _settings(values, found, environ)


def _settings(values: dict[str, Any], path: Path, environ: Mapping[str, str]) -> Settings:
    tables = values.pop("streams", {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{path}: streams must be tables: write [streams.NAME]")
    streams = {
        name: _stream(table, f"{path}: [streams.{name}]", path.parent, environ)
        for name, table in tables.items()
    }
    known = _names(Settings) - {"folder", "streams", "author_key"}
    _check_names(values, known, str(path))
    _check_names(values.get("model", {}), _names(ModelSettings), f"{path}: [model]")
    settings: Settings = _build(
        Settings,
        {**values, "folder": path.parent, "author_key": environ.get(KEY)},
        str(path),
    )
    _check_zone(settings.zone, f"{path}: zone")
    return dataclasses.replace(settings, streams=streams)


def _stream(table: object, where: str, folder: Path, environ: Mapping[str, str]) -> StreamSettings:
    if not isinstance(table, dict) or "source" not in table:
        raise ConfigError(
            f'{where} needs a source: add source = "{next(iter(SOURCES))}" or another of '
            f"{', '.join(SOURCES)}"
        )
    source = table["source"]
    if source not in SOURCES:
        raise ConfigError(
            f"{where}: source {source!r} does not exist{_nearest(str(source), SOURCES)}"
        )
    own = _names(StreamSettings) - {"options"}
    theirs = _names(SOURCES[source]) - {"source"}
    _check_names(table, own | theirs, where)
    ours = {key: value for key, value in table.items() if key in own}
    secrets = _secrets(source)
    options = {
        key: _secret(value, f"{where}: {key}", folder, environ)
        if key in secrets
        else str(folder / value)
        if key == "path"
        else value
        for key, value in table.items()
        if key in theirs
    }
    built: StreamSettings = _build(StreamSettings, {**ours, "options": options}, where)
    _interval(built.every, where)
    return built


def build_source(stream: StreamSettings, where: str) -> Source:
    """The source with its options; raises ConfigError naming the option that is wrong."""
    kind = SOURCES[stream.source]
    labelled = {"source": stream.label} if stream.label and "source" in _names(kind) else {}
    source: Source = _build(kind, {**stream.options, **labelled}, where)
    return source


def options_of(source: str) -> list[str]:
    """The options of a source, as its table in the settings may set them."""
    return [each.name for each in dataclasses.fields(SOURCES[source])]  # type: ignore[arg-type]  # a Source is a dataclass


def seconds(every: str) -> int:
    """``90s``, ``15m``, ``6h`` or ``1d`` in seconds."""
    return int(every[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[every[-1]]


def _interval(every: str, where: str) -> None:
    try:
        if seconds(every) > 0:
            return
    except (KeyError, ValueError, IndexError):
        pass
    raise ConfigError(f'{where}: every = {every!r} is no interval; write e.g. "15m", "6h" or "1d"')


def _secrets(source: str) -> set[str]:
    """Options that a source keeps out of its repr are secrets."""
    return {each.name for each in dataclasses.fields(SOURCES[source]) if not each.repr}  # type: ignore[arg-type]  # a Source is a dataclass


def _secret(value: object, where: str, folder: Path, environ: Mapping[str, str]) -> str:
    match value:
        case {"env": str(name)}:
            if not environ.get(name):
                raise ConfigError(f"{where}: the environment variable {name} is not set; export it")
            return environ[name]
        case {"file": str(name)}:
            try:
                return (folder / name).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(
                    f"{where}: {folder / name} cannot be read: {error.strerror}"
                ) from error
    raise ConfigError(
        f'{where} is a secret and may not stand in the file; write {{ env = "NAME" }} or '
        '{ file = "path" }'
    )


def _names(record: type) -> set[str]:
    return {each.name for each in dataclasses.fields(record)}


def _check_names(values: object, known: Collection[str], where: str) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a table of keys and values")
    for name in values:
        if name not in known:
            raise ConfigError(f"{where}: unknown key {name!r}{_nearest(name, known)}")


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (known: {', '.join(sorted(known))})"


def _check_zone(zone: str, where: str) -> None:
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError) as error:
        raise ConfigError(f'{where}: {zone!r} is no time zone; write e.g. "Europe/Riga"') from error


def _build(record: type, values: dict[str, Any], where: str) -> Any:  # noqa: ANN401 - whatever ``record`` is
    # Pydantic takes a sixth of the start-up, and most commands read no settings.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        return TypeAdapter(record).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "value"
        if first["type"] == "missing":
            raise ConfigError(f"{where}: {key} is missing; add it") from error
        raise ConfigError(f"{where}: {key} = {first['input']!r}: {first['msg']}") from error
