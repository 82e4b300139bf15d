"""Asks a store for counts, and makes a report of them through the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from listening.protocols import Store
from listening.records import Bucket, Dimension, Filter, Kind, Scale
from listening.report import evidence, timeline, wording
from listening.report.shape import Brand, Comparison, Moved, Period, Report, SurveyTable
from listening.views.figures import MINIMUM, Change, Figure, change
from listening.views.reproduce import as_query
from listening.views.rollup import rollup, total
from listening.views.sentiment import SentimentRow, sentiment
from listening.views.surveys import Survey, surveys
from listening.views.voice import share_of_voice

VOICE = (Kind.MENTION, Kind.REVIEW)  # what people say in public; a survey asks only one's own

Sides = tuple[Sequence[Bucket], Sequence[Bucket]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every part of the report needs; ``sides`` are the later and earlier, by brand."""

    store: Store
    where: Filter
    period: Period
    compared: Comparison | None
    sides: Sides
    by_time: Sequence[Bucket]
    minimum: int


def report(  # noqa: PLR0913 - options, by keyword
    store: Store,
    where: Filter,
    *,
    zone: str = "UTC",
    by: str | None = None,
    compare: bool = True,
    minimum: int = MINIMUM,
) -> Report:
    """What the feedback of ``where`` says; days begin in ``zone`` (IANA).

    ``by`` is day, week or month; None chooses by the length of the period. With ``compare`` the
    period is set against the one as long before it or, when ``where`` does not say where it
    begins, the later half of the data against the earlier. Figures of fewer than ``minimum``
    answers are None. Raises ConfigError for an unknown zone or another ``by``.
    """
    days = store.aggregate(where, by=[Dimension.DAY], zone=zone)
    period = timeline.period(days, where.window, zone=zone, by=by)
    compared = timeline.comparison(period, where.window) if compare else None
    sides = timeline.sides(store, where, compared, zone) if compared else ([], [])
    by_time = store.aggregate(where, by=[Dimension.BRAND, Dimension(period.by)], zone=zone)
    topics = evidence.topics(store, where)
    asked = _Asked(store, where, period, compared, sides, by_time, minimum)
    return Report(
        query=as_query(where),
        minimum=minimum,
        period=period,
        comparison=compared,
        quarantined=len(store.quarantine()) if where == Filter() else None,
        overall=sentiment([total(by_time)], minimum=minimum)[0],
        over_time=_over_time(asked, by_time),
        brands=_brands(asked),
        languages=tuple(row for row in _rows(asked, Dimension.LANGUAGE) if row.texts),
        sources=_rows(asked, Dimension.SOURCE, Dimension.KIND),
        surveys=_surveys(asked),
        crises=evidence.crises(store, where),
        complaints=topics.complaints,
        praise=topics.praise,
    )


def _rows(asked: _Asked, *by: Dimension) -> tuple[SentimentRow, ...]:
    buckets = asked.store.aggregate(asked.where, by=by)
    return _largest(sentiment(buckets, minimum=asked.minimum))


def _largest(rows: Sequence[SentimentRow]) -> tuple[SentimentRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.items, row.key)))


def _over_time(asked: _Asked, by_time: Sequence[Bucket]) -> tuple[SentimentRow, ...]:
    """Every step of the period, also those in which nobody said anything."""
    found = {bucket.key[0]: bucket for bucket in rollup(by_time, 1)}
    steps = [found.get(start, Bucket((start,), 0)) for start in timeline.starts(asked.period)]
    return tuple(sentiment(steps, minimum=asked.minimum))


def _brands(asked: _Asked) -> tuple[Brand, ...]:
    voice = _voice(asked)
    moved = _moved(asked) if asked.compared else {}

    def brand(row: SentimentRow) -> Brand:
        name = row.key[0]
        own = [bucket for bucket in asked.by_time if bucket.key[0] == name]
        return Brand(
            name=name,
            headline=wording.headline(row, moved.get(name), asked.compared),
            sentiment=row,
            share_of_voice=voice.get(name),
            change=moved.get(name),
            over_time=_over_time(asked, own),
        )

    rows = sentiment(rollup(asked.by_time, 0), minimum=asked.minimum)
    return tuple(map(brand, _largest(rows)))


def _voice(asked: _Asked) -> Mapping[str, Figure]:
    public = tuple(kind for kind in asked.where.kind or VOICE if kind in VOICE)
    if not public:
        return {}
    everyone = replace(asked.where, brand=None, kind=public)
    buckets = asked.store.aggregate(everyone, by=[Dimension.BRAND])
    return share_of_voice(buckets, minimum=asked.minimum) if len(buckets) > 1 else {}


def _moved(asked: _Asked) -> Mapping[str, Moved]:
    now, before = (
        {row.key[0]: row for row in sentiment(side, minimum=asked.minimum)} for side in asked.sides
    )
    return {
        name: Moved(now=row, before=was, net=change(row.net, was.net))
        for name in now | before
        for row, was in [(now.get(name, _silent(name)), before.get(name, _silent(name)))]
    }


def _silent(name: str) -> SentimentRow:
    return sentiment([Bucket((name,), 0)])[0]


def _surveys(asked: _Asked) -> tuple[SurveyTable, ...]:
    by = [Dimension.BRAND, Dimension.SEGMENT, Dimension.SERVICE]
    cells = [cell for cell in asked.store.aggregate(asked.where, by=by) if all(cell.key)]

    def rows(buckets: Sequence[Bucket], scale: Scale) -> tuple[Survey, ...]:
        return tuple(surveys(buckets, scale, minimum=asked.minimum))

    return tuple(
        SurveyTable(
            scale=scale,
            overall=overall,
            brands=rows(rollup(asked.by_time, 0), scale),
            changes=_survey_changes(asked, scale),
            cells=rows(cells, scale),
            over_time=rows(asked.by_time, scale),
        )
        for scale in Scale
        for overall in rows([total(asked.by_time)], scale)
    )


def _survey_changes(asked: _Asked, scale: Scale) -> Mapping[str, Change]:
    now, before = (
        {row.key[0]: row.score for row in surveys(side, scale, minimum=asked.minimum)}
        for side in asked.sides
    )
    return {name: change(score, before[name]) for name, score in now.items() if name in before}
