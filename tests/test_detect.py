from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening.alerts.detect import (
    KINDS,
    PHASES,
    Counts,
    Kind,
    Phase,
    Setting,
    Verdict,
    discoveries,
    replay,
    step,
)
from listening.alerts.state import State
from listening.alerts.tail import binomial, log_gamma, negative_binomial

START = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
HOURLY = Setting()
WEEK = 7 * 24
LENGTH = 3 * WEEK
SURGE, SHIFT, SPIKE = (
    KINDS.index(kind) for kind in (Kind.VOLUME_SURGE, Kind.SENTIMENT_SHIFT, Kind.NEGATIVE_SPIKE)
)


def poisson(mean=5.0, *, hours=LENGTH, brands=4, seed=0, times=1.0, others=3.0):  # noqa: PLR0913 - one name per knob of a stream
    """Complaints and other texts of brands with day and night, from a midnight on."""
    rng = np.random.default_rng(seed)
    clock = np.arange(hours)[:, None]
    rate = mean * (1 - 0.6 * np.cos(2 * np.pi * (clock % 24) / 24)) * np.ones(brands)
    return rng.poisson(rate * times).astype(float), rng.poisson(rate * others).astype(float)


def buckets(negative, others, *, complete=None, copies=None, width=HOURLY.width, start=START):  # noqa: PLR0913 - likewise
    return [
        Counts(
            start + at * width,
            bad,
            bad + rest,
            None if copies is None else copies[at],
            None if complete is None else complete[at],
        )
        for at, (bad, rest) in enumerate(zip(negative, others, strict=True))
    ]


def run(counts, state, setting=HOURLY):
    """The last state, and the verdicts with arrays of (bucket, brand)."""
    seen = []
    for last, verdict in replay(state, counts, setting):
        state = last
        seen.append(verdict)
    return state.copy(), Verdict._make(np.array(column) for column in zip(*seen, strict=True))


def fresh(setting=HOURLY, brands=4, siblings=None):
    return State.empty(brands, setting.spans, siblings)


@cache
def calm(mean=5.0):
    return run(buckets(*poisson(mean, seed=9)), fresh())[0]


def then(negative, others, *, mean=5.0, setting=HOURLY, **more):
    """The verdicts on hours that come after three quiet weeks."""
    later = buckets(negative, others, start=START + LENGTH * HOURLY.width, **more)
    return run(later, calm(mean), setting)[1]


def row(verdicts, at):
    return [column[at] for column in verdicts[1:]]


def same(one, other):
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(one, other, strict=True)
    )


def test_tails_are_those_of_scipy():
    special = pytest.importorskip("scipy.special")
    rng = np.random.default_rng(1)
    mean, wide = 10 ** rng.uniform(-3, 4.5, 500), 1 + 10 ** rng.uniform(-2, 3, 500)
    count = np.maximum(1, np.round(mean + rng.uniform(-2, 8, 500) * np.sqrt(wide * mean)))
    trials, share = np.round(10 ** rng.uniform(0, 4, 500)), rng.uniform(0.01, 0.99, 500)
    part = np.ceil(trials * np.clip(share * rng.uniform(0.7, 1.4, 500), 0.001, 1))

    counts = special.betainc(count, mean / (wide - 1), 1 - 1 / wide)
    shares = special.betainc(part, trials - part + 1, share)

    assert log_gamma(mean) == pytest.approx(special.gammaln(mean), rel=1e-10, abs=1e-10)
    assert np.exp(negative_binomial(count, mean, wide)) == pytest.approx(counts, rel=1e-6)
    assert np.exp(binomial(part, trials, share)) == pytest.approx(shares, rel=1e-6, abs=1e-300)


def test_one_bucket_at_a_time_is_the_same_as_a_replay():
    negative, others = poisson(hours=WEEK)
    negative[-5:] *= 5
    counts = buckets(negative, others)
    state = fresh()

    _, whole = run(counts, state)
    for at, bucket in enumerate(counts):
        state, verdict = step(state, bucket, HOURLY)
        assert same(verdict[1:], row(whole, at))


def test_a_late_revision_replayed_from_a_kept_state_is_as_if_it_had_come_in_time():
    negative, others = poisson(hours=WEEK)
    early = buckets(negative, others)
    negative[-10] += 40
    right = buckets(negative, others)

    before, _ = run(early[:-10], fresh())
    kept = State.from_bytes(before.to_bytes())
    _, again = run(right[-10:], kept)

    _, whole = run(right, fresh())
    assert same(again[1:], [column[-10:] for column in whole[1:]])


def test_a_step_leaves_the_state_before_it_as_it_was():
    state = calm()
    before = state.to_bytes()

    step(state, Counts(START + LENGTH * HOURLY.width, np.full(4, 90.0)), HOURLY)

    assert state.to_bytes() == before


