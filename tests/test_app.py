import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from listening import query
from listening.app import App
from listening.erasure import Erased
from listening.errors import ConfigError
from listening.normalise import Defaults, normalise
from listening.pipeline import EVERYTHING
from listening.records import (
    Filter,
    Label,
    Part,
    Rating,
    Rejected,
    Scale,
    Sentiment,
    Window,
)
from listening.settings import Settings, StreamSettings


@pytest.fixture
def app(tmp_path):
    return App(Settings(folder=tmp_path, author_key="a key of a test"))


@pytest.fixture
def put(app, item):
    """Store an item of a source under the app's own key."""

    def store(native_id: str, text: str = "The crew was kind.", source: str = "x", **more: object):
        defaults = Defaults(source=source, brand="Amberwing", key=app._key)
        one = normalise(item(native_id, text, **more), defaults)
        app.store.put([one])
        return one

    return store


def aside(raw: str) -> Rejected:
    return Rejected(stream="file:a.csv", origin="a.csv", reason="no date", raw=raw, line=2)


def test_an_author_is_found_by_name_in_every_source(app, put):
    put("1", author="@Anna", source="x")
    put("2", author="anna", source="reviews")
    put("3", author="annabel", source="x")

    found = app.search(app.where("author:ANNA"))

    assert {hit.feedback.native_id for hit in found.hits} == {"1", "2"}
    assert "anna" not in repr(found).casefold().replace("native", "")


def test_not_an_author_leaves_that_author_out(app, put):
    put("1", author="anna")
    put("2", author="ben")

    found = app.search(app.where("crew AND NOT author:anna"))

    assert [hit.feedback.native_id for hit in found.hits] == ["2"]


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    apps = [App(Settings(folder=tmp_path)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda app: app._key, apps))

    assert len(keys) == 1
    (file,) = tmp_path.iterdir()
    assert file.name == "listening.sqlite.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert App(Settings(folder=tmp_path))._key in keys


def test_without_creates_nothing_is_made(tmp_path):
    app = App(Settings(folder=tmp_path), creates=False)

    app.file_stream("a.csv", {})
    assert app.status().exists is False
    assert app.search(Filter()).total == 0
    assert list(tmp_path.iterdir()) == []


def test_without_creates_an_existing_store_is_read(app, put):
    put("1")

    assert App(app.settings, creates=False).search(Filter()).total == 1


def test_a_broken_off_run_over_a_file_goes_on_and_the_next_starts_anew(app, tmp_path):
    rows = "".join(f"{n},2026-10-01,Number {n}\n" for n in range(1200))
    (tmp_path / "a.csv").write_text(f"id,date,comment\n{rows}", "utf-8")
    stream = app.file_stream(str(tmp_path / "a.csv"), {})

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        app.ingest(stream, window=EVERYTHING, dry_run=False, progress=stop)
    runs = [
        app.ingest(stream, window=EVERYTHING, dry_run=False, progress=lambda _: None)
        for _ in range(2)
    ]

    assert [(run.rows, run.stored, run.duplicates) for run in runs] == [
        (700, 700, 0),
        (1200, 0, 1200),
    ]


def test_erasing_takes_rows_set_aside_that_hold_what_is_erased(app, put):
    put("1", "Where is my bag?", author="ben")
    put("2", "All fine")
    kept = aside('{"who": "benny", "said": "ben was here", "native_id": "8"}')
    app.store.set_aside(
        [
            aside('{"who": "@Ben", "said": "hm", "native_id": "7"}'),
            aside('{"item": {"author": "x", "text": "Where is my bag?"}}'),
            aside('broken,"ben,never closed'),
            aside("broken,benny"),
            kept,
        ]
    )

    erased = app.erase(app.where("author:ben"), [])

    assert erased == Erased(feedback=1, quarantined=3)
    assert [row.raw for row in app.store.quarantine().values()] == ["broken,benny", kept.raw]


@pytest.mark.parametrize("text", ["author:ben bag", "bag AND NOT author:ben", "bag"])
def test_a_query_that_leaves_some_of_an_author_leaves_the_rows_set_aside(app, put, text):
    put("1", "Where is my bag?", author="ben")
    app.store.set_aside([aside('{"who": "ben", "said": "hm"}')])

    assert app.erase(app.where(text), []).quarantined == 0


def test_erasing_goes_on_until_nothing_is_found(app, put):
    for number in range(230):
        put(str(number), f"crew {number}")
    put("other", "nothing of that")

    assert app.erase(app.where("crew"), []).feedback == 230
    assert app.search(Filter()).total == 1


