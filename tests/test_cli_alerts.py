import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from listening import settings
from listening.app import App
from listening.stores.sqlite import SqliteStore
from tests.alert_support import SECRET, serving
from tests.alert_world import put, said

RULES = """
store = "live.sqlite"
internal_hosts = ["127.0.0.1"]

[alerts.channels.crm]
webhook = { env = "CRM" }
secret = { env = "CRM_SECRET" }

[alerts.rules.complaints]
when = "threshold"
count = 20
within = "6h"
channels = ["crm"]
"""


@pytest.fixture
def demo_store(demo):
    for end in ("", ".key"):
        shutil.copy(f"{demo[0]}{end}", f"demo.sqlite{end}")
    return "demo.sqlite"


@pytest.fixture
def live():
    """A store in which there are many complaints just now, with rules that say so."""
    now, rng = datetime.now(UTC), np.random.default_rng(1)
    store = SqliteStore("live.sqlite")
    times = [now - timedelta(hours=1.5) - n * timedelta(minutes=2) for n in range(40)]
    put(store, [said("Medus", at, "negative", rng) for at in times])
    Path("listening.toml").write_text(RULES, "utf-8")


def test_the_crisis_of_the_demo_is_found(demo, demo_store, listening):
    done = listening("--store", demo_store, "alerts", "backtest", "--json")
    crisis, *flares = (one for one in done.row if one["brand"] == "Amberwing")

    assert "Alert spikes: Amberwing on 2026-10-09" in demo[1].stdout.decode()
    assert crisis["start"].startswith("2026-10-09")
    assert crisis["end"] <= "2026-10-13"
    assert crisis["observed"] > 10 * crisis["expected"]
    assert crisis["p"] < 1e-20
    assert all("2026-10-10" < one["start"] < "2026-10-14" for one in flares)


def test_a_back_test_in_words_says_what_chance_explains(demo_store, listening):
    done = listening("--store", demo_store, "alerts", "backtest")

    assert re.search(r"  source x: \d+ of \d+, where \d+% is usual", done.out)
    assert re.search(r"  to see all \d+: listening search 'brand:", done.out)
    assert "of these at most 9 are to be expected by chance" in done.out


def test_an_alert_is_sent_shown_acknowledged_and_silenced(live, listening, monkeypatch):
    with serving() as server:
        monkeypatch.setenv("CRM", server.url)
        monkeypatch.setenv("CRM_SECRET", SECRET)
        first = listening("alerts", "evaluate", "--json").row
        again = listening("alerts", "evaluate", "--json").row
        assert listening("alerts", "test", "crm", "--json").row == {"channel": "crm", "sent": True}

        sent = [json.loads(body) for _, body in server.requests]

    assert (first["sent"], again["sent"]) == (1, 0)
    assert first["rules"][0]["firing"] == 1
    assert sent[0]["type"] == "alert.started"
    assert sent[0]["data"]["labels"]["brand"] == "Medus"
    assert sent[1]["data"]["fingerprint"] == "test"
    listed = listening("alerts", "list", "--json").row
    shown = listening("alerts", "show", listed["alert"][:6], "--picture", "a.png", "--json").row
    assert shown["evidence"]["texts"] == shown["alarm"]["peak"]["observed"] >= 20
    found = listening("search", shown["evidence"]["query"], "--limit", "1")
    assert f"{shown['evidence']['texts']} " in found.out
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    acked = listening("alerts", "ack", listed["alert"], "--by", "Ilze", "--json").row
    assert acked["alarm"]["acknowledged_by"] == "Ilze"
    key = listening("alerts", "silence", "brand=Medus", "--for", "1h", "--json").row["id"]
    assert [row["id"] for row in listening("alerts", "silence", "--json").rows] == [key]
    assert listening("alerts", "silence", "--end", key, "--json").row == {"ended": key}
    assert listening("alerts", "silence", "--json").rows == []


