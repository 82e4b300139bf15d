"""How each stream is: its last pull, whether it is late, and what it has spent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listening import status
from listening.app import App
from listening.errors import ConfigError
from listening.pipeline import EVERYTHING
from listening.settings import Settings, StreamSettings
from listening.status import Health, Meter
from listening.stores.sqlite import SqliteStore

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
ROWS = "date,comment\n2026-10-01,Good\n2026-10-02,Bad\nyesterday,Fair\n"


@pytest.fixture
def store():
    found = SqliteStore()
    yield found
    found.close()


def chosen(**streams):
    return Settings(folder=Path(), store="a.sqlite", streams=streams)


def of(store, settings, now=NOW):
    return status.of(store, "here", settings, exists=True, now=now).streams[0]


@pytest.fixture
def app(tmp_path):
    Path(tmp_path / "shop.csv").write_text(ROWS, "utf-8")
    stream = StreamSettings(
        source="files", brand="Medus", options={"path": str(tmp_path / "shop.csv")}
    )
    return App(replace(chosen(shop=stream), folder=tmp_path, author_key="k" * 32))


def pull(app, progress=lambda _: None):
    return app.ingest(app.stream("shop"), window=EVERYTHING, dry_run=False, progress=progress)


def test_a_pull_is_kept_with_what_became_of_its_rows(app):
    assert app.status().streams[0].health is Health.NEVER
    pull(app)
    stream = app.status().streams[0]
    assert stream.health is Health.OK
    assert (stream.run.rows, stream.run.stored, stream.run.quarantined) == (3, 2, 1)
    assert stream.run.error is None
    assert stream.run.started <= stream.run.ended
    assert stream.complete is not None


def test_a_pull_that_broke_off_is_kept_with_its_error_and_its_counts(app):
    def refuse(_):
        raise ConfigError("the disk is full; free some space")

    with pytest.raises(ConfigError):
        pull(app, refuse)
    stream = app.status().streams[0]
    assert stream.health is Health.FAILING
    assert stream.run.error == "the disk is full; free some space"
    assert stream.run.stored == 2
    assert stream.complete is None


def test_a_pull_that_somebody_stopped_says_so(app):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(app, stop)
    assert "stopped" in app.status().streams[0].run.error


def test_a_dry_run_leaves_no_record(app):
    app.ingest(app.stream("shop"), window=EVERYTHING, dry_run=True, progress=lambda _: None)
    assert app.status().streams[0].run is None


@pytest.mark.parametrize(
    ("source", "hours", "health"),
    [("rss", 12, Health.OK), ("rss", 14, Health.LATE), ("files", 14, Health.OK)],
)
def test_a_stream_is_late_by_its_schedule_and_a_file_never_is(store, source, hours, health):
    settings = chosen(news=StreamSettings(source=source, every="6h"))
    status.pulled(store, "news", NOW - timedelta(hours=hours))
    assert of(store, settings).health is health


def test_a_billed_source_says_what_it_has_spent_this_month(store):
    stream = StreamSettings(source="x", options={"monthly_budget": 500, "query": "a"})
    store.set_cursor("posts", '{"month": "2026-10", "spent": 120}')
    assert of(store, chosen(posts=stream)).meter == Meter(120, 500)
    later = NOW + timedelta(days=30)
    assert of(store, chosen(posts=stream), later).meter == Meter(0, 500)
    assert of(store, chosen(posts=StreamSettings(source="rss"))).meter is None
