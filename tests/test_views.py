from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listening import query
from listening.records import (
    Bucket,
    Dimension,
    Filter,
    Kind,
    Label,
    Scale,
    TermCount,
    TermCounts,
    Window,
)
from listening.tree import And, Field, Or, Word
from listening.views import figures, surveys
from listening.views.figures import Figure, change
from listening.views.reproduce import as_query
from listening.views.rollup import rollup, total
from listening.views.sentiment import sentiment
from listening.views.spikes import Day, days_of, spikes, tail
from listening.views.surveys import FAVOURABLE
from listening.views.voice import share_of_voice
from listening.views.words import log_odds, telling_words

NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN = Label


def bucket(
    *key: str,
    unscored: int = 0,
    ratings: Mapping[Scale, Mapping[int, int]] | None = None,
    **texts: int,
) -> Bucket:
    labels = {label: texts.get(label, 0) for label in Label}
    return Bucket(key, sum(labels.values()) + unscored, labels, unscored, ratings or {})


# Newcombe (1998), Statistics in Medicine 17:857-872, table I: the Wilson score interval.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_newcombes_published_one(
    part: int, whole: int, low: float, high: float
) -> None:
    assert figures.wilson(part, whole) == pytest.approx((low, high), abs=6e-5)


# Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10.
@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1),
    ],
)
def test_change_of_a_share_is_newcombes_published_interval(
    now: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    found = change(figures.share(*now, minimum=1), figures.share(*before, minimum=1))
    assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=6e-3)
    assert found.significant


def test_net_sentiment_has_both_formulas_and_leaves_unknown_and_unscored_out() -> None:
    row = sentiment(
        [bucket("Medus", negative=20, neutral=30, positive=50, unknown=25, unscored=7)]
    )[0]
    assert row.net.value == pytest.approx(30)
    assert row.net_polar.value == pytest.approx(100 * 30 / 70)
    assert (row.net.n, row.net_polar.n) == (100, 70)
    assert (row.items, row.texts, row.unknown_share) == (132, 132, 20)


def test_under_the_minimum_there_is_no_figure_but_its_n_and_a_reason() -> None:
    few = sentiment([bucket(negative=29)])[0]
    assert few.net == Figure(None, None, None, 29, "too few")
    assert sentiment([bucket(negative=29)], minimum=29)[0].net.value == -100
    assert figures.share(0, 0, minimum=0).value is None
    moved = change(few.net, sentiment([bucket(positive=99)])[0].net)
    assert (moved.value, moved.significant, moved.reason) == (None, False, "too few")
    assert (moved.n, moved.n_before) == (29, 99)


def test_interval_of_net_is_the_multinomial_one_in_large_samples() -> None:
    promoters, detractors, n = 4000, 2500, 10_000
    found = figures.net(promoters, detractors, n)
    standard_error = sqrt((0.40 + 0.25 - 0.15**2) / n)
    assert found.margin == pytest.approx(100 * 1.96 * standard_error, rel=5e-3)


def test_agreement_of_everybody_still_leaves_a_margin() -> None:
    found = figures.net(30, 0, 30)
    assert found.value == 100
    assert found.low is not None
    assert 70 < found.low < 95
    five_stars = surveys.mean({5: 30}, Scale.STARS)
    assert five_stars.low is not None
    assert 4.7 < five_stars.low < 4.95
    assert five_stars.high == 5


@pytest.mark.parametrize(
    "shares", [(0.1, 0.2, 0.7), (0.45, 0.1, 0.45), (0.02, 0.03, 0.95), (0.6, 0.3, 0.1)]
)
@pytest.mark.parametrize("n", [30, 200])
def test_intervals_of_net_cover_the_truth_in_19_of_20_samples(
    shares: tuple[float, ...], n: int
) -> None:
    truth = 100 * (shares[2] - shares[0])
    samples = np.random.default_rng(20260914).multinomial(n, shares, size=2000).tolist()
    covered = [_covers(figures.net(plus, minus, n), truth) for minus, _, plus in samples]
    assert 0.935 <= np.mean(covered) <= 0.995


