"""Counting by any dimensions on the server, so that only counts travel.

Two trees are counted, labels and ratings, each with the dimensions beneath. A tree of one
dimension is a plain aggregation, which is fastest; one of several, or of very many values, is a
composite, which comes in pages and so in any number. The server remembers its answer for each
month that does not change.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from listening.records import Bucket, Dimension, Label, Scale, Window
from listening.stores.elastic_query import Query
from listening.stores.elastic_rows import NO_TEXT, UNSCORED
from listening.stores.periods import PERIODS, Periods, offset_at, zone_of
from listening.stores.reading import MOST_BUCKETS, too_many_buckets

Answer = Mapping[str, Any]
Ask = Callable[[Query], Answer]  # a search's body to what the server says
Values = Mapping[str, Any]  # by name of the field or period
Row = tuple[Values, int]

PAGE = 30_000  # rows of one tree: those of two stay below search.max_buckets, 65,536
_LABELS, _RATINGS = 6, 40  # more than there are of either
_ALWAYS = {"label", "ratings", "brand", "source", "kind", "language"}  # never missing
_LENGTHS = {  # seconds that the shortest has
    Dimension.HOUR: 900,
    Dimension.DAY: 82_800,
    Dimension.WEEK: 601_200,
    Dimension.MONTH: 28 * 86_400,
}
_SAMPLED = range(-4_000_000_000, 6_000_000_000, 28 * 86_400)  # 1843 to 2160; no summer is shorter
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Extent(NamedTuple):
    """The first and the last second since 1970 of what is counted, or wider."""

    first: int = 0
    last: int = 0

    def within(self, window: Window) -> Extent:
        since, until = map(_second, (window.since, window.until))
        first = self.first if since is None else max(self.first, since)
        return Extent(first, self.last if until is None else max(first, min(self.last, until)))


def _second(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Tree:
    """What is counted: every combination of values of ``names`` that occurs."""

    names: tuple[str, ...]
    zone: str
    extent: Extent

    @property
    def is_plain(self) -> bool:
        """Whether a plain aggregation may hold all values."""
        *above, last = self.names
        if not {*above} <= {"label", "ratings"}:
            return False
        if last not in PERIODS:
            return True
        length = _LENGTHS[Dimension(last)]
        return (self.extent.last - self.extent.first) // length + 2 <= self._most

    @property
    def _most(self) -> int:
        """So many values of the last name fit into an answer."""
        ratings = _RATINGS if "ratings" in self.names[:-1] else 1
        labels = _LABELS if "label" in self.names[:-1] else 1
        return PAGE // (ratings * labels) - 2

    def plain(self) -> Query:
        found: Query = {}
        for name in reversed(self.names):
            found = {"aggs": {"next": {**self._plain(name), **found}}}
        aggregation: Query = found["aggs"]["next"]
        return aggregation

    def _plain(self, name: str) -> Query:
        if name in PERIODS:
            return {"date_histogram": {**self._cut(name), "min_doc_count": 1}}
        size = self._most if name == self.names[-1] else _RATINGS
        missing = {} if name in _ALWAYS else {"missing": ""}
        return {"terms": {"field": name, "size": size, **missing}}

    def composite(self, after: Values | None) -> Query:
        sources = [{name: self._source(name)} for name in self.names]
        page: Query = {"size": PAGE, "sources": sources}
        return {"composite": {**page, "after": after} if after else page}

    def _source(self, name: str) -> Query:
        if name in PERIODS:
            return {"date_histogram": self._cut(name)}
        return {"terms": {"field": name, "missing_bucket": name not in _ALWAYS}}

    def _cut(self, period: str) -> Query:
        if period != Dimension.HOUR:
            cut = {"calendar_interval": period, "time_zone": self.zone, "format": "uuuu-MM-dd"}
        else:
            step, offset = _hour_pieces(self.zone, self.extent)
            cut = {"fixed_interval": f"{step}s", "offset": f"{offset}s"}
        return {"field": "created_at", **cut}

    def rows(self, answer: Answer) -> list[Row] | None:
        """Of a plain answer; None when it leaves out values."""
        return None if _is_cut(answer) else [*self._below(answer, self.names)]

    def _below(self, answer: Answer, names: Sequence[str]) -> Iterator[Row]:
        name, *rest = names
        for bucket in answer["buckets"]:
            is_date = name in PERIODS and name != Dimension.HOUR
            own = {name: bucket["key_as_string" if is_date else "key"]}
            if rest:
                for values, count in self._below(bucket["next"], rest):
                    yield {**own, **values}, count
            else:
                yield own, bucket["doc_count"]


def _is_cut(answer: Answer) -> bool:
    below = (bucket["next"] for bucket in answer["buckets"] if "next" in bucket)
    return bool(answer.get("sum_other_doc_count")) or any(map(_is_cut, below))


def _hour_pieces(zone: str, extent: Extent) -> tuple[int, int]:
    """Seconds of the longest pieces that lie within one local hour each, and where they begin."""
    first, last = extent
    moments = [first, last, *(moment for moment in _SAMPLED if first < moment < last)]
    offsets = {offset_at(moment, zone_of(zone)) for moment in moments}
    if len(offsets) == 1:
        return 3_600, -offsets.pop() % 3_600
    return next((step for step in (3_600, 1_800) if not any(o % step for o in offsets)), 900), 0


@dataclass(slots=True)
class _Tally:
    """A bucket being counted."""

    labels: Counter[str] = field(default_factory=Counter)
    ratings: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def bucket(self, key: tuple[str, ...]) -> Bucket:
        return Bucket(
            key=key,
            count=self.labels.total(),
            labels={label: self.labels[label] for label in Label if label in self.labels},
            unscored=self.labels[UNSCORED],
            ratings={
                scale: dict(sorted(self.ratings[scale].items()))
                for scale in Scale
                if scale in self.ratings
            },
        )


class _Tallies(defaultdict[tuple[str, ...], _Tally]):
    def __init__(self, by: Sequence[Dimension], zone: str) -> None:
        super().__init__(_Tally)
        self.by, self.zone = by, zone

    def add(self, rows: Iterable[Row]) -> None:
        rows = [*rows]
        hours = _hours((values.get(Dimension.HOUR) for values, _ in rows), self.zone)
        for values, count in rows:
            tally = self[tuple(_named(values.get(name), name, hours) for name in self.by)]
            if (rating := values.get("ratings")) is None:
                tally.labels[values["label"]] += count
            else:
                scale, _, value = rating.partition(":")
                tally.ratings[scale][int(value)] += count


def _named(value: Any, name: str, hours: Mapping[int, str]) -> str:  # noqa: ANN401 - as JSON has it
    if name == Dimension.HOUR:
        return hours[value]
    return "" if value is None or (name == "label" and value in {NO_TEXT, UNSCORED}) else value


def _hours(starts: Iterable[int | None], zone: str) -> dict[int, str]:
    """The names of the local hours that pieces, by their milliseconds since 1970, lie in."""
    distinct = np.array(sorted({start for start in starts if start is not None}), np.int64)
    periods = Periods.of(distinct // 1_000, Dimension.HOUR, zone)
    return {int(s): periods.names[code] for s, code in zip(distinct, periods.codes, strict=True)}


def aggregate(
    ask: Ask, query: Query, *, by: Sequence[Dimension], zone: str, extent: Extent
) -> list[Bucket]:
    """``ask`` searches; raises ConfigError for an unknown zone or too many buckets."""
    zone_of(zone)
    beneath = dict.fromkeys(name.value for name in by if name is not Dimension.LABEL)
    labels = ("label",) if Dimension.LABEL in by else ()
    tallies = _Tallies(by, zone)
    trees = [
        Tree(("label", *beneath), zone, extent),
        Tree(("ratings", *labels, *beneath), zone, extent),
    ]
    for rows, more in _counted(ask, query, trees):
        tallies.add(rows)
        if len(tallies) > MOST_BUCKETS:
            raise too_many_buckets(len(tallies), more=more)
    return [tallies[key].bucket(key) for key in sorted(tallies)]


def _counted(ask: Ask, query: Query, trees: Sequence[Tree]) -> Iterator[tuple[Iterable[Row], bool]]:
    """Rows of all trees in as few requests as it takes, and whether there may be more."""
    plain = {str(n): tree for n, tree in enumerate(trees) if tree.is_plain}
    waiting = {str(n): tree for n, tree in enumerate(trees)}
    after: dict[str, Values | None] = {}
    while waiting:
        aggregations = {
            n: tree.plain() if n in plain else tree.composite(after.get(n))
            for n, tree in waiting.items()
        }
        answer = ask({"size": 0, "query": query, "aggs": aggregations}).get("aggregations")
        if answer is None:  # there is no index yet
            return
        for n, tree in [*waiting.items()]:
            if plain.pop(n, None):
                rows = tree.rows(answer[n])  # if some are left out, as a composite next time
                done = rows is not None
            else:
                rows = [(bucket["key"], bucket["doc_count"]) for bucket in answer[n]["buckets"]]
                after[n] = answer[n].get("after_key")
                done = len(rows) < PAGE
            if done:
                del waiting[n]
            yield rows or (), not done
