"""Notifications leave at least once and under one key, whatever fails."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from listening.alerts.alert import Finding, Notification, Status
from listening.alerts.ledger import (
    Entry,
    Ledger,
    add_silence,
    end_silence,
    silences,
)
from listening.alerts.muting import Silence
from listening.alerts.outbox import CLAIM, LONGEST_PAUSE, Delivered, deliver, states
from listening.errors import ConfigError, ListeningError, TransientError
from listening.stores.sqlite import SqliteStore
from tests.alert_support import HOUR, NOON, RULE, live, serving, tick, webhook

MINUTE = timedelta(minutes=1)


class Post:
    """Takes everything but what a channel's error says; remembers it."""

    def __init__(self, *grouped: str) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.errors: dict[str, ListeningError] = {}
        self.grouped = grouped

    def groups(self, channel: str) -> bool:
        return channel in self.grouped

    def send(self, channel: str, notifications: Sequence[Notification]) -> None:
        if channel in self.errors:
            raise self.errors[channel]
        self.sent.append((channel, [one.key.split("-", 1)[1] for one in notifications]))


class Scene:
    def __init__(self, *grouped: str) -> None:
        self.store, self.post, self.now = SqliteStore(), Post(*grouped), NOON
        self.ledger = Ledger(self.store)

    def tick(self, *findings: Finding, **changes: object) -> None:
        for finding in findings:
            tick(self.ledger, finding, self.now, replace(RULE, **changes))  # type: ignore[arg-type]  # a test's own business
            self.now += HOUR

    def deliver(self, now: datetime | None = None) -> Delivered:
        return deliver(self.ledger, self.post, lambda: now or self.now)

    @property
    def keys(self) -> list[str]:
        return [key for _, keys in self.post.sent for key in keys]


ALARM = (Finding.HIGH, Finding.QUIET, Finding.QUIET)


def test_what_was_sent_leaves_the_outbox():
    scene = Scene()
    scene.tick(*ALARM)

    assert scene.deliver() == Delivered(sent=2)
    assert scene.deliver() == Delivered()
    assert scene.keys == ["firing-1", "resolved-2"]
    (entry,) = Ledger(scene.store).entries.values()
    assert (entry.alert.status, entry.pending) == (Status.RESOLVED, ())


def test_an_entry_is_read_as_it_was_written():
    scene = Scene()
    scene.tick(Finding.HIGH)

    assert Ledger(scene.store).entries == scene.ledger.entries


def test_nothing_new_is_not_written():
    scene = Scene()
    scene.tick(Finding.QUIET, Finding.QUIET, Finding.QUIET)

    assert [note.revision for note in scene.store.notes("alert").values()] == [1]


def test_quiet_hours_keep_it_until_they_end():
    scene = Scene()
    scene.tick(*ALARM, quiet_hours="12:00-18:00")

    assert scene.deliver() == Delivered()
    assert states(scene.ledger.entries)["crm"].next_at == NOON + 6 * HOUR
    assert scene.deliver(NOON + 6 * HOUR) == Delivered(sent=2)


def test_a_channel_that_fails_is_tried_again_ever_more_seldom_and_holds_up_no_other():
    scene = Scene()
    scene.post.errors["crm"] = TransientError("the line is dead")
    scene.tick(Finding.HIGH, channels=("crm", "team"))
    now, pauses = NOON, []
    for attempt in range(1, 10):
        assert scene.deliver(now).failed == 1
        state = states(scene.ledger.entries)["crm"]
        assert (state.waiting, state.attempts, state.error) == (1, attempt, "the line is dead")
        assert scene.deliver(state.next_at - MINUTE / 4) == Delivered()
        pauses.append(state.next_at - now)
        now = state.next_at

    assert scene.post.sent == [("team", ["firing-1"])]
    assert MINUTE / 2 <= pauses[0] <= MINUTE
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    scene.post.errors.clear()
    assert scene.deliver(now) == Delivered(sent=1)
    assert states(scene.ledger.entries) == {}


def test_a_wait_that_a_service_asks_for_is_kept():
    scene = Scene()
    scene.post.errors["crm"] = TransientError("slow down", retry_after=7200)
    scene.tick(Finding.HIGH)
    scene.deliver(NOON)

    assert states(scene.ledger.entries)["crm"].next_at == NOON + 2 * HOUR


def test_a_channel_that_is_gone_keeps_what_waits_for_it_and_says_so():
    scene = Scene()
    scene.tick(Finding.HIGH)
    with serving() as server:
        notifier = webhook(server)
        gone = replace(notifier, channels={})
        assert deliver(scene.ledger, gone, lambda: NOON) == Delivered(failed=1)
        error = states(scene.ledger.entries)["crm"].error
        assert deliver(scene.ledger, notifier, lambda: NOON + HOUR) == Delivered(sent=1)

    assert "no channel 'crm' any more" in error