@pytest.mark.parametrize("shares", [(0.1, 0.1, 0.2, 0.3, 0.3), (0.02, 0.03, 0.05, 0.1, 0.8)])
@pytest.mark.parametrize("n", [30, 200])
def test_intervals_of_means_cover_the_truth_in_19_of_20_samples(
    shares: tuple[float, ...], n: int
) -> None:
    truth = sum(value * share for value, share in enumerate(shares, 1))
    samples = np.random.default_rng(20260914).multinomial(n, shares, size=2000).tolist()
    found = [surveys.mean(dict(enumerate(counts, 1)), Scale.STARS) for counts in samples]
    assert 0.935 <= np.mean([_covers(figure, truth) for figure in found]) <= 0.985


def test_of_unchanged_opinion_one_change_in_twenty_is_called_significant() -> None:
    samples = np.random.default_rng(7).multinomial(80, (0.3, 0.3, 0.4), size=(2000, 2)).tolist()
    found = [
        change(*(figures.net(plus, minus, 80) for minus, _, plus in pair)).significant
        for pair in samples
    ]
    assert 0.03 <= np.mean(found) <= 0.065


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 10), min_size=1), st.integers(1, 1000))
def test_every_interval_contains_its_value_and_stays_on_its_scale(
    answers: list[int], times: int
) -> None:
    counts = {value: times * answers.count(value) for value in range(11)}
    for figure, low, high in (
        (surveys.nps(counts, minimum=1), -100, 100),
        (surveys.mean(counts, Scale.NPS, minimum=1), 0, 10),
        (surveys.top(counts, Scale.NPS, minimum=1), 0, 100),
    ):
        assert figure.value is not None
        assert _covers(figure, min(max(figure.value, low + 1e-9), high - 1e-9))
        assert figure.low is not None
        assert figure.high is not None
        assert low <= figure.low <= figure.high <= high


def _covers(figure: Figure, truth: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= truth <= figure.high


def test_nps_counts_promoters_and_detractors() -> None:
    answers = {10: 40, 9: 10, 8: 20, 7: 10, 6: 5, 3: 10, 0: 5}
    assert surveys.nps(answers).value == pytest.approx(50 - 20)


def test_each_scale_reports_the_figure_that_its_field_does() -> None:
    ratings = {
        Scale.NPS: {9: 20, 5: 20},
        Scale.CSAT: {5: 10, 4: 20, 3: 10},
        Scale.CES: {7: 20, 5: 10, 1: 10},
        Scale.STARS: {5: 20, 1: 20},
        Scale.SMILEY: {4: 10, 3: 10, 2: 10, 1: 10},
    }
    found = {scale: surveys.surveys([bucket(ratings=ratings)], scale)[0] for scale in Scale}
    assert {scale: row.score.value for scale, row in found.items()} == {
        Scale.NPS: 0,
        Scale.CSAT: 75,
        Scale.CES: 5,
        Scale.STARS: 3,
        Scale.SMILEY: 50,
    }
    assert found[Scale.CES].top.value == 75
    assert found[Scale.CSAT].mean.value == 4
    assert found[Scale.STARS].distribution == {1: 20, 2: 0, 3: 0, 4: 0, 5: 20}
    assert set(FAVOURABLE) == set(Scale)


def test_buckets_without_answers_on_a_scale_give_no_row() -> None:
    buckets = [bucket("a", negative=50), bucket("b", ratings={Scale.NPS: {9: 0}})]
    assert surveys.surveys(buckets, Scale.NPS) == []


def test_share_of_voice_adds_up_to_all_brands() -> None:
    found = share_of_voice([bucket("Medus", neutral=30), bucket("Ventora", neutral=90)])
    assert {brand: figure.value for brand, figure in found.items()} == {"Medus": 25, "Ventora": 75}
    assert found["Medus"].n == 120


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 9))))
def test_rollup_loses_nothing(rows: list[tuple[str, str, int]]) -> None:
    buckets = [
        bucket(a, x, negative=n, unscored=1, ratings={Scale.STARS: {5: n}}) for a, x, n in rows
    ]
    for places in ((0,), (1,), (1, 0), ()):
        parts = rollup(buckets, *places)
        assert [part.key for part in parts] == sorted(
            {tuple(b.key[p] for p in places) for b in buckets}
        )
        assert total(parts) == total(buckets)
    assert total(buckets).unscored == len(rows)
    assert total(buckets).labels.get(NEGATIVE, 0) == sum(n for *_, n in rows)


