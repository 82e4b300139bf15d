import dataclasses
import re
from pathlib import Path

import pytest

from listening import settings
from listening.alerts.rules import Rule
from listening.errors import ConfigError
from listening.records import Kind
from listening.settings import (
    AirflowSettings,
    ChannelSettings,
    ElasticsearchSettings,
    ModelSettings,
    Settings,
    StreamSettings,
)
from listening.sources import SOURCES

RECORDS = (
    *(Settings, ModelSettings, ElasticsearchSettings, AirflowSettings, StreamSettings),
    *(ChannelSettings, Rule),
)


def write(text: str) -> Path:
    path = Path("listening.toml")
    path.write_text(text, encoding="utf-8")
    return path


def uncommented() -> str:
    """The template with every commented-out option switched on."""
    return re.sub(r"^# (?=\[|[a-z_]+ = )", "", settings.template(), flags=re.MULTILINE)


def test_without_a_file_the_defaults_hold():
    assert settings.load().store == "listening.sqlite"


def test_the_template_is_valid_as_it_stands():
    assert list(settings.load(write(settings.template())).streams) == ["survey"]


def test_the_template_is_valid_with_everything_switched_on():
    chosen = settings.load(write(uncommented()), {})

    assert {stream.source for stream in chosen.streams.values()} == set(SOURCES)
    for name, stream in chosen.streams.items():
        settings.build_source(stream, name, {"X_BEARER_TOKEN": "t"})


def test_the_template_names_every_option():
    names = {field.name for record in RECORDS for field in dataclasses.fields(record)}
    names |= {option for source in SOURCES for option in settings.options_of(source)}
    names -= {"folder", "author_key", "options"}

    assert [
        name
        for name in sorted(names)
        if not re.search(rf"\b{name} =|\[{name}[].]", settings.template())
    ] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('stroe = "x"', "unknown key 'stroe'; did you mean 'store'"),
        ('zone = "Mars"', "'Mars' is no time zone"),
        ("[model]\nthreshold = 'a'", r"model.threshold = 'a'"),
        ("[model]\nnmae = 'a'", r"\[model\]: unknown key 'nmae'; did you mean 'name'"),
        ('[streams.a]\nsource = "rs"', "did you mean 'rss'"),
        ('[streams.a]\nsource = "rss"\nulr = "x"', "did you mean 'url'"),
        ('[streams.a]\nbrand = "x"', "needs a source"),
        ('[streams.a]\nsource = "rss"\nevery = "soon"', "is no interval"),
        ('[streams.a]\nsource = "x"\nbearer_token = "abc"', "may not stand in the file"),
        ("[elasticsearch]\nreplica = 2", "did you mean 'replicas'"),
        ("[elasticsearch]\nreplicas = -1", "replicas cannot be negative"),
        ("[elasticsearch]\ntimeout = 0", "timeout must be some seconds"),
        ("[airflow]\nscore_tasks = 0", "score_tasks must be from 1 to 256"),
        ('[airflow]\npools = { y = "a" }', r"\[airflow.pools\]: unknown key 'y'"),
        ('keep = "a year"', "keep = 'a year' is no interval"),
        ("store = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_mend(text, message):
    with pytest.raises(ConfigError, match=message):
        settings.load(write(text), {})


def test_a_missing_option_is_named():
    stream = settings.load(write('[streams.a]\nsource = "rss"')).streams["a"]

    with pytest.raises(ConfigError, match=r"\[streams.a\]: url is missing"):
        settings.build_source(stream, "[streams.a]")


POSTS = '[streams.a]\nsource = "x"\nquery = "medus"\nbearer_token = '


@pytest.mark.parametrize("token", ['{ env = "T" }', '{ file = "token" }'])
def test_secrets_come_from_the_environment_or_a_file_and_are_not_shown(token):
    Path("token").write_text("canary\n", encoding="utf-8")
    stream = settings.load(write(POSTS + token)).streams["a"]
    source = settings.build_source(stream, "a", {"T": "canary"})

    assert getattr(source, "bearer_token", None) == "canary"
    assert "canary" not in f"{stream!r} {source!r}"


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (
            '{ env = "T" }',
            r"listening.toml: \[streams.a\]: bearer_token: .* T is not set; export it",
        ),
        ('{ file = "token" }', "token cannot be read: No such file"),
    ],
)
def test_a_secret_is_missed_when_it_is_needed_not_before(token, message):
    stream = settings.load(write(POSTS + token), {}).streams["a"]

    with pytest.raises(ConfigError, match=message):
        settings.build_source(stream, "a", {})


def test_paths_are_relative_to_the_file():
    Path("deep").mkdir()
    path = Path("deep/listening.toml")
    path.write_text(
        '[streams.a]\nsource = "files"\npath = "*.csv"\nkind = "survey"', encoding="utf-8"
    )
    stream = settings.load(path).streams["a"]

    assert stream.options["path"] == "deep/*.csv"
    assert stream.kind is Kind.SURVEY