def test_status_counts_by_source_with_its_newest_day(app, put):
    put("1", created_at=datetime(2026, 10, 1, tzinfo=UTC))
    put("2", created_at=datetime(2026, 10, 3, tzinfo=UTC))
    put("3", source="shop", created_at=datetime(2026, 10, 2, tzinfo=UTC))

    status = app.status()

    assert [(s.name, s.feedback, s.last) for s in status.sources] == [
        ("shop", 1, "2026-10-02"),
        ("x", 2, "2026-10-03"),
    ]
    assert (status.first, status.last, status.unscored) == ("2026-10-01", "2026-10-03", 3)


def label(app: App, one, value: Label) -> None:
    chance = {each: float(each is value) for each in Label}
    sentiment = Sentiment(
        chance[Label.NEGATIVE], chance[Label.NEUTRAL], chance[Label.POSITIVE], "test"
    )
    app.store.annotate([(one.id, one.text, sentiment)])


def test_telling_words_are_those_of_one_sentiment_against_the_others_of_a_language(app, put):
    for n in range(12):
        label(app, put(f"a{n}", "The voucher did not work at all", language="en"), Label.NEGATIVE)
        label(app, put(f"b{n}", "The crew did greet us all", language="en"), Label.POSITIVE)
        label(app, put(f"c{n}", "Kuponas visai neveikė kasoje", language="lt"), Label.NEGATIVE)

    found = app.words("sentiment:negative", None, limit=10)

    english = {word.term for word in found if word.language == "en"}
    assert "voucher" in english
    assert not {"The", "the", "did", "all", "crew"} & english


def test_a_brands_complaints_are_held_against_what_else_is_said_of_the_brand(app, put):
    for n in range(12):
        label(app, put(f"a{n}", "My flight: the voucher failed", language="en"), Label.NEGATIVE)
        label(app, put(f"b{n}", "My flight was a joy", language="en"), Label.POSITIVE)
        label(app, put(f"c{n}", "Their bread is dry", brand="Medus"), Label.POSITIVE)

    terms = {word.term for word in app.words("brand:Amberwing sentiment:negative", None, limit=10)}

    assert "voucher" in terms
    assert not {"flight", "My", "my"} & terms


def test_words_can_be_held_against_another_query(app, put):
    for n in range(12):
        put(f"a{n}", "The voucher did not work at all", language="en")
        put(f"b{n}", "The crew did greet us all", language="en")

    found = app.words("voucher", "crew", limit=10)

    assert {"voucher", "work"} <= {word.term for word in found}
    assert not {"did", "all"} & {word.term for word in found}


def test_words_of_everything_have_nothing_to_be_held_against(app):
    with pytest.raises(ConfigError, match="--against"):
        app.words("", None, limit=10)


def test_a_window_narrows_what_a_query_finds(app, put):
    put("1", created_at=datetime(2026, 10, 1, tzinfo=UTC))
    put("2", created_at=datetime(2026, 10, 3, tzinfo=UTC))

    where = app.where("crew", Window(since=datetime(2026, 10, 2, tzinfo=UTC)))

    assert [hit.feedback.native_id for hit in app.search(where).hits] == ["2"]
    assert where.text == query.parse("crew")


def test_the_key_of_the_environment_makes_no_file(tmp_path):
    app = App(Settings(folder=tmp_path, author_key="given"))
    app.file_stream("a.csv", {})

    assert list(tmp_path.iterdir()) == []
    assert App(replace(app.settings, author_key="other"))._key != app._key


@pytest.mark.skipif(os.geteuid() == 0, reason="the system lets root write anywhere")
def test_a_key_that_cannot_be_written_says_so(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="LISTENING_AUTHOR_KEY"):
            App(Settings(folder=tmp_path)).file_stream("a.csv", {})
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("key", [None, "given"])
def test_a_store_in_a_folder_that_is_not_there_names_the_folder(key):
    app = App(Settings(folder=Path("nowhere"), author_key=key))

    with pytest.raises(ConfigError, match="no folder nowhere to keep the store in"):
        app.file_stream("a.csv", {}) if key is None else app.store.quarantine()


@pytest.mark.parametrize("creates", [False, True])
def test_a_store_that_lost_its_key_does_not_take_another_unasked(app, put, creates):
    put("1", author="anna")

    app = App(replace(app.settings, author_key=None), creates=creates)
    with pytest.raises(ConfigError, match=r"listening\.sqlite\.key.* is gone; put it back"):
        app.where("author:anna")
    assert app.where("crew").text is not None


def test_a_store_that_machines_share_needs_a_key_from_the_environment(tmp_path):
    app = App(Settings(folder=tmp_path, store="https://search.example:9200/listening"))

    with pytest.raises(ConfigError, match=r"LISTENING_AUTHOR_KEY is not set.*token_hex.*worker"):
        app.file_stream("a.csv", {})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_kind_of_store_says_which_there_are(tmp_path):
    app = App(Settings(folder=tmp_path, store="redis://search.example/1"))

    with pytest.raises(ConfigError, match=r"redis:// is no kind of store; write the path of a SQL"):
        app.status()