def test_words_of_the_texts_stand_out_and_words_of_the_language_cancel() -> None:
    counts = TermCounts(
        (
            TermCount("the", 80, 160),
            TermCount("refund", 20, 4),
            TermCount("queue", 12, 1),
            TermCount("typo", 2, 0),
        ),
        total=100,
        background_total=200,
    )
    found = telling_words(counts)
    assert [word.term for word in found] == ["refund", "queue"]
    assert (found[0].share, found[0].background_share) == (20, 2)
    assert [word.term for word in telling_words(counts, top=1)] == ["refund"]


def test_z_of_a_word_is_the_log_odds_ratio_over_its_standard_error() -> None:
    # By hand: prior 10 * 25.5/201 = 1.2687; ln((21.2687/88.7313) / (6.2687/103.7313)) = 1.3779;
    # variance 1/21.2687 + 1/88.7313 + 1/6.2687 + 1/103.7313 = 0.22745.
    counts = TermCounts((TermCount("late", 20, 5),), 100, 100)
    assert log_odds(counts.terms[0], counts) == pytest.approx(1.3779 / sqrt(0.22745), abs=1e-3)


def test_a_word_in_every_text_is_not_telling() -> None:
    counts = TermCounts((TermCount("the", 12, 42),), total=12, background_total=42)
    assert log_odds(counts.terms[0], counts) < 0.5
    assert telling_words(counts) == []


def test_without_a_background_no_word_is_telling() -> None:
    assert telling_words(TermCounts((TermCount("late", 20, 0),), 100, 0)) == []
    assert telling_words(TermCounts((), 0, 0)) == []


def test_of_words_used_alike_few_are_called_telling() -> None:
    rng = np.random.default_rng(3)
    shares = rng.uniform(0.02, 0.5, 2000)
    pairs = zip(rng.binomial(100, shares).tolist(), rng.binomial(300, shares).tolist(), strict=True)
    terms = tuple(TermCount(str(n), *pair) for n, pair in enumerate(pairs))
    found = telling_words(TermCounts(terms, 100, 300), top=2000)
    assert len(found) / len(terms) < 0.1


START = date(2026, 9, 14)


def days(counts: Sequence[int], share: float = 0.3) -> list[Day]:
    return [
        Day(START + timedelta(days=n), count, max(count, round(count / share)))
        for n, count in enumerate(counts)
    ]


def quiet(n: int) -> list[int]:
    return [int(count) for count in np.random.default_rng(1).poisson(3.0, n)]


def test_a_crisis_of_several_days_is_one_spike_with_what_is_usual() -> None:
    calm, crisis = days(quiet(42)), days([90, 80, 40, 15], share=0.8)
    moved = [Day(day.day + timedelta(days=25), day.negative, day.texts) for day in crisis]
    found = spikes([*calm[:25], *moved, *calm[29:]])
    assert [(one.start, one.end) for one in found] == [
        (START + timedelta(25), START + timedelta(28))
    ]
    spike = found[0]
    assert (spike.negative, spike.texts) == (225, 281)
    assert spike.expected == pytest.approx(4 * 3, rel=0.2)
    assert spike.share == pytest.approx(80, abs=0.5)
    assert spike.share_usual == pytest.approx(30, abs=5)


