"""``listening.toml`` and the environment, made frozen Settings.

A misspelt key is an error that names the right one. Secrets never stand in the file: an option
that is secret says where to find it, ``{ env = "NAME" }`` or ``{ file = "path" }``. It is looked up
when the source is built, so that reading the settings needs no secret.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from listening.alerts import rules as alert_rules
from listening.alerts import weekly
from listening.alerts.rules import Rule
from listening.alerts.weekly import Weekly
from listening.errors import ConfigError
from listening.protocols import Source
from listening.records import SLOTS, Kind
from listening.sources import SOURCES

FILE = "listening.toml"
KEY = "LISTENING_AUTHOR_KEY"


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """``name``: a folder or a Hugging Face model, see ``scoring.load``; None: the shipped one."""

    name: str | None = None
    threshold: float | None = None


@dataclass(frozen=True, kw_only=True)
class ElasticsearchSettings:
    """Of a store that is one: copies of every index; seconds that an answer may take."""

    replicas: int = 1
    timeout: float = 30.0


@dataclass(frozen=True, kw_only=True)
class AirflowSettings:
    """``score_tasks`` score side by side; ``pools``: a source, or ``score``, to its pool's name."""

    score_tasks: int = 2
    pools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Secret:
    """Where a secret stands; ``where`` is the option, for messages."""

    where: str
    env: str | None = None
    file: Path | None = None

    def find(self, environ: Mapping[str, str]) -> str:
        """Raises ConfigError when it is not there."""
        if self.env is not None:
            if not environ.get(self.env):
                raise ConfigError(
                    f"{self.where}: the environment variable {self.env} is not set; export it"
                )
            return environ[self.env]
        assert self.file is not None  # noqa: S101 - the other way to say where
        try:
            return self.file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{self.where}: {self.file} cannot be read: {error.strerror}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """One stream; every other key of its table is an option of its source.

    ``label`` is what the source is called in the index: by default a file's name, or ``source``.
    ``options`` holds a ``Secret`` where the source takes one.
    """

    source: str
    label: str | None = None
    brand: str | None = None
    kind: Kind | None = None
    languages: tuple[str, ...] = ()
    every: str = "1h"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChannelSettings:
    """Where notifications go: an address for Apprise, or that of a ``webhook`` and what signs it.

    ``secret`` is as the Standard Webhooks specification writes it: ``whsec_`` and base64.
    """

    apprise: Secret | None = None
    webhook: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class AlertSettings:
    """By their names."""

    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. ``folder`` is what relative paths are relative to.

    ``keep``: how long feedback is kept, see ``seconds``; None: for ever.
    """

    folder: Path
    store: str = "listening.sqlite"
    zone: str = "UTC"
    keep: str | None = None
    model: ModelSettings = ModelSettings()
    elasticsearch: ElasticsearchSettings = ElasticsearchSettings()
    airflow: AirflowSettings = AirflowSettings()
    streams: Mapping[str, StreamSettings] = field(default_factory=dict)
    alerts: AlertSettings = AlertSettings()
    digest: Weekly = field(default_factory=Weekly)
    internal_hosts: tuple[str, ...] = ()
    author_key: str | None = field(default=None, repr=False)


_TABLES = {
    "model": ModelSettings,
    "elasticsearch": ElasticsearchSettings,
    "airflow": AirflowSettings,
    "digest": Weekly,
}


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
        name: _stream(table, f"{path}: [streams.{name}]", path.parent)
        for name, table in tables.items()
    }
    alerts = values.pop("alerts", {})
    known = _names(Settings) - {"folder", "streams", "alerts", "author_key"}
    _check_names(values, known, str(path))
    for name, record in _TABLES.items():
        _check_names(values.get(name, {}), _names(record), f"{path}: [{name}]")
    settings: Settings = _build(
        Settings,
        {**values, "folder": path.parent, "author_key": environ.get(KEY)},
        str(path),
    )
    _check(settings, str(path))
    found = _alerts(alerts, path, settings)
    weekly.check(settings.digest, found.channels, f"{path}: [digest]")
    return dataclasses.replace(settings, streams=streams, alerts=found)


def _stream(table: object, where: str, folder: Path) -> StreamSettings:
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
    secrets = secrets_of(source)
    options = {
        key: _secret(value, f"{where}: {key}", folder)
        if key in secrets
        else str(folder / value)
        if key == "path"
        else value
        for key, value in table.items()
        if key in theirs
    }
    built: StreamSettings = _build(StreamSettings, {**ours, "options": options}, where)
    _interval(built.every, f"{where}: every")
    return built


def _alerts(table: object, path: Path, settings: Settings) -> AlertSettings:
    _check_names(table, _names(AlertSettings), f"{path}: [alerts]")
    assert isinstance(table, dict)  # noqa: S101 - checked
    for part, known in table.items():
        _check_names(known, known, f"{path}: [alerts.{part}]")
    channels = {
        name: _channel(each, f"{path}: [alerts.channels.{name}]", settings.folder)
        for name, each in table.get("channels", {}).items()
    }
    rules = {
        name: rule(name, each, f"{path}: [alerts.rules.{name}]", settings.zone)
        for name, each in table.get("rules", {}).items()
    }
    alert_rules.check_together(rules.values(), channels, str(path))
    return AlertSettings(channels=channels, rules=rules)


def _channel(table: Mapping[str, Any], where: str, folder: Path) -> ChannelSettings:
    _check_names(table, _names(ChannelSettings), where)
    found = {key: _secret(value, f"{where}: {key}", folder) for key, value in table.items()}
    if set(found) not in ({"apprise"}, {"webhook", "secret"}):
        raise ConfigError(
            f"{where} needs either apprise, the address of a service, or webhook and secret"
        )
    return ChannelSettings(**found)


def rule(name: str, table: Mapping[str, Any], where: str, zone: str) -> Rule:
    """A rule of alerts of its table; ``where`` begins what is said of it. Raises ConfigError."""
    _check_names(table, _names(Rule) - {"name"}, where)
    values: dict[str, Any] = {"zone": zone, **table, "name": name}
    for key, value in table.items():
        if key in alert_rules.spans():
            values[key] = span(value, f"{where}: {key}")
        elif key in alert_rules.lists() and not isinstance(value, list):
            values[key] = [value]
    built: Rule = _build(Rule, values, where)
    _check_zone(built.zone, f"{where}: zone")
    alert_rules.check(built, table, where)
    return built


def span(text: object, where: str) -> timedelta:
    """Like an interval, and "0s" is none."""
    if text == "0s":
        return timedelta(0)
    _interval(str(text), where)
    try:
        return timedelta(seconds=seconds(str(text)))
    except OverflowError as error:
        raise ConfigError(f"{where} = {text!r} is longer than can be counted") from error


def build_source(
    stream: StreamSettings, where: str, environ: Mapping[str, str] = os.environ
) -> Source:
    """The source with its options and, from ``environ``, its secrets.

    Raises ConfigError naming the option that is wrong.
    """
    kind = SOURCES[stream.source]
    labelled = {"source": stream.label} if stream.label and "source" in _names(kind) else {}
    options = {
        key: value.find(environ) if isinstance(value, Secret) else value
        for key, value in stream.options.items()
    }
    source: Source = _build(kind, {**options, **labelled}, where)
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
    raise ConfigError(f'{where} = {every!r} is no interval; write e.g. "15m", "6h" or "1d"')


def secrets_of(source: str) -> set[str]:
    """Options that a source keeps out of its repr are secrets."""
    return {each.name for each in dataclasses.fields(SOURCES[source]) if not each.repr}  # type: ignore[arg-type]  # a Source is a dataclass


def _secret(value: object, where: str, folder: Path) -> Secret:
    match value:
        case {"env": str(name)}:
            return Secret(where=where, env=name)
        case {"file": str(name)}:
            return Secret(where=where, file=folder / name)
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


def _check(settings: Settings, path: str) -> None:
    _check_zone(settings.zone, f"{path}: zone")
    if settings.keep is not None:
        _interval(settings.keep, f"{path}: keep")
    if settings.elasticsearch.replicas < 0:
        raise ConfigError(f"{path}: [elasticsearch]: replicas cannot be negative; 0 means no copy")
    if settings.elasticsearch.timeout <= 0:
        raise ConfigError(f"{path}: [elasticsearch]: timeout must be some seconds; write e.g. 30")
    if not 1 <= settings.airflow.score_tasks <= SLOTS:
        raise ConfigError(f"{path}: [airflow]: score_tasks must be from 1 to {SLOTS}")
    _check_names(settings.airflow.pools, {*SOURCES, "score"}, f"{path}: [airflow.pools]")


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
