"""Airflow as a team runs it, over a real Elasticsearch; takes about a minute and a half."""

import csv
import json
import secrets
from collections import Counter
from urllib.parse import urlsplit

import pytest

from listening.records import Dimension, Filter
from tests.airflow_support import deployment, migrate, needs_airflow, site
from tests.elastic import elastic  # noqa: F401 - a fixture

pytestmark = needs_airflow

TEXTS = [
    "The crew was kind but never mentioned the marmalade canary-text",
    "Lidojums kavējās, neviens neko nepaskaidroja canary-text",
    "ძალიან ცუდი მომსახურება canary-text",
    "Labai geras aptarnavimas canary-text",
]
ROWS = 12_000
EVERY = 3  # so many rows have a text: enough for some seconds of scoring
NAME = f"test-airflow-{secrets.token_hex(4)}"
SETTINGS = """
internal_hosts = ["127.0.0.1"]
store = "https://this.is.overruled.by.a.connection"
[elasticsearch]
replicas = 0
[streams.survey]
source = "files"
path = "survey.csv"
brand = "Amberwing"
every = "1d"
[streams.news]
source = "rss"
url = "NEWS?key=canary-in-a-url"
brand = "Amberwing"
[streams.posts]
source = "x"
query = "amberwing"
brand = "Amberwing"
bearer_token = { env = "NOT_SET" }
"""


def write_survey(path):
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "date", "stars"])
        for number in range(ROWS):
            text = "" if number % EVERY else f"{TEXTS[number // EVERY % 4]} {number}"
            rows.writerow(
                [f"row{number}", text, f"2026-{number % 10 + 1:02}-{number % 28 + 1:02}", 4]
            )


@pytest.fixture
def news(elastic):  # noqa: F811 - the fixture, which opens the network to this machine
    """A feed for which our key is wrong, always."""
    with site() as found:
        found.statuses = [401] * 100
        yield found


@pytest.fixture
def airflow(elastic, news, tmp_path):  # noqa: F811 - the fixture
    """A deployment over ``elastic``; its connections hold the secrets."""
    home, settings = tmp_path / "airflow", tmp_path / "listening.toml"
    home.mkdir()
    migrate(home)
    settings.write_text(SETTINGS.replace("NEWS", news.url))
    write_survey(tmp_path / "survey.csv")
    url = urlsplit(elastic.url)
    store = {"conn_type": "http", "host": url.hostname, "port": url.port, "schema": NAME}
    with deployment(
        home,
        LISTENING_SETTINGS=str(settings),
        LISTENING_AUTHOR_KEY="canary-author-key",
        AIRFLOW_CONN_LISTENING_POSTS=json.dumps({"conn_type": "http", "password": "canary-token"}),
        AIRFLOW_CONN_LISTENING_STORE=json.dumps(
            {**store, "login": "listening", "password": "canary-store-password"}
        ),
    ) as started:
        yield started


def counted(store, by=()):
    return store.aggregate(Filter(), by=list(by))


def everything(store):
    page = store.search(Filter(), limit=200)
    yield from page.hits
    while page.cursor is not None:
        page = store.search(Filter(), limit=200, cursor=page.cursor)
        yield from page.hits


def test_a_killed_scheduler_loses_and_doubles_nothing_on_the_way_to_the_scores(elastic, airflow):  # noqa: F811 - the fixture
    store = elastic.store(NAME)

    def held():
        store.cluster.refresh(NAME)  # what others write is seen within seconds else, too late here
        return sum(one.count for one in counted(store))

    def waiting():
        store.cluster.refresh(NAME)
        return sum(one.unscored for one in counted(store, [Dimension.LABEL]))

    airflow.start("api-server", "dag-processor", "scheduler")
    airflow.wait("the DAGs", lambda: len(airflow.read("SELECT dag_id FROM dag")) == 8)
    # All but the one that would ask X.
    regex = ["--yes", "--treat-dag-id-as-regex", "listening_(?!ingest_posts).*"]
    airflow.command("dags", "unpause", *regex)

    airflow.wait("the first page", lambda: held() > 0)
    airflow.kill("scheduler")
    assert held() < ROWS, "the kill came too late to show anything"
    airflow.start("scheduler")
    airflow.wait("the pull", lambda: "success" in airflow.runs("ingest_survey"))
    assert held() == ROWS
    attempts = "SELECT state FROM task_instance_history WHERE dag_id = 'listening_ingest_survey'"
    assert airflow.read(attempts) == [("failed",)]

    texts = ROWS // EVERY
    airflow.wait("the first scores", lambda: waiting() < texts)
    airflow.kill("scheduler")
    assert waiting() > 0, "the kill came too late to show anything"
    airflow.start("scheduler")
    airflow.wait("the scores", lambda: waiting() == 0)
    assert ("failed",) in airflow.read(attempts.replace("ingest_survey", "score"))
    airflow.wait("what follows them", lambda: "success" in airflow.runs("alerts"))
    airflow.wait("the sweep", lambda: airflow.runs("care") == ["success"])
    assert set(airflow.runs("ingest_news")) == {"failed"}

    days = ["--from-date", "2026-10-01", "--to-date", "2026-10-02"]
    airflow.command("backfill", "create", "--dag-id", "listening_ingest_survey", *days)
    airflow.wait("back-fill", lambda: airflow.runs("ingest_survey").count("success") == 3)

    ids = Counter(hit.feedback.native_id for hit in everything(store))
    assert ids == Counter(f"row{number}" for number in range(ROWS))
    assert "canary" not in airflow.said()
