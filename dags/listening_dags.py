"""Listening's DAGs, built from its settings; ``listening_tasks`` says where these are.

    listening_ingest_<stream>  each as often as its ``every``
        -> asset listening_feedback -> listening_score
            -> asset listening_sentiment -> listening_alerts
    listening_digest           weekly: the mail of [digest], where the settings have it
    listening_care             daily: retention, and what sources have withdrawn
    listening_back_fill, listening_rescore   by hand, with parameters and a dry run

A stream is a DAG of its own, and not a mapped task of one: so each has its own schedule, pause,
history and back-fills in Airflow, and one that waits an hour for its rate limit holds up no other.

What is pulled is decided by the stream's cursor in the store, and in Airflow's own back-fills by
the data interval; never by the time at which a task happens to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import listening_tasks
from airflow.sdk import (
    DAG,
    Asset,
    AssetAlias,
    AssetOrTimeSchedule,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    Param,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

from listening import settings
from listening.app import App
from listening.errors import ConfigError
from listening.pipeline import EVERYTHING
from listening.records import Part, Window
from listening.settings import Settings, StreamSettings

FEEDBACK = Asset("listening_feedback")
SENTIMENT = Asset("listening_sentiment")
CHANGED = AssetAlias("listening_changed")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAILY = "17 3 * * *"
OFTEN = "*/15 * * * *"

Counts = listening_tasks.Counts


def named(name: str, title: str, doc: str | None, *, schedule: Any, **more: Any) -> DAG:  # noqa: ANN401 - as DAG takes it
    """A DAG as all of these are: an outage is tried through, in an hour or so."""
    return DAG(
        f"listening_{name}",
        dag_display_name=title,
        doc_md=doc,
        schedule=schedule,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        default_args={
            "owner": "listening",
            "retries": 5,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(hours=1),
            "retry_policy": listening_tasks.Patience(),
        },
        tags=["listening", *more.pop("tags", ())],
        **more,
    )


def pool(chosen: Settings, name: str) -> dict[str, Any]:
    """Where the settings name none, the default pool, which always exists."""
    return {"pool": chosen.airflow.pools[name]} if name in chosen.airflow.pools else {}


def announced(pulled: tuple[Counts, bool]) -> Counts:
    """Start scoring when something waits for it, and only then."""
    counts, waiting = pulled
    if waiting:
        get_current_context()["outlet_events"][CHANGED].add(FEEDBACK)
    return counts


def ingest(name: str, stream: StreamSettings, chosen: Settings) -> None:
    """Pulls what is new in one stream.

    A back-fill of this DAG pulls each of its data intervals again, where the source still has it.
    """

    @task(outlets=[CHANGED], **pool(chosen, stream.source))
    def pull() -> Counts:
        context, window = get_current_context(), EVERYTHING
        if context["dag_run"].run_type == "backfill":
            window = Window(
                since=context["data_interval_start"], until=context["data_interval_end"]
            )
        return announced(listening_tasks.pull(name, window))

    with named(
        f"ingest_{listening_tasks.slug(name)}",
        f"Ingest {name}",
        ingest.__doc__,
        schedule=DeltaDataIntervalTimetable(timedelta(seconds=settings.seconds(stream.every))),
        tags=["ingest", stream.source],
    ):
        pull()


def score(chosen: Settings) -> None:
    """Scores what waits, in parts side by side.

    Feedback stored while it runs is scored by the run that follows; if a part fails, the others
    are kept, and the next run scores the rest.
    """
    parts = chosen.airflow.score_tasks

    @task(map_index_template="part {{ task.op_kwargs['number'] + 1 }}", **pool(chosen, "score"))
    def part(number: int) -> Counts:
        return listening_tasks.score(Part(number, parts))

    @task(outlets=[SENTIMENT])
    def total(counts: Sequence[Counts]) -> int:
        return sum(int(one["texts"]) for one in counts[:])  # one request, where a loop makes many

    with named("score", "Score", score.__doc__, schedule=[FEEDBACK]):
        total(part.expand(number=list(range(parts))))  # type: ignore[arg-type]  # XCom brings what it returned


def alerts() -> None:
    """Evaluates the rules of alerts after each scoring, and tells whom they name.

    Every quarter of an hour too: that nothing comes any more is found without anything to score.
    """

    @task
    def look() -> Counts:
        done = listening_tasks.alerts()
        if done is None:
            raise AirflowSkipException("there are no rules, neither in the settings nor kept")
        return done

    often = AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(OFTEN, timezone="UTC"), assets=[SENTIMENT]
    )
    with named("alerts", "Alerts", alerts.__doc__, schedule=often):
        look()


def digest(chosen: Settings) -> None:
    """Once a week: a mail with the figures and charts of the seven days before.

    Run again, it goes only to the channels that have not had it. There is no such DAG where the
    settings have no [digest] with channels.
    """
    if not chosen.digest.channels:
        return

    @task
    def send() -> Counts:
        # Of the week when the run was due, not when it runs: a late one sends what was due.
        return listening_tasks.digest(get_current_context()["dag_run"].run_after)

    weekly = CronTriggerTimetable(chosen.digest.cron(), timezone=chosen.zone)
    with named("digest", "Weekly digest", digest.__doc__, schedule=weekly):
        send()


def care(chosen: Settings) -> None:
    """Once a day: what is older than ``keep`` goes, and what its source has withdrawn.

    There is no such DAG where the settings keep everything and no source can be asked.
    """
    asked = App(chosen).sweepable()
    if chosen.keep is None and not asked:
        return

    @task
    def expire() -> Counts:
        # When the run was due, not when it runs: a late one removes what it would have removed.
        return listening_tasks.expire(get_current_context()["dag_run"].run_after)

    @task(map_index_template="{{ task.op_kwargs['stream'] }}")
    def sweep(stream: str) -> Counts:
        return listening_tasks.sweep(stream)

    daily = CronDataIntervalTimetable(DAILY, timezone=chosen.zone)
    with named("care", "Retention and deletions", care.__doc__, schedule=daily):
        if chosen.keep is not None:
            expire()
        if asked:
            sweep.expand(stream=asked)


def back_fill(chosen: Settings) -> None:
    """Pulls a period of one stream again, where its source still has it; started by hand.

    ``until`` is left out itself. What is stored already stays one; the stream's cursor stays where
    it is. A source that bills what is read bills it again, in a dry run too.
    """
    params = {
        "stream": Param(None, type="string", enum=list(chosen.streams)),
        "since": Param(None, type="string", format="date"),
        "until": Param(None, type="string", format="date"),
        "dry_run": Param(default=False, type="boolean", description="count, but store nothing"),
    }

    @task(outlets=[CHANGED])
    def pull() -> Counts:
        return announced(listening_tasks.back_fill(get_current_context()["params"]))

    with named("back_fill", "Back-fill", back_fill.__doc__, schedule=None, params=params):
        pull()


def rescore(chosen: Settings) -> None:
    """Scores again what a query finds, whatever scored it before; started by hand.

    The settings' ``model`` scores all that it has not scored yet by itself: this is for less, or
    for another model.
    """
    params = {
        "query": Param(
            None, type="string", minLength=1, description="e.g. lang:ka brand:Amberwing"
        ),
        "model": Param(None, type=["null", "string"], description="a folder, or one of the Hub"),
        "limit": Param(None, type=["null", "integer"], minimum=1, description="the newest so many"),
        "dry_run": Param(default=False, type="boolean", description="count them only"),
    }

    @task(outlets=[CHANGED], **pool(chosen, "score"))
    def again() -> Counts:
        context = get_current_context()
        counts = listening_tasks.rescore(context["params"])
        if not context["params"]["dry_run"]:
            context["outlet_events"][CHANGED].add(SENTIMENT)
        return counts

    with named("rescore", "Re-score", rescore.__doc__, schedule=None, params=params):
        again()


def build(chosen: Settings) -> None:
    """Raises ConfigError where two streams would be one DAG."""
    names: dict[str, str] = {}
    for name, stream in chosen.streams.items():
        other = names.setdefault(listening_tasks.slug(name), name)
        if other != name:
            raise ConfigError(f"streams {other!r} and {name!r} are one name to Airflow; rename one")
        ingest(name, stream, chosen)
    score(chosen)
    alerts()
    digest(chosen)
    care(chosen)
    if chosen.streams:
        back_fill(chosen)
    rescore(chosen)


build(listening_tasks.read())