def test_a_bucket_from_before_the_last_is_refused():
    first, second = buckets(*poisson(hours=2))
    state, _ = step(fresh(), second, HOURLY)

    with pytest.raises(ValueError, match="replay from a state from before it"):
        step(state, first, HOURLY)


def test_brands_do_not_know_of_each_other_and_may_come_and_go():
    negative, others = poisson(hours=WEEK)
    negative[-3:, 1] *= 6

    together, all_four = run(buckets(negative, others), fresh())
    alone, of_one = run(buckets(negative[:, [1]], others[:, [1]]), fresh(brands=1))

    assert same([column[:, 1] for column in all_four[1:]], [column[:, 0] for column in of_one[1:]])
    assert together.only([1]).to_bytes() == alone.to_bytes()
    both = together.only([0]).joined(together.only([1]))
    assert both.to_bytes() == together.only([0, 1]).to_bytes()


@given(seed=st.integers(0, 1_000), mean=st.sampled_from([5.0, 25.0]))
@settings(max_examples=10, deadline=None)
def test_a_fivefold_six_hours_fires_within_two(seed, mean):
    times = np.repeat([1.0, 5.0], [9, 6])[:, None]

    found = then(*poisson(mean, hours=15, seed=seed, times=times), mean=mean)

    assert found.fires[9:11].any(axis=0).all()
    assert np.isin(found.kind[10], [SHIFT, SPIKE]).all()
    assert (found.low[10] < found.expected[10]).all()
    assert (found.observed[10] > found.high[10]).all()


@given(factor=st.integers(2, 20))
@settings(max_examples=5, deadline=None)
def test_more_complaints_are_never_less_alarming(factor):
    negative, others = poisson(hours=12)
    more = negative.copy()
    more[-1] += 5 * factor
    most = negative.copy()
    most[-1] += 5 * factor + 5

    scores = [then(counts, others).score[-1] for counts in (more, most)]

    assert (scores[0] <= scores[1]).all()


def test_false_alarms_are_as_few_as_promised():
    counts = buckets(*poisson(3.0, hours=7 * WEEK, brands=80))
    setting = Setting(false_alarms=3)

    _, found = run(counts, fresh(brands=80), setting)

    months = 4 * 7 / 30 * 80
    assert 0.7 < alarms(found.fires[3 * WEEK :]) / months / 3 < 1.3


def alarms(fires):
    """How many runs of firing hours there are with less than a day between."""
    return sum(
        1 + sum(late - early > 24 for early, late in pairwise(np.nonzero(brand)[0]))
        for brand in fires.T
        if brand.any()
    )


def test_more_talk_with_the_same_share_is_a_surge_and_no_alarm():
    counts = poisson(hours=15, times=6, others=18)

    found, told = then(*counts), then(*counts, setting=Setting(surges=True))

    assert (found.kind[9:] == SURGE).mean() > 0.9
    assert found.fires[9:].mean() < 0.1
    assert told.fires[9:].all()


def test_a_worse_share_of_as_much_talk_is_a_shift():
    negative, others = poisson(10.0, hours=15)
    moved = others[9:] * 0.8
    negative[9:] += moved
    others[9:] -= moved

    found = then(negative, others, mean=10.0)

    assert (found.kind[11] == SHIFT).all()
    assert found.fires[11].all()


def test_more_and_worse_is_a_spike():
    found = then(*poisson(hours=15, times=8, others=6))

    assert (found.kind[11] == SPIKE).all()


def test_a_brand_of_which_only_complaints_are_known_still_alarms():
    negative, _ = poisson()
    negative[-6:] = 40

    _, found = run(
        (Counts(START + timedelta(hours=n), row) for n, row in enumerate(negative)), fresh()
    )

    assert (found.kind[-1] == SPIKE).all()


def test_silence_and_a_word_now_and_then_stay_silent():
    negative, others = np.zeros((2, LENGTH, 2))
    negative[:-30:97, 1] = 1
    negative[-4:, 1] = 1  # four complaints in a row are still four complaints

    _, found = run(buckets(negative, others), fresh(brands=2))

    assert not found.fires.any()
    assert not found.accepted.any()


def test_a_text_copied_a_hundred_times_is_one_text():
    negative, others = poisson(hours=24)
    copies = np.zeros_like(negative)
    copies[-3:] = 100
    spread = negative + copies

    told, plain, blind = (
        then(spread, others, copies=copies),
        then(negative, others),
        then(spread, others),
    )

    assert same(told[1:], plain[1:])
    assert blind.fires[-1].all()


