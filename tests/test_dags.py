import ast
import json
import subprocess
import sys

import pytest
from pytest_socket import enable_socket

from listening.app import App
from listening.records import Filter
from listening.settings import load
from tests.airflow_support import ROOT, driver, environment, migrate, needs_airflow, site
from tests.alert_support import SECRET, serving
from tests.test_layers import SLOW

pytestmark = needs_airflow

CSV = """id,text,date,stars
1,The crew was kind and the flight on time.,2026-10-01,5
2,Terrible delay and nobody told us anything.,2026-10-02,1
3,ძალიან ცუდი მომსახურება,2026-10-03,1
"""
SETTINGS = """
store = "listening.sqlite"
zone = "Europe/Riga"
internal_hosts = ["127.0.0.1"]

[airflow]
pools = { rss = "feeds" }

[streams.survey]
source = "files"
path = "*.csv"
brand = "Amberwing"
every = "6h"

[streams."the news"]
source = "rss"
url = "http://127.0.0.1:1/feed.xml"
brand = "Amberwing"

[streams.posts]
source = "x"
query = "amberwing"
brand = "Amberwing"
bearer_token = { env = "X_TOKEN" }
every = "15m"
"""

DIGEST = """
[alerts.channels.crm]
webhook = { env = "CRM" }
secret = { env = "CRM_SECRET" }

[digest]
channels = ["crm"]
weekday = "friday"
time = "07:30"
"""
BEARER = {"X_TOKEN": "canary-of-the-environment"}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, cache):
    home = tmp_path_factory.mktemp("airflow")
    migrate(home)
    with driver(home, LISTENING_CACHE=cache) as started:
        yield started


@pytest.fixture
def dags(airflow, tmp_path):
    """The driver over a store and settings of a test's own."""
    airflow.settings = tmp_path / "listening.toml"
    airflow.settings.write_text(SETTINGS)
    (tmp_path / "survey.csv").write_text(CSV)
    return airflow


@pytest.fixture
def feed(dags):
    enable_socket()
    with site() as found:
        text = SETTINGS.replace("http://127.0.0.1:1/feed.xml", found.url)
        dags.settings.write_text(text.replace('pools = { rss = "feeds" }', ""))
        yield found


def stored(dags):
    app = App(load(dags.settings))
    return {hit.feedback.id: hit for hit in app.search(Filter(), limit=200).hits}


def labels(dags):
    return {id_: hit.sentiment and hit.sentiment.label for id_, hit in stored(dags).items()}


# What there is


def test_each_stream_is_a_dag_with_its_own_schedule(dags):
    found = dags.parse()

    assert found["errors"] == []
    assert {name: dag["schedule"] for name, dag in found["dags"].items()} == {
        "listening_ingest_survey": "21600",
        "listening_ingest_the_news": "3600",
        "listening_ingest_posts": "900",
        "listening_score": "AssetTriggeredTimetable",
        "listening_alerts": "AssetOrTimeSchedule",
        "listening_care": "17 3 * * *",
        "listening_back_fill": "NullTimetable",
        "listening_rescore": "NullTimetable",
    }
    assert found["dags"]["listening_ingest_posts"]["tags"] == ["ingest", "listening", "x"]


def test_a_source_has_the_pool_that_the_settings_name_else_the_default_one(dags):
    found = dags.parse()["dags"]

    assert found["listening_ingest_the_news"]["tasks"]["pull"] == {"pool": "feeds", "retries": 5}
    assert found["listening_ingest_survey"]["tasks"]["pull"]["pool"] == "default_pool"