def test_rules_that_people_keep_are_listed_and_evaluated_with_those_of_the_settings(
    live, listening
):
    app = App(settings.load(Path("listening.toml")))
    table = {"when": "threshold", "count": 10, "within": "3h"}
    app.alerts.keep("kept here", table, by="Ilze")
    listed = listening("alerts", "rules", "--json").rows
    done = listening("alerts", "evaluate", "--json").row

    assert [(one["rule"], one["kept"], one["by"]) for one in listed] == [
        ("complaints", False, None),
        ("kept here", True, "Ilze"),
    ]
    assert listed[0]["table"] == {
        "when": "threshold",
        "count": 20,
        "within": "6h",
        "channels": ["crm"],
    }
    assert listed[1]["table"] == table
    assert "kept here (kept, by Ilze): on" in listening("alerts", "rules").out
    assert {one["rule"]: one["firing"] for one in done["rules"]} == {
        "complaints": 1,
        "kept here": 1,
    }


def test_what_a_channel_does_not_take_is_said(live, listening, monkeypatch):
    with serving() as server:
        server.statuses = [500]
        monkeypatch.setenv("CRM", server.url)
        monkeypatch.setenv("CRM_SECRET", SECRET)
        done = listening("alerts", "evaluate")

    assert "1 notification could not be sent" in done.err
    assert "channel crm: 1 notification waiting" in listening("alerts", "list").out


def test_a_channel_without_its_secret_holds_up_no_other_and_loses_nothing(
    live, listening, monkeypatch
):
    more = '\n[alerts.channels.team]\napprise = { env = "TEAM" }\n'
    rules = RULES.replace('["crm"]', '["team", "crm"]')
    Path("listening.toml").write_text(rules + more, "utf-8")
    with serving() as server:
        monkeypatch.setenv("CRM", server.url)
        monkeypatch.setenv("CRM_SECRET", SECRET)
        done = listening("alerts", "evaluate", "--json").row

    assert (done["sent"], done["failed"]) == (1, 1)
    assert "the environment variable TEAM is not set" in listening("alerts", "list").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backtest", "spike"], "there is no rule 'spike' (known"),
        (["show", "abc"], "there is no alert abc"),
        (["test", "team"], "there is no channel 'team'"),
        (["silence", "Amberwing"], "'Amberwing' is no label"),
        (["silence", "brand=A", "--for", "long"], "--for = 'long' is no interval"),
    ],
)
def test_a_mistake_is_told_with_its_mend(arguments, message, demo_store, listening):
    done = listening("--store", demo_store, "alerts", *arguments, "--json")

    assert done.code == 2
    assert message in done.row["message"]


def test_without_rules_evaluate_says_how_to_write_one(listening):
    SqliteStore("live.sqlite").close()

    done = listening("--store", "live.sqlite", "alerts", "evaluate", "--json")

    assert done.code == 2
    assert "there are no rules: write [alerts.rules.spikes]" in done.row["message"]


def test_any_series_of_counts_is_scored_row_by_row(listening):
    rng, start = np.random.default_rng(2), datetime(2026, 3, 2, tzinfo=UTC)
    values = rng.poisson(6, 24 * 40).tolist()
    values[900:904] = [40, 45, 50, 44]
    rows = [f"{start + n * timedelta(hours=1):%F %H:%M},{v}" for n, v in enumerate(values)]
    rows[300] = rows[300].split(",")[0] + ","
    Path("c.csv").write_text("timestamp,value\n" + "\n".join(rows), "utf-8")
    found = listening("alerts", "detect", "--counts", "c.csv", "--json").rows

    assert len(found) == len(values)
    assert found[300]["phase"] == "no data"
    assert [n for n, row in enumerate(found) if row["firing"]][-1] in range(900, 904)
    assert max(found, key=lambda row: row["score"])["timestamp"] in {
        row["timestamp"] for row in found[900:904]
    }
    assert sum(row["firing"] for row in found[:900]) <= 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time,value\n", "the first line must name the columns: timestamp,value"),
        ("timestamp,value\n2026-03-02,1\nyesterday,2\n", "c.csv, line 3: "),
        ("timestamp,value\n2026-03-02,-1\n", "c.csv, line 2: -1 is no count"),
    ],
)
def test_a_series_that_cannot_be_read_names_its_line(content, message, listening):
    Path("c.csv").write_text(content, "utf-8")
    done = listening("alerts", "detect", "--counts", "c.csv", "--json")

    assert done.code == 2
    assert message in done.row["message"]
