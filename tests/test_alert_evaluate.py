"""Rules over stored feedback: what fires, what does not, and that none is lost or doubled."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from listening.alerts.alert import Finding, Reason, Status
from listening.alerts.backtest import backtest
from listening.alerts.evidence import evidence, representative
from listening.alerts.judge import judged
from listening.alerts.ledger import add_silence
from listening.alerts.muting import Silence
from listening.alerts.picture import chart, course, png, subject
from listening.alerts.replay import Checkpoint
from listening.alerts.rules import Part, Rule, When, Width
from listening.alerts.stories import copies, newest
from listening.alerts.watch import Pull
from listening.errors import ConfigError
from listening.records import Filter, Label, Scale, Window
from listening.stores.sqlite import SqliteStore
from tests.alert_world import (
    CRISIS,
    END,
    HOUR,
    LAST,
    RULE,
    SHARED,
    START,
    answer,
    crisis,
    find,
    live,
    look,
    put,
    said,
    story,
    texts,
    ticks,
    watch,
)
from tests.elastic import elastic  # noqa: F401 - a fixture

DAY = timedelta(days=1)
SELIJA, MEDUS = ("Sēlija",), ("Medus",)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("world") / "world.sqlite"
    store = SqliteStore(str(path))
    put(store, [*texts(), *story(), *crisis()])
    store.aggregate(Filter(), by=[])
    store.close()
    return path


@pytest.fixture
def path(filled, tmp_path):
    return Path(shutil.copy(filled, tmp_path))


@pytest.fixture
def store(path):
    found = SqliteStore(str(path))
    yield found
    found.close()


def status(ledger):
    return {
        entry.alert.labels.get("brand"): entry.alert.status for entry in ledger.entries.values()
    }


def told(ledger):
    return [
        one.notification
        for entry in ledger.entries.values()
        for one in sorted(entry.pending, key=lambda one: one.notification.at)
    ]


def outcomes(watched, since, until, before=None):
    found = list(judged(watched, since, until, before))
    kept = [one for one in found if isinstance(one, Checkpoint)]
    return [one for one in found if not isinstance(one, Checkpoint)], kept[0] if kept else None


# Spikes


def test_a_crisis_is_told_with_its_evidence(store):
    ledger, (done,) = look(store, END + HOUR / 4)

    assert status(ledger) == {"Sēlija": Status.FIRING, "Medus": Status.NORMAL}
    assert (done.alerts, done.firing, done.told, done.error) == (2, 1, 1, "")
    (one,) = told(ledger)
    assert one.reason is Reason.STARTED
    assert "source x" in " ".join(one.facts)
    assert "luggage" in " ".join(one.facts)
    assert len(one.samples) == 3
    assert "luggage" in one.samples[0]
    assert one.outcome is not None
    assert store.search(find(one.query)).total == one.outcome.observed


def test_looking_again_tells_nothing_new(store):
    first, _ = look(store, END + HOUR / 4)
    again, (done,) = look(store, END + HOUR / 3)

    assert again.entries == first.entries
    assert done.told == 0


def test_a_story_in_many_copies_is_one(store):
    window = Window(since=SHARED, until=SHARED + HOUR)
    raw = store.aggregate(replace(find(""), brand=MEDUS, window=window), by=[])[0].labels
    found, _ = outcomes(watch(store), SHARED - HOUR, SHARED + 6 * HOUR)

    assert raw[Label.NEGATIVE] >= 60
    assert not [one for one in found if one.outcome.finding is Finding.HIGH]
    one = next(j.outcome for j in found if j.scope == MEDUS and j.outcome.at == SHARED + HOUR)
    assert one.observed is not None
    assert one.observed < 30


def test_it_goes_on_from_a_checkpoint_as_if_it_had_seen_everything(store):
    until = END + 10 * HOUR
    whole, _ = outcomes(watch(store), CRISIS - DAY, until)
    _, kept = outcomes(watch(store), CRISIS - DAY, CRISIS + HOUR)
    assert kept is not None
    on, _ = outcomes(watch(store), CRISIS - DAY, until, Checkpoint.from_json(kept.to_json()))

    assert on == whole[-len(on) :]
    assert len(on) > 2 * 24


def test_a_brand_that_is_new_is_gone_through_from_its_beginning(store):
    rng = np.random.default_rng(8)
    first = CRISIS - 15 * DAY
    _, kept = outcomes(watch(store), CRISIS - DAY, CRISIS)
    late = [said("Ozols", first + n * HOUR, "negative", rng) for n in range(15 * 24 + 3)]
    put(store, late)
    found, after = outcomes(watch(store), CRISIS, END, kept)

    assert after is not None
    assert after.scopes == (MEDUS, SELIJA, ("Ozols",))
    assert {one.outcome.finding for one in found if one.scope == ("Ozols",)} == {Finding.QUIET}


def test_the_start_of_a_collection_is_no_crisis_but_a_crisis_then_is_one(store):
    rng = np.random.default_rng(11)
    strays = [said("Ozols", CRISIS - n * DAY, "positive", rng) for n in range(1, 5)]
    for brand, negative, others in (("Ozols", 50, 100), ("Liepa", 90, 10)):
        for label, count in (("negative", negative), ("positive", others)):
            put(store, [said(brand, END - HOUR / 2, label, rng) for _ in range(count)])
    put(store, strays)
    found, _ = outcomes(watch(store), CRISIS - 5 * DAY, END)
    high = {one.scope for one in found if one.outcome.finding is Finding.HIGH}

    assert ("Liepa",) in high
    assert ("Ozols",) not in high


def test_history_that_is_filled_in_later_is_learnt_from(store):
    _, kept = outcomes(watch(store), CRISIS - DAY, CRISIS)
    rng = np.random.default_rng(4)
    put(store, [said("Medus", START - n * HOUR, "negative", rng) for n in range(1, 200)])
    whole, _ = outcomes(watch(store), CRISIS - DAY, END)

    assert outcomes(watch(store), CRISIS - DAY, END, kept)[0] == whole


def test_another_setting_starts_anew(store):
    _, kept = outcomes(watch(store), CRISIS - DAY, CRISIS)
    other = replace(RULE, false_alarms=0.1)
    whole, _ = outcomes(watch(store, other), CRISIS - DAY, END)

    assert outcomes(watch(store, other), CRISIS - DAY, END, kept)[0] == whole


def test_an_outage_is_no_data_and_never_quiet(store):
    ledger, _ = look(store, LAST + 3 * DAY)

    assert set(status(ledger).values()) == {Status.NO_DATA}


def test_what_comes_late_is_judged_when_it_comes(path):
    store = SqliteStore(":memory:")
    put(store, list(texts(34 * 24)))
    early, _ = look(store, CRISIS + 2 * DAY)
    put(store, [*crisis(), *(one for one in texts() if one.created_at >= START + 34 * DAY)])
    late, _ = look(store, CRISIS + 2 * DAY + HOUR)

    assert set(status(early).values()) == {Status.NO_DATA}
    assert Reason.STARTED in {one.reason for one in told(late) if one.labels["brand"] == "Sēlija"}


def test_a_stream_that_is_not_pulled_any_more_is_missing(store):
    pulls = [Pull("Sēlija", "x", CRISIS - 6 * HOUR, HOUR), Pull(None, "reviews", END, HOUR)]
    ledger, _ = look(store, END, pulls=pulls)

    assert status(ledger) == {"Sēlija": Status.NO_DATA, "Medus": Status.NORMAL}


def test_what_a_stream_has_not_brought_yet_is_waited_for(store):
    now = CRISIS + HOUR + HOUR / 4
    pulled = Pull(None, "x", CRISIS + HOUR / 2, HOUR)
    assert watch(store, pulls=[pulled]).closed(now) == CRISIS + HOUR / 2
    assert watch(store, pulls=[]).closed(now) == now - RULE.delay


def test_what_is_not_scored_yet_is_no_data(store):
    rng = np.random.default_rng(9)
    store.put([said("Sēlija", END + n * HOUR / 30, "negative", rng) for n in range(30)])
    found, _ = outcomes(watch(store), END, END + HOUR)

    assert {one.scope: one.outcome.finding for one in found}[SELIJA] is Finding.NO_DATA


def test_a_silence_mutes_and_its_end_tells(store):
    silence = Silence(matchers={"brand": "S*"}, starts=CRISIS, ends=END + HOUR)
    add_silence(store, silence)
    muted, _ = look(store, END + HOUR / 4)
    loud, _ = look(store, END + HOUR + HOUR / 4)

    assert status(muted)["Sēlija"] is Status.FIRING
    assert told(muted) == []
    assert [one.reason for one in told(loud)] == [Reason.STARTED]


def test_a_kill_at_any_step_loses_and_doubles_nothing(path, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["tests.alert_world"])
    look(SqliteStore(str(path)), CRISIS)
    whole = Path(shutil.copy(path, tmp_path / "whole.sqlite"))
    live(str(whole), -1)
    expected = [(one.key, one.reason, one.outcome) for one in told(look_at(whole))]
    reasons = [reason for _, reason, _ in expected]
    assert (reasons[0], reasons[-1]) == (Reason.STARTED, Reason.RESOLVED)
    assert len({key for key, _, _ in expected}) == len(expected)

    for fatal in range(100):
        copy = str(shutil.copy(path, tmp_path / f"{fatal}.sqlite"))
        child = fork.Process(target=live, args=(copy, fatal))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -9
        live(copy, -1)
        assert [(o.key, o.reason, o.outcome) for o in told(look_at(copy))] == expected, fatal
    assert fatal >= 6  # a write each for the start, the end and the detector, before and after


def look_at(path):
    return look(SqliteStore(str(path)), ticks()[0], replace(RULE, enabled=False))[0]


def test_a_rule_that_fails_stops_no_other(store):
    ledger, _ = look(store, END + HOUR / 4)

    def broken(text):
        if text == "bad":
            raise ConfigError("this query takes too long")
        return find(text)

    from listening.alerts.evaluate import evaluate  # noqa: PLC0415 - with another ``find``

    rules = [replace(RULE, query="bad"), Rule(name="other")]
    done = evaluate(store, ledger, rules, find=broken, now=END + HOUR, pulls=())
    assert [(one.rule, one.error) for one in done] == [
        ("spikes", "this query takes too long"),
        ("other", ""),
    ]
    failed = {e.alert.status for e in ledger.entries.values() if e.alert.labels["rule"] == "spikes"}
    assert failed == {Status.ERROR}


# Evidence


@pytest.mark.parametrize("kind", ["sqlite", "elasticsearch"])
def test_the_query_finds_exactly_what_was_counted(kind, store, request):
    if kind == "elasticsearch":
        other = request.getfixturevalue("elastic").store()
        recent = (one for one in texts(34 * 24 + 15) if one.created_at >= CRISIS - 2 * DAY)
        put(other, [*recent, *crisis()])
        store = other
    rule = replace(RULE, by=(Part.BRAND, Part.SOURCE))
    found, _ = outcomes(watch(store, rule), CRISIS - HOUR, END)
    high = [one for one in found if one.outcome.finding is Finding.HIGH and one.scope[1] == "x"]

    assert high
    for one in [*high[-2:], *found[-3:]]:
        behind = evidence(watch(store, rule), one.scope, one.outcome)
        assert behind is not None
        assert store.search(find(behind.query)).total == behind.texts
        assert behind.texts - behind.copies == one.outcome.observed


def test_the_parts_of_every_dimension_add_up(store):
    found, _ = outcomes(watch(store), CRISIS, END)
    last = next(one.outcome for one in reversed(found) if one.scope == SELIJA)
    behind = evidence(watch(store), SELIJA, last)

    assert behind is not None
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for part in behind.parts:
        sums[part.dimension][0] += part.observed
        sums[part.dimension][1] += part.expected
    assert {"source", "country", "author"} <= sums.keys()
    assert all(one == pytest.approx([behind.texts, behind.expected]) for one in sums.values())


def test_samples_are_no_near_copies(store):
    where = replace(find(""), brand=MEDUS, window=Window(since=SHARED, until=SHARED + HOUR))
    hits = newest(store, replace(where, label=(Label.NEGATIVE,)))
    chosen = [hit.feedback.text for hit in representative(hits)]

    assert len(copies(hits)) == 59
    assert sum("honey" in text for text in chosen) == 1


def test_a_picture_comes_out(store):
    found, _ = outcomes(watch(store), CRISIS, END)
    last = next(one.outcome for one in reversed(found) if one.scope == SELIJA)
    points = course(watch(store), SELIJA, last)
    specification = chart(points, last, "Sēlija: negative spike", subject(RULE))

    assert points[-1].observed >= 10
    assert points[-1].expected is not None
    assert points[-1].expected < 3
    assert png(specification).startswith(b"\x89PNG")


# Other rules


def test_a_threshold_counts_within_its_time(store):
    rule = Rule(name="many", when=When.THRESHOLD, count=25, within=3 * HOUR)
    found, _ = outcomes(watch(store, rule), SHARED - HOUR, END)
    high = {one.scope: one.outcome for one in found if one.outcome.finding is Finding.HIGH}

    assert high.keys() == {SELIJA}  # the story is one text
    assert high[SELIJA].observed is not None
    assert high[SELIJA].observed >= 30


def test_a_share_needs_enough_texts(store):
    rule = Rule(name="share", when=When.THRESHOLD, share=0.6, least=25, within=3 * HOUR)
    high = [
        one
        for one in outcomes(watch(store, rule), CRISIS - DAY, END)[0]
        if one.outcome.finding is Finding.HIGH
    ]
    assert {one.scope for one in high} == {SELIJA}
    enough = replace(rule, least=500)
    assert Finding.HIGH not in {
        one.outcome.finding for one in outcomes(watch(store, enough), CRISIS - DAY, END)[0]
    }


@pytest.mark.parametrize(("lower", "finding"), [(3, Finding.HIGH), (0, Finding.QUIET)])
def test_a_figure_that_falls_significantly(lower, finding):
    store, rng = SqliteStore(), np.random.default_rng(3)
    values = [min(10, max(0, round(rng.normal(8, 2)))) for _ in range(700)]
    at = [START + n * HOUR for n in range(700)]
    put(
        store,
        [
            answer(n, when, max(0, value - lower * (n > 600)), Scale.NPS)
            for n, (when, value) in enumerate(zip(at, values, strict=True))
        ],
    )
    rule = Rule(name="nps", when=When.DROP, scale=Scale.NPS, points=5, within=4 * DAY)
    found, _ = outcomes(watch(store, rule), at[-2], at[-1])
    (one,) = found

    assert one.outcome.finding is finding
    if lower:
        behind = evidence(watch(store, rule), SELIJA, one.outcome)
        assert behind is not None
        assert store.search(find(behind.query)).total == behind.texts > behind.expected


def test_each_answer_is_told_once_and_late_ones_too():
    store = SqliteStore()
    rule = Rule(
        name="d", when=When.INSTANT, scale=Scale.NPS, at_most=6, within=DAY, channels=("crm",)
    )
    put(store, [answer(1, START, 2, Scale.NPS, "Nobody answers"), answer(2, START, 9, Scale.NPS)])
    put(store, [answer(3, START - 2 * DAY, 0, Scale.NPS)])
    first, _ = look(store, START + HOUR, rule)
    put(store, [answer(4, START - HOUR, 0, Scale.NPS, "Came late")])
    second, _ = look(store, START + 2 * HOUR, rule)

    assert [one.samples for one in told(first)] == [("Nobody answers",)]
    assert [one.samples for one in told(second)] == [("Nobody answers",), ("Came late",)]
    assert told(second)[1].facts == ("nps 0: Sēlija:survey:4",)


def test_nothing_collected_is_an_alarm_of_its_own(store):
    rule = Rule(name="collection", when=When.OUTAGE, within=6 * HOUR)
    quiet, _ = look(store, LAST + HOUR, rule)
    gone, _ = look(store, LAST + 8 * HOUR, rule)

    assert set(status(quiet).values()) == {Status.NORMAL}
    assert set(status(gone).values()) == {Status.FIRING}


# On history


def test_a_back_test_lists_the_crisis_and_little_else(store):
    done = backtest(watch(store), START, END)
    near = [one for one in done.alarms if one.episode.started >= CRISIS]

    assert [one.labels["brand"] for one in near] == ["Sēlija"]
    assert near[0].episode.started <= CRISIS + 2 * HOUR
    assert near[0].as_json()["observed"] > 5 * near[0].as_json()["expected"]
    assert len(done.alarms) <= 3  # of at most two by chance, one is to be expected a month


def test_days_begin_in_the_zone_and_a_day_of_25_hours_is_one(store):
    rule = replace(RULE, bucket=Width.DAY, zone="Europe/Riga")
    days = watch(store, rule).starts(START + 25 * DAY, START + 28 * DAY)

    assert [f"{day:%m-%d %H}" for day in days] == ["03-26 22", "03-27 22", "03-28 22"]
    assert watch(store, rule).end(days[-1]) - days[-1] == 23 * HOUR
    done = backtest(watch(store, rule), START, CRISIS + DAY)
    assert done.alarms[-1].labels["brand"] == "Sēlija"


def test_single_answers_are_no_matter_of_counts(store):
    rule = Rule(name="d", when=When.INSTANT, label=Label.NEGATIVE)
    with pytest.raises(ConfigError, match="tells every single answer"):
        backtest(watch(store, rule), START, END)