def test_an_outage_is_no_data_and_keeps_the_alarm_as_it_was():
    times = np.repeat([1.0, 8.0, 1.0], [9, 3, 12])[:, None]
    negative, others = poisson(hours=24, times=times)
    complete = np.ones(negative.shape, bool)
    complete[12:18, :2] = False
    negative[12:18] = 0

    found = then(negative, others, complete=complete)

    gone = found.phase[12:18] == PHASES.index(Phase.NO_DATA)
    assert gone[:, :2].all()
    assert not gone[:, 2:].any()
    assert found.fires[11:18, :2].all()
    assert (found.kind[12:18, :2] == found.kind[11, :2]).all()
    assert np.isnan(found.score[12:18, :2]).all()


def test_an_outage_teaches_nothing():
    negative, others = poisson(hours=WEEK, seed=2)
    complete = np.ones(negative.shape, bool)
    complete[:-24] = False

    whole = then(negative, others, setting=Setting())
    holed = then(negative * complete, others * complete, complete=complete)

    hourly = [found.expected[-1] / found.window[-1] for found in (whole, holed)]
    assert hourly[1] == pytest.approx(hourly[0], rel=0.25)
    assert not holed.fires[-24:].any()


def test_buckets_that_never_came_had_no_data():
    negative, others = poisson(hours=60)
    complete = np.ones(negative.shape, bool)
    complete[20:40] = False
    counts = buckets(negative, others, complete=complete)

    _, told = run(counts, fresh())
    state, _ = run(counts[:20], fresh())
    _, found = run(counts[40:], state)

    assert same(found[1:], [column[40:] for column in told[1:]])


def test_a_lasting_change_becomes_the_new_normal_and_later_spikes_are_seen():
    times = np.repeat([4.0, 20.0], [12 * 24 + 9, 3])[:, None]

    found = then(*poisson(hours=len(times), times=times, others=12.0))

    assert (found.kind[:12] > 0).any(axis=0).all()
    assert found.accepted[: 7 * 24].any(axis=0).all()
    assert (found.kind[6 * 24 : -3] > 0).mean() < 0.05
    assert found.fires[-3:].any(axis=0).all()


def test_a_past_outbreak_does_not_hide_the_next():
    times = np.repeat([5.0, 1.0, 5.0], [24, 6 * 24, 24])[:, None]

    found = then(*poisson(hours=len(times), times=times))

    expected = found.expected / found.window
    assert found.fires[-12].all()
    assert expected[-24:].mean() < 1.3 * expected[:24].mean()


def test_a_brand_learns_a_day_then_leans_on_its_prior_then_stands_alone():
    negative, others = poisson(25.0, hours=15 * 24)
    negative[12] = 400  # while it learns, only what needs no history

    _, found = run(buckets(negative, others), fresh())

    phases = [PHASES[found.phase[at, 0]] for at in (0, 23, 24, 14 * 24 - 1, 14 * 24)]
    assert phases == [Phase.LEARNING, Phase.LEARNING, Phase.PRIOR, Phase.PRIOR, Phase.FULL]
    assert found.fires[12].all()
    assert np.isnan(found.p[12]).all()


def test_siblings_tell_a_new_brand_of_day_and_night():
    setting = Setting(windows=(1,))
    negative, others = poisson(1.0, brands=5)
    complete = np.ones(negative.shape, bool)
    complete[:-48, 4] = False
    counts = buckets(negative, others, complete=complete)

    expected = [
        run(counts, fresh(setting, 5, siblings), setting)[1].expected[-24:, 4]
        for siblings in (None, [0] * 5)
    ]

    day = 1 - 0.6 * np.cos(2 * np.pi * np.arange(24) / 24)
    alone, held = (np.abs(found / found.mean() - day).mean() for found in expected)
    assert held < 0.6 * alone


@pytest.mark.parametrize(
    ("width", "mean", "length"),
    [(timedelta(days=1), 20.0, 80), (timedelta(minutes=5), 1.0, 1_500)],
)
def test_other_widths_find_a_spike_too(width, mean, length):
    setting = Setting(width=width)
    rng = np.random.default_rng(3)
    negative, others = rng.poisson([[[mean]], [[3 * mean]]], (2, length, 4)).astype(float)
    negative[-12:] += rng.poisson(6 * mean, (12, 4))

    _, found = run(buckets(negative, others, width=width), fresh(setting), setting)

    assert found.fires[:-12].mean() < 0.03
    assert found.kind[-2].all()


def test_several_brands_are_judged_together():
    p = np.array([0.5, 0.0001, 0.05, np.nan, 0.9, 0.08])

    assert discoveries(p).tolist() == [False, True, False, False, False, False]
    assert discoveries(np.array([0.01, 0.02, 0.03, np.nan])).tolist() == [True, True, True, False]
    assert not discoveries(np.array([np.nan])).any()


def test_a_state_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr("listening.alerts.state.FORMAT", 0)
    packed = fresh().to_bytes()
    monkeypatch.undo()

    with pytest.raises(ValueError, match="replay the stored counts"):
        State.from_bytes(packed)
