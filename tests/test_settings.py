import dataclasses
import re
from pathlib import Path

import pytest

from listening import settings
from listening.errors import ConfigError
from listening.records import Kind
from listening.settings import ModelSettings, Settings, StreamSettings
from listening.sources import SOURCES


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
    chosen = settings.load(write(uncommented()), {"X_BEARER_TOKEN": "t"})

    assert {stream.source for stream in chosen.streams.values()} == set(SOURCES)
    for name, stream in chosen.streams.items():
        settings.build_source(stream, name)


def test_the_template_names_every_option():
    names = {
        field.name
        for record in (Settings, ModelSettings, StreamSettings)
        for field in dataclasses.fields(record)
    }
    names |= {option for source in SOURCES for option in settings.options_of(source)}
    names -= {"folder", "streams", "model", "author_key", "options"}

    assert [
        name for name in sorted(names) if not re.search(rf"\b{name} =", settings.template())
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
        ('[streams.a]\nsource = "x"\nbearer_token = { env = "T" }', "variable T is not set"),
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


def test_secrets_come_from_the_environment_or_a_file_and_are_not_shown():
    Path("token").write_text("from-file\n", encoding="utf-8")
    for token, environ in (('{ env = "T" }', {"T": "from-env"}), ('{ file = "token" }', {})):
        stream = settings.load(
            write(f'[streams.a]\nsource = "x"\nquery = "medus"\nbearer_token = {token}'), environ
        ).streams["a"]
        source = settings.build_source(stream, "a")

        assert stream.options["bearer_token"].startswith("from-")
        assert "from-" not in repr(source)


def test_paths_are_relative_to_the_file():
    Path("deep").mkdir()
    path = Path("deep/listening.toml")
    path.write_text(
        '[streams.a]\nsource = "files"\npath = "*.csv"\nkind = "survey"', encoding="utf-8"
    )
    stream = settings.load(path).streams["a"]

    assert stream.options["path"] == "deep/*.csv"
    assert stream.kind is Kind.SURVEY