def test_a_missing_client_says_how_to_install_it(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("listening.stores.elastic")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "elasticsearch", None)
    app = App(
        Settings(folder=tmp_path, store="https://search.example:9200/listening"), creates=False
    )

    with pytest.raises(ConfigError, match=r"pip install 'listening\[elasticsearch\]'"):
        app.search(Filter())


NOW = datetime(2026, 10, 20, tzinfo=UTC)


def test_whole_months_expire_by_the_settings(app, put):
    kept = App(replace(app.settings, keep="30d"))
    for n, month in enumerate((7, 8, 9, 10)):
        put(str(n), created_at=datetime(2026, month, 15, tzinfo=UTC))

    assert kept.expire(now=NOW, dry_run=True) == 2
    assert kept.search(Filter()).total == 4
    assert kept.expire(now=NOW) == 2
    assert kept.expire(now=NOW) == 0
    assert {hit.feedback.native_id for hit in kept.search(Filter()).hits} == {"2", "3"}


def test_nothing_expires_unless_the_settings_say_so(app, put):
    put("1", created_at=datetime(1999, 1, 1, tzinfo=UTC))

    with pytest.raises(ConfigError, match=r'keep = "400d"'):
        app.expire(now=NOW)
    assert app.search(Filter()).total == 1


def test_what_has_expired_is_not_pulled_again(app, tmp_path):
    today = datetime.now(UTC)
    old = today - timedelta(days=70)
    (tmp_path / "a.csv").write_text(
        f"id,date,comment\na,{old:%Y-%m-%d},Long ago\nb,{today:%Y-%m-%d},Now\nc,nonsense,x\n",
        "utf-8",
    )
    kept = App(replace(app.settings, keep="30d"))

    stream = kept.file_stream(str(tmp_path / "a.csv"), {})
    runs = [
        kept.ingest(stream, window=EVERYTHING, dry_run=False, progress=lambda _: None)
        for _ in range(2)
    ]

    counts = [(run.rows, run.stored, run.duplicates, run.expired) for run in runs]
    assert counts == [(3, 1, 0, 1), (3, 0, 1, 1)]
    assert [len(run.quarantined) for run in runs] == [1, 1]
    assert [hit.feedback.text for hit in kept.search(Filter()).hits] == ["Now"]


@dataclass
class Counting:
    """A scorer that says how often it was asked; every text is negative."""

    model: str = "counting"
    texts: list[str] = field(default_factory=list)

    def score(self, texts):
        self.texts += texts
        return [Sentiment(0.9, 0.05, 0.05, self.model) for _ in texts]


@pytest.fixture
def scorer(app):
    counting = Counting()
    app.__dict__["scorer"] = counting
    return counting


def test_a_query_is_scored_again_whatever_scored_it_before(app, put, scorer):
    for n in range(230):
        label(app, put(f"a{n}", f"crew {n}"), Label.POSITIVE)
    label(app, put("other", "nothing of that"), Label.POSITIVE)
    put("rating", "", ratings=(Rating(Scale.NPS, 9),))

    rehearsed = app.rescore("crew", limit=None, dry_run=True, progress=lambda _: None)
    assert (rehearsed.texts, dict(rehearsed.labels), scorer.texts) == (230, {}, [])
    done = app.rescore("sentiment:positive crew", limit=None, dry_run=False, progress=lambda _: 0)

    assert (done.model, done.texts, done.labels) == ("counting", 230, {Label.NEGATIVE: 230})
    assert app.search(app.where("sentiment:positive")).total == 1
    assert app.rescore("", limit=5, dry_run=True, progress=lambda _: None).texts == 5
    assert app.rescore("", limit=5, dry_run=False, progress=lambda _: None).texts == 5


def test_parts_are_scored_side_by_side(app, put, scorer):
    for n in range(50):
        put(f"a{n}", f"crew {n}")

    parts = [
        app.score(limit=None, part=Part(n, 3), progress=lambda _: None).texts for n in range(3)
    ]

    assert sum(parts) == len(set(scorer.texts)) == len(scorer.texts) == 50
    assert all(parts)


def test_one_stream_for_each_brand_and_source_is_swept(app):
    medus = StreamSettings(source="x", brand="Medus")
    streams = {
        "a": medus,
        "b": replace(medus, brand="Zefira"),
        "c": replace(medus, every="2h"),
        "d": replace(medus, label="elsewhere"),
        "e": StreamSettings(source="files", brand="Medus"),
    }

    assert App(replace(app.settings, streams=streams)).sweepable() == ["a", "b", "d"]
