"""What the tasks of ``listening_dags`` do: the app's functions, and secrets from Airflow.

The settings are those of ``LISTENING_SETTINGS``, else ``config/listening.toml`` in
``AIRFLOW_HOME``. What they keep secret comes from Airflow's connections where these exist, else
from where the settings and the environment say:

``listening_<stream>``     password: the secret option of the stream's source
``listening_store``        host (``es1:9200,es2:9200``), schema (the name of its indices), login and
                           password, or the password alone: an API key; plain HTTP where the type
                           of the connection is ``http``
``listening_author_key``   password: the key of authors' pseudonyms

Every function opens the store anew and returns names and counts only: that is what XCom may hold.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Connection, Context, RetryDecision, RetryPolicy, conf
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from listening import settings
from listening.app import App
from listening.errors import ConfigError, TransientError
from listening.pipeline import EVERYTHING, Ingested, Scored
from listening.records import Dimension, Filter, Part, Window
from listening.settings import Secret, Settings, StreamSettings

_log = logging.getLogger(__name__)
logging.getLogger("elastic_transport").setLevel(logging.WARNING)  # at INFO, a line a request
_LONGEST_DELAY = timedelta(days=1)
_STORE_SECRETS = ("ELASTICSEARCH_PASSWORD", "ELASTICSEARCH_API_KEY", settings.KEY)

Counts = dict[str, int | str]


class Patience(RetryPolicy):
    """What a person must mend fails at once; what asks for time gets it, at most a day."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002 - the policy's signature
        max_tries: int,  # noqa: ARG002 - likewise
        context: Context | None = None,  # noqa: ARG002 - likewise
    ) -> RetryDecision:
        if isinstance(exception, ConfigError):
            return RetryDecision.fail("a person must act; trying again would not help")
        if isinstance(exception, TransientError) and exception.retry_after:
            delay = min(timedelta(seconds=exception.retry_after), _LONGEST_DELAY)
            return RetryDecision.retry(delay, "the wait that was asked for")
        return RetryDecision.default()


def read() -> Settings:
    """The settings, without their secrets: Airflow shows a ConfigError of theirs as import error.

    Raises ConfigError too where tasks may run on several machines, which cannot share a file.
    """
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    path = Path(os.environ.get("LISTENING_SETTINGS") or home / "config" / settings.FILE)
    chosen = settings.load(path)
    executors = re.split("[,;]", conf.get("core", "executor"))
    if "://" not in chosen.store and not all(name.endswith("LocalExecutor") for name in executors):
        raise ConfigError(
            f"{path}: store = {chosen.store!r} is a SQLite file, which the workers of "
            f"{', '.join(executors)} cannot share; name an Elasticsearch (store = "
            '"https://host:9200/listening"), or set executor = LocalExecutor in Airflow'
        )
    return chosen


def slug(stream: str) -> str:
    """A stream's name as the ids of DAGs and connections may have it."""
    return re.sub(r"[^\w.-]", "_", stream)


def pull(stream: str, window: Window = EVERYTHING, *, dry_run: bool = False) -> tuple[Counts, bool]:
    """Pull one stream; also says whether any feedback waits to be scored.

    Asked of the store and not of this pull, which may repeat one that broke off after it stored.
    """
    app = _app(stream)
    done = app.ingest(app.stream(stream), window=window, dry_run=dry_run, progress=_quietly)
    if done.quarantined:
        _log.warning("%d rows were set aside: listening quarantine list", len(done.quarantined))
    return _ingested(done), not dry_run and _unscored(app) > 0


def back_fill(params: Mapping[str, Any]) -> tuple[Counts, bool]:
    """Pull a period again; ``since`` and ``until`` are days, of which ``until`` is left out."""
    zone = ZoneInfo(read().zone)
    since, until = (
        datetime.combine(date.fromisoformat(params[end]), time(), zone)
        for end in ("since", "until")
    )
    if since >= until:
        raise ConfigError(
            f"since {since:%F} is not before until {until:%F}; the latter is left out"
        )
    return pull(params["stream"], Window(since=since, until=until), dry_run=params["dry_run"])


def score(part: Part) -> Counts:
    return _scored(_app().score(limit=None, part=part, progress=_quietly))


def rescore(params: Mapping[str, Any]) -> Counts:
    """Score again what a query finds; a dry run counts it."""
    app = _app()
    if params["model"]:
        model = replace(app.settings.model, name=params["model"])
        app = replace(app, settings=replace(app.settings, model=model))
    done = app.rescore(
        params["query"],
        limit=params["limit"],
        dry_run=params["dry_run"],
        progress=_quietly,
    )
    return _scored(done)