@pytest.mark.parametrize(
    ("old", "new", "environ", "message"),
    [
        ("", "", {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"}, "cannot share; name an Elastic"),
        (
            "",
            "",
            {"LISTENING_SETTINGS": "/nowhere.toml"},
            "/nowhere.toml does not exist; write one",
        ),
        ("every", "evry", {}, "unknown key 'evry'; did you mean 'every'"),
        ("streams.posts", 'streams."the_news"', {}, "are one name to Airflow; rename one"),
    ],
)
def test_a_mistake_in_the_settings_is_an_import_error_that_says_the_mend(
    dags, old, new, environ, message
):
    dags.settings.write_text(SETTINGS.replace(old, new))
    found = dags.parse(**environ)

    assert found["dags"] == {}
    assert message in found["errors"][0]


def test_the_dags_use_the_task_sdk_only():
    named = {
        node.module
        for path in (ROOT / "dags").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }

    assert [n for n in named if n.startswith("airflow") and not n.startswith("airflow.sdk")] == []


def test_parsing_loads_nothing_heavy(dags, tmp_path, capsys):
    code = (
        "import sys, time; from airflow.sdk import *; from airflow.sdk.log import mask_secret;"
        "before = set(sys.modules); start = time.perf_counter(); import listening_dags;"
        "print(time.perf_counter() - start, *(set(sys.modules) - before))"
    )
    took, *loaded = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(
            tmp_path, PYTHONPATH=f"{ROOT}:{ROOT / 'dags'}", LISTENING_SETTINGS=str(dags.settings)
        ),
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()
    with capsys.disabled():
        sys.stdout.write(f"\nthe DAGs parsed in {float(took):.2f} s\n")

    heavy = SLOW | {"elasticsearch", "listening.scoring", "listening.stores.sqlite"}
    assert heavy.intersection(loaded) == set()


# What they do


def test_a_pull_gives_counts_and_starts_scoring(dags):
    done = dags.run("ingest_survey")

    assert done["state"] == "success"
    assert done["xcom"] == [
        {
            "stream": "survey",
            "rows": 3,
            "stored": 3,
            "updated": 0,
            "duplicates": 0,
            "erased": 0,
            "expired": 0,
            "quarantined": 0,
        }
    ]
    assert done["events"] == 1
    assert len(stored(dags)) == 3


def test_a_pull_repeated_gives_the_same_store(dags):
    dags.run("ingest_survey")
    once = stored(dags)
    done = dags.run("ingest_survey")

    assert done["xcom"][0]["stored"] == 0
    assert stored(dags) == once


def test_scoring_starts_as_long_as_something_waits_and_no_longer(dags):
    first, again = dags.run("ingest_survey"), dags.run("ingest_survey")
    scored = dags.run("score", asset=True)
    after = dags.run("ingest_survey")

    assert [first["events"], again["events"], scored["events"], after["events"]] == [1, 1, 1, 0]


def test_parts_score_everything_once(dags):
    dags.run("ingest_survey")
    done = dags.run("score", asset=True)

    assert done["state"] == "success"
    assert [task for task, *_ in done["tasks"]] == ["part", "part", "total"]
    assert done["names"][:2] == ["part 1", "part 2"]
    assert sum(one["texts"] for one in done["xcom"][:2]) == done["xcom"][2] == 3
    assert None not in labels(dags).values()


def test_without_rules_there_is_nothing_to_alert_of(dags):
    assert dags.run("alerts", asset=True)["tasks"] == [["look", "skipped", 1]]


def test_rules_are_evaluated_after_scoring(dags):
    rule = """
[alerts.rules.collection]
when = "outage"
within = "1d"
"""
    dags.settings.write_text(SETTINGS + rule)
    dags.run("ingest_survey")
    done = dags.run("alerts", asset=True)

    assert done["tasks"] == [["look", "success", 1]]
    assert done["xcom"] == [
        {"alerts": 1, "firing": 1, "told": 1, "failed_rules": 0, "sent": 0, "not_sent": 0}
    ]


def test_the_digest_of_a_week_is_sent_once(dags):
    dags.settings.write_text(SETTINGS + DIGEST)
    secrets = {"CRM_SECRET": SECRET}
    with serving() as server:
        secrets["CRM"] = f"{server.url}/hook"
        found = dags.parse(**secrets)["dags"]["listening_digest"]
        dags.run("ingest_survey", **secrets)
        first, again = (dags.run("digest", **secrets) for _ in range(2))

    assert found["schedule"] == "30 7 * * 5"
    assert [one["tasks"] for one in (first, again)] == [[["send", "success", 1]]] * 2
    assert [one["xcom"][0]["sent"] for one in (first, again)] == [1, 0]
    assert again["xcom"][0]["sent_before"] == 1
    assert server.ids == [f"digest-{first['xcom'][0]['week']}"]


def test_old_feedback_goes(dags):
    dags.run("ingest_survey")
    dags.settings.write_text('keep = "1d"\n' + SETTINGS)
    done = dags.run("care", **BEARER)

    assert [task[:2] for task in done["tasks"]] == [["expire", "success"], ["sweep", "success"]]
    assert done["xcom"][0] == {"expired": 3}
    assert stored(dags) == {}
    assert "canary" not in dags.log.read_text()


def test_the_secret_of_a_stream_comes_from_its_connection(dags):
    secret = {"conn_type": "http", "password": "canary-of-a-connection"}
    done = dags.run("care", AIRFLOW_CONN_LISTENING_POSTS=json.dumps(secret))

    assert done["xcom"] == [{"stream": "posts", "checked": 0, "erased": 0}]
    assert done["names"] == ["posts"]
    assert "canary" not in dags.log.read_text()


def test_a_period_is_pulled_again(dags):
    conf = {"stream": "survey", "since": "2026-10-01", "until": "2026-10-03"}
    dry = dags.run("back_fill", {**conf, "dry_run": True})
    nothing = dict(stored(dags))
    done = dags.run("back_fill", conf)
    again = dags.run("back_fill", conf)

    assert (dry["xcom"][0]["stored"], dry["events"], nothing) == (2, 0, {})
    assert [one["xcom"][0]["stored"] for one in (done, again)] == [2, 0]
    assert sorted(one[-1] for one in stored(dags)) == ["1", "2"]


def test_a_period_that_ends_before_it_begins_is_not_tried_again(dags):
    done = dags.run("back_fill", {"stream": "survey", "since": "2026-10-03", "until": "2026-10-01"})

    assert done["tasks"] == [["pull", "failed", 1]]
    assert "is not before until" in dags.log.read_text()


def test_what_a_query_finds_is_scored_again(dags):
    dags.run("ingest_survey")
    dry = dags.run("rescore", {"query": "lang:ka", "dry_run": True})
    unscored = set(labels(dags).values())
    done = dags.run("rescore", {"query": "lang:ka"})

    assert (dry["xcom"][0]["texts"], unscored) == (1, {None})
    assert done["xcom"][0]["texts"] == 1
    assert [label for label in labels(dags).values() if label] == ["negative"]


def test_the_store_is_where_its_connection_says(tmp_path):
    code = """
import json
from airflow.sdk import Connection
from listening_tasks import _credentials, _store
told = [
    Connection(conn_id="a", conn_type="http", host="es", port=9200, login="me", password="pass"),
    Connection(conn_id="b", conn_type="es", host="es1:9200,es2:9200", schema="x", password="key"),
    Connection(conn_id="c", conn_type="generic", password="key"),
]
print(json.dumps([[_store(one, "as it was"), _credentials(one)] for one in told]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, PYTHONPATH=f"{ROOT}:{ROOT / 'dags'}"),
        capture_output=True,
        check=True,
        text=True,
    )
    addresses, credentials = zip(*json.loads(done.stdout), strict=True)
    given = [{name[14:]: value for name, value in one.items() if value} for one in credentials]

    assert addresses == ("http://es:9200/listening", "https://es1:9200,es2:9200/x", "as it was")
    assert given == [{"USERNAME": "me", "PASSWORD": "pass"}, {"API_KEY": "key"}, {"API_KEY": "key"}]


# What goes wrong


def test_a_wrong_key_fails_at_once(dags, feed):
    feed.statuses = [401]
    done = dags.run("ingest_the_news")

    assert done["state"] == "failed"
    assert done["tasks"] == [["pull", "failed", 1]]
    assert feed.asked == 1


def test_trouble_is_tried_again_after_the_wait_that_was_asked_for(dags, feed):
    feed.statuses = [503] * 3
    done = dags.run("ingest_the_news")

    assert done["state"] == "success"
    assert done["tasks"] == [["pull", "success", 2]]
    assert "the wait that was asked for" in dags.log.read_text()
    assert len(stored(dags)) == 1


def test_a_missing_secret_is_named_when_it_is_needed(dags):
    done = dags.run("ingest_posts")

    assert done["tasks"] == [["pull", "failed", 1]]
    assert "the environment variable X_TOKEN is not set; export it" in dags.log.read_text()
