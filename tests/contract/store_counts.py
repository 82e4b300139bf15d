"""How every Store counts: checked against counting one by one; see ``store.py``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import (
    Bucket,
    Dimension,
    Feedback,
    Filter,
    Kind,
    Label,
    Rating,
    Scale,
    Sentiment,
    Window,
)
from tests.contract.store import BAD, GOOD, NOON, TOLERATED, UNSURE, Make, everything, said

ZONES = ("UTC", "Europe/Riga", "Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe")
PERIODS = (Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH)


def key(one: Feedback, sentiment: Sentiment | None, by: Dimension, zone: str) -> str:
    local = one.created_at.astimezone(ZoneInfo(zone))
    match by:
        case Dimension.LABEL:
            return sentiment.label if sentiment else ""
        case Dimension.HOUR:
            offset = local.isoformat(timespec="minutes")[-6:]
            return f"{local:%Y-%m-%dT%H}:00{offset}"
        case Dimension.DAY:
            return local.date().isoformat()
        case Dimension.WEEK:
            return (local.date() - timedelta(days=local.weekday())).isoformat()
        case Dimension.MONTH:
            return local.date().replace(day=1).isoformat()
        case _:
            return getattr(one, by) or ""


@dataclass
class Remembered:
    """A store that keeps everything in dictionaries and counts one by one."""

    feedback: dict[str, Feedback] = field(default_factory=dict)
    sentiments: dict[str, Sentiment] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def put(self, batch: Iterable[Feedback]) -> None:
        for one in batch:
            old = self.feedback.get(one.id)
            if one.id in self.erased or (old and old.version > one.version):
                continue
            if old and old.text != one.text:
                self.sentiments.pop(one.id, None)
            self.feedback[one.id] = one

    def annotate(self, scored: Iterable[tuple[str, str, Sentiment]]) -> None:
        for id_, text, sentiment in scored:
            if id_ in self.feedback and self.feedback[id_].text == text and text.strip():
                self.sentiments[id_] = sentiment

    def erase(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self.erased.add(id_)
            self.feedback.pop(id_, None)
            self.sentiments.pop(id_, None)

    def aggregate(self, where: Filter, by: Sequence[Dimension], zone: str) -> list[Bucket]:
        groups: Mapping[tuple[str, ...], list[Feedback]] = defaultdict(list)
        for one in self.feedback.values():
            sentiment = self.sentiments.get(one.id)
            brands = where.brand is None or one.brand in where.brand
            labels = where.label is None or (sentiment and sentiment.label in where.label)
            if brands and labels and one.created_at in where.window:
                groups[tuple(key(one, sentiment, d, zone) for d in by)].append(one)
        return [self._bucket(name, group) for name, group in sorted(groups.items())]

    def _bucket(self, name: tuple[str, ...], group: Sequence[Feedback]) -> Bucket:
        ratings: Mapping[Scale, Counter[int]] = defaultdict(Counter)
        for one in group:
            for rating in one.ratings:
                ratings[rating.scale][rating.value] += 1
        scored = [self.sentiments[one.id].label for one in group if one.id in self.sentiments]
        return Bucket(
            name,
            len(group),
            dict(Counter(scored)),
            sum(bool(one.text.strip()) for one in group) - len(scored),
            {scale: dict(counts) for scale, counts in ratings.items()},
        )


IDS = st.integers(0, 7)
MOMENTS = st.datetimes(
    datetime(2026, 3, 27),  # noqa: DTZ001 - hypothesis takes naive bounds
    datetime(2026, 4, 6),  # noqa: DTZ001 - likewise; clocks change in Riga and on Lord Howe
    timezones=st.just(UTC),
) | st.just(NOON)
RATINGS = st.dictionaries(st.sampled_from(Scale), st.integers(1, 4), max_size=2).map(
    lambda given: tuple(Rating(scale, given[scale]) for scale in Scale if scale in given)
)
FEEDBACK = st.builds(
    lambda number, text, changes: said(number, text, **changes),
    IDS,
    st.sampled_from(["", "late", "fine"]),
    st.fixed_dictionaries(
        {
            "version": st.integers(1, 3),
            "created_at": MOMENTS,
            "brand": st.sampled_from(["balt", "civis"]),
            "kind": st.sampled_from(Kind),
            "touchpoint": st.sampled_from([None, "web"]),
            "ratings": RATINGS,
        }
    ),
)
STEPS = st.one_of(
    st.tuples(st.just("put"), st.lists(FEEDBACK, max_size=5)),
    st.tuples(
        st.just("annotate"),
        st.lists(
            st.tuples(
                IDS.map(lambda n: said(n).id),
                st.sampled_from(["", "late", "fine"]),
                st.sampled_from([BAD, GOOD, UNSURE]),
            ),
            max_size=5,
        ),
    ),
    st.tuples(st.just("erase"), st.lists(IDS.map(lambda n: said(n).id), max_size=2)),
)
WHERE = st.builds(
    Filter,
    brand=st.sampled_from([None, ("balt",)]),
    label=st.sampled_from([None, (Label.NEGATIVE, Label.UNKNOWN)]),
    window=st.sampled_from([Window(), Window(since=NOON), Window(until=NOON)]),
)
BY = st.lists(st.sampled_from(Dimension), max_size=3, unique=True)


class CountContract:
    @settings(
        deadline=None,
        max_examples=60,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=TOLERATED,
    )
    @given(st.lists(st.tuples(STEPS, WHERE, BY, st.sampled_from(ZONES)), max_size=12))
    def test_counts_as_counting_one_by_one_after_any_writes(self, make: Make, steps: list) -> None:  # type: ignore[type-arg]  # nested strategies
        store, truth = make(), Remembered()
        for (name, argument), where, by, zone in steps:
            getattr(store, name)(argument)
            getattr(truth, name)(argument)
            assert store.aggregate(where, by=by, zone=zone) == truth.aggregate(where, by, zone)
            assert sorted(everything(store), key=lambda one: one.id) == sorted(
                truth.feedback.values(), key=lambda one: one.id
            )

    def test_the_first_and_last_moments_can_be_counted_by_any_period(self, store: Store) -> None:
        ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
        store.put([said(n, created_at=end) for n, end in enumerate(ends)])
        for period in PERIODS:
            assert len(store.aggregate(Filter(), by=[period], zone="Asia/Tbilisi")) == 2

    def test_a_day_begins_where_the_zone_says(self, store: Store) -> None:
        late = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)  # clocks in Riga went forward at 01:00
        store.put([said(n, created_at=late + timedelta(hours=n)) for n in range(0, 26, 5)])
        days = store.aggregate(Filter(), by=[Dimension.DAY], zone="Europe/Riga")
        assert [(*day.key, day.count) for day in days] == [("2026-03-29", 5), ("2026-03-30", 1)]

    def test_the_hour_that_autumn_repeats_is_two_hours(self, store: Store) -> None:
        summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        store.put([said(n, created_at=summer + timedelta(hours=n)) for n in range(2)])
        hours = store.aggregate(Filter(), by=[Dimension.HOUR], zone="Europe/Riga")
        assert [hour.key for hour in hours] == [
            ("2026-10-25T03:00+02:00",),
            ("2026-10-25T03:00+03:00",),
        ]

    def test_more_than_ten_thousand_buckets_are_a_config_error(self, store: Store) -> None:
        store.put([said(n, "", created_at=NOON + timedelta(hours=n)) for n in range(10_001)])
        narrower = Filter(window=Window(since=NOON + timedelta(hours=1)))
        assert len(store.aggregate(narrower, by=[Dimension.HOUR])) == 10_000
        with pytest.raises(ConfigError, match="10,001 buckets"):
            store.aggregate(Filter(), by=[Dimension.HOUR])

    def test_an_unknown_zone_is_a_config_error(self, store: Store) -> None:
        store.put([said(1)])
        for zone in ("Europe/Nowhere", "", "../etc/passwd"):
            with pytest.raises(ConfigError, match="time zone"):
                store.aggregate(Filter(), by=[Dimension.DAY], zone=zone)

    def test_nothing_has_no_buckets(self, store: Store) -> None:
        assert store.aggregate(Filter(), by=[Dimension.DAY, Dimension.BRAND]) == []
        store.put([said(1)])
        assert store.aggregate(replace(Filter(), brand=("none",)), by=[Dimension.DAY]) == []
        assert store.aggregate(Filter(author=("none",)), by=[]) == []