def alerts() -> Counts | None:
    """Evaluate all rules and send what is due; None where there are no rules.

    What a channel does not take, and rules that fail, wait for the next run.
    """
    app = _app()
    if not app.alerts.book.written():
        return None
    done = app.alerts.evaluate()
    return {
        "alerts": sum(one.alerts for one in done.rules),
        "firing": sum(one.firing for one in done.rules),
        "told": sum(one.told for one in done.rules),
        "failed_rules": sum(bool(one.error) for one in done.rules),
        "sent": done.delivered.sent,
        "not_sent": done.delivered.failed,
    }


def digest(now: datetime) -> Counts:
    """Send the digest of the week that was due at ``now`` to who has not had it.

    Raises the error of a channel that did not take it; the others are not sent to again.
    """
    from listening.digest.post import Post, Status  # noqa: PLC0415 - parsing needs no drawing

    post = Post(_app(), now)
    done = post.send()
    for one in done:
        if one.error:
            raise one.error
        if one.status is Status.CLAIMED:
            raise TransientError(f"channel {one.channel} is being sent to by another run")
    counts = {status.value: sum(one.status is status for one in done) for status in Status}
    return {"week": post.week.key, "sent": counts["sent"], "sent_before": counts["sent before"]}


def expire(now: datetime) -> Counts:
    return {"expired": _app().expire(now=now)}


def sweep(stream: str) -> Counts:
    swept = _app(stream).sweep(stream, progress=_quietly)
    return {"stream": stream, "checked": swept.checked, "erased": swept.erased}


def _quietly(_: int) -> None:
    pass


def _unscored(app: App) -> int:
    return sum(one.unscored for one in app.store.aggregate(Filter(), by=[Dimension.LABEL]))


def _ingested(done: Ingested) -> Counts:
    names = ("stream", "rows", "stored", "updated", "duplicates", "erased", "expired")
    return {name: getattr(done, name) for name in names} | {"quarantined": len(done.quarantined)}


def _scored(done: Scored) -> Counts:
    labels = {str(label): count for label, count in done.labels.items()}
    return {"model": done.model, "texts": done.texts, **labels}


def _app(stream: str | None = None) -> App:
    """The app with the secrets of its store and, where one is named, of a stream."""
    chosen, environ = read(), dict(os.environ)
    if found := _connection("listening_store"):
        chosen = replace(chosen, store=_store(found, chosen.store))
        environ = {**environ, **_credentials(found)}
    if found := _connection("listening_author_key"):
        environ[settings.KEY] = found.password or ""
    chosen = replace(chosen, author_key=environ.get(settings.KEY))
    if stream is not None and stream in chosen.streams:
        told = _told(stream, chosen.streams[stream], environ)
        chosen = replace(chosen, streams={**chosen.streams, stream: told})
    for name in (*_STORE_SECRETS, *_channel_secrets(chosen)):
        if environ.get(name):
            mask_secret(environ[name])
    return App(chosen, environ=environ)


def _channel_secrets(chosen: Settings) -> list[str]:
    """The variables of the environment that channels of alerts read."""
    parts = (
        part
        for channel in chosen.alerts.channels.values()
        for part in (channel.apprise, channel.webhook, channel.secret)
    )
    return [part.env for part in parts if part is not None and part.env]


def _connection(name: str) -> Connection | None:
    try:
        found: Connection = Connection.get(name)
    except AirflowNotFoundException:
        return None
    return found


def _store(found: Connection, otherwise: str) -> str:
    if not found.host:
        return otherwise
    scheme = "http" if found.conn_type == "http" else "https"
    port = f":{found.port}" if found.port else ""
    return f"{scheme}://{found.host}{port}/{found.schema or 'listening'}"


def _credentials(found: Connection) -> dict[str, str]:
    """Of the store; what the environment says of the other way to sign in no longer holds."""
    password = found.password or ""
    if found.login:
        return {
            "ELASTICSEARCH_USERNAME": found.login,
            "ELASTICSEARCH_PASSWORD": password,
            "ELASTICSEARCH_API_KEY": "",
        }
    return {
        "ELASTICSEARCH_API_KEY": password,
        "ELASTICSEARCH_USERNAME": "",
        "ELASTICSEARCH_PASSWORD": "",
    }


def _told(name: str, stream: StreamSettings, environ: Mapping[str, str]) -> StreamSettings:
    """The stream with its secrets, which appear in no log from now on."""
    found = _connection(f"listening_{slug(name)}")
    options = dict(stream.options)
    if found and found.password:
        options |= dict.fromkeys(settings.secrets_of(stream.source), found.password)
    for option, value in options.items():
        if isinstance(value, Secret):
            options[option] = value.find(environ)
            mask_secret(options[option])
    return replace(stream, options=options)