def test_the_end_never_overtakes_the_beginning():
    scene = Scene()
    scene.post.errors["crm"] = TransientError("the line is dead", retry_after=6 * 3600)
    scene.tick(Finding.HIGH)
    scene.deliver(NOON)
    scene.post.errors.clear()
    scene.tick(Finding.QUIET, Finding.QUIET)

    assert scene.deliver(NOON + 4 * HOUR) == Delivered()
    assert scene.deliver(NOON + 6 * HOUR) == Delivered(sent=2)
    assert scene.keys == ["firing-1", "resolved-2"]


def test_alerts_of_one_group_are_one_message_where_the_channel_takes_that():
    scene = Scene("team")
    for name, owner in (("a", "care"), ("b", "care"), ("c", "press")):
        rule = replace(RULE, name=name, owner=owner, channels=("crm", "team"))
        tick(scene.ledger, Finding.HIGH, NOON, rule)
    scene.deliver()

    assert sorted((name, len(keys)) for name, keys in scene.post.sent) == [
        *([("crm", 1)] * 3),
        *[("team", 1), ("team", 2)],
    ]


def test_a_claim_keeps_others_away_until_it_runs_out():
    scene = Scene()
    scene.tick(Finding.HIGH)
    other = Scene()
    other.store, other.ledger = scene.store, Ledger(scene.store)

    def send(channel: str, notifications: Sequence[Notification]) -> None:
        # While we are sending, another process looks for work.
        assert other.deliver(NOON) == Delivered()

    scene.post.send = send  # type: ignore[method-assign]  # looks over our shoulder
    assert scene.deliver(NOON) == Delivered(sent=1)
    assert other.deliver(NOON + CLAIM) == Delivered()


def test_many_who_change_one_alert_lose_nothing(tmp_path: Path):
    path = str(tmp_path / "listening.db")
    tick(Ledger(SqliteStore(path)), Finding.HIGH, NOON)
    (key,) = Ledger(SqliteStore(path)).entries

    def change(name: str) -> None:
        ledger = Ledger(SqliteStore(path))

        def more(entry: Entry | None) -> Entry:
            assert entry is not None
            labels = {**entry.alert.labels, name: name}
            return replace(entry, alert=replace(entry.alert, labels=labels))

        ledger.update(key, more)

    threads = [Thread(target=change, args=(str(number),)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (entry,) = Ledger(SqliteStore(path)).entries.values()
    assert {str(number) for number in range(5)} <= entry.alert.labels.keys()


def test_an_acknowledgement_from_elsewhere_meets_an_evaluation():
    scene = Scene()
    scene.tick(Finding.HIGH)
    elsewhere = Ledger(scene.store)
    (key,) = elsewhere.entries
    elsewhere.acknowledge(key, "Ilze", NOON)
    scene.tick(Finding.HIGH)

    episode = scene.ledger.entries[key].alert.episode
    assert episode is not None
    assert episode.acknowledged_by == "Ilze"


def test_what_is_unknown_cannot_be_acknowledged():
    with pytest.raises(ConfigError, match="there is no alert abc"):
        Scene().ledger.acknowledge("abc", "Ilze", NOON)


def test_a_note_of_a_newer_version_is_named():
    store = SqliteStore()
    store.save_note("alert", "ab", '{"alert": {"status": "dozing"}}', revision=0)

    with pytest.raises(ConfigError, match=r"alert ab in the store cannot be read.*upgrade"):
        Ledger(store)


def test_silences_are_kept_and_ended():
    store = SqliteStore()
    silence = Silence(matchers={"brand": "Sēlija"}, starts=NOON, ends=NOON + HOUR, by="Ilze")
    key = add_silence(store, silence)

    assert silences(store) == {key: silence}
    end_silence(store, key)
    assert silences(store) == {}
    with pytest.raises(ConfigError, match="there is no silence"):
        end_silence(store, key)


def test_a_failing_channel_is_logged_without_its_address(caplog):
    caplog.set_level(logging.DEBUG)
    scene = Scene()
    scene.tick(Finding.HIGH)
    with serving() as server:
        server.statuses = [500]
        assert deliver(scene.ledger, webhook(server), lambda: NOON) == Delivered(failed=1)

    assert "channel crm: [alerts.channels.crm] is in trouble (HTTP 500)" in caplog.text
    assert "k3y" not in caplog.text + repr(scene.ledger.entries)
    assert "t0ken" not in caplog.text + repr(scene.ledger.entries)


def test_a_kill_at_any_step_loses_nothing_and_a_repeat_has_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))  # of what it preloads
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["tests.alert_support"])

    with serving() as server:
        live(":memory:", server.url, -1)
        (firing, resolved), bodies = server.ids, dict(zip(server.ids, server.requests, strict=True))
        for fatal in range(100):
            server.requests.clear()
            path = str(tmp_path / f"{fatal}.db")
            child = fork.Process(target=live, args=(path, server.url, fatal))
            child.start()
            child.join()
            if child.exitcode == 0:
                break
            assert child.exitcode == -9
            live(path, server.url, -1)
            assert list(dict.fromkeys(server.ids)) == [firing, resolved], fatal
            assert len(server.ids) <= 3
            for key, (_, body) in zip(server.ids, server.requests, strict=True):
                assert body == bodies[key][1]
    assert fatal == 2 * (8 + 2)  # 8 writes and 2 messages