def test_more_talk_of_the_usual_mood_is_no_crisis() -> None:
    counts = [*quiet(30), 60, *quiet(11)]
    assert spikes(days(counts)) == []


def test_a_handful_of_complaints_about_a_quiet_brand_is_no_crisis() -> None:
    assert spikes(days([0] * 20 + [4] + [0] * 20, share=1)) == []


def test_quiet_weeks_rarely_have_a_spike() -> None:
    rng = np.random.default_rng(11)
    for mean in (0.5, 3.0, 20.0):
        found = [spikes(days(rng.poisson(mean, 42).tolist())) for _ in range(100)]
        assert sum(map(bool, found)) <= 3


def test_a_week_is_needed_to_know_what_is_usual() -> None:
    assert spikes(days([1, 1, 90, 1, 1, 1])) == []
    assert spikes([]) == []


def test_days_without_feedback_count_as_days() -> None:
    counted = days_of(
        [bucket("2026-09-15", negative=4, positive=2, unknown=9)], START, date(2026, 9, 17)
    )
    assert [(day.negative, day.texts) for day in counted] == [(0, 0), (4, 6), (0, 0)]


def test_tail_is_poisson_without_dispersion_and_heavier_with_it() -> None:
    # Poisson(3): P(X >= 8) = 0.011905 in the usual tables.
    assert tail(8, 3, 1) == pytest.approx(0.0119, abs=2e-4)
    # Negative binomial with mean 3 and variance 6 is geometric-like: size 3, p 1/2;
    # P(X >= 8) = P(at most two successes in ten throws) = 56/1024.
    assert tail(8, 3, 2) == pytest.approx(56 / 1024)
    assert tail(0, 3, 2) == 1
    assert tail(400, 3, 1.5) < 1e-50


WHERE = Filter(
    brand=("Amberwing", "Medus"),
    label=(NEGATIVE,),
    language=("ka",),
    kind=(Kind.REVIEW,),
    window=Window(
        since=datetime(2026, 10, 9, tzinfo=UTC), until=datetime(2026, 10, 13, tzinfo=UTC)
    ),
)


def test_a_filter_is_written_as_the_query_that_finds_the_same() -> None:
    assert as_query(WHERE) == (
        '(brand:"Amberwing" OR brand:"Medus") sentiment:negative lang:ka kind:review'
        " after:2026-10-09 before:2026-10-13"
    )
    assert as_query(Filter()) == ""


def test_the_written_query_parses_with_the_words_that_were_searched_for() -> None:
    either = Or((Word("late"), Word("slow")))
    for text in (either, Word("late"), And((Word("late"), Word("gate")))):
        parsed = query.parse(as_query(Filter(brand=("Medus",), text=text)))
        assert isinstance(parsed, And)
        assert parsed.parts[1:] in ((text,), getattr(text, "parts", None))


def test_a_window_within_a_day_is_written_to_the_minute() -> None:
    window = Window(
        since=datetime(2026, 10, 9, 14, tzinfo=UTC), until=datetime(2026, 10, 10, tzinfo=UTC)
    )
    assert as_query(Filter(window=window)) == "after:2026-10-09T14:00Z before:2026-10-10"


def test_every_dimension_of_a_filter_is_written() -> None:
    special = {Dimension.LABEL: NEGATIVE, Dimension.KIND: Kind.CHAT, Dimension.LANGUAGE: "lt"}
    for dimension in Dimension:
        if dimension in Filter.__dataclass_fields__:
            values: dict[str, Any] = {dimension: (special.get(dimension, "two words"),)}
            written = query.parse(as_query(Filter(**values)))
            assert isinstance(written, Field)
            assert written.value == values[dimension][0]
