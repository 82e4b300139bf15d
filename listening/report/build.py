"""Asks a store for counts, and makes a report of them through the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from listening.protocols import Store
from listening.records import Bucket, Dimension, Filter, Kind, Scale
from listening.report import evidence, timeline, wording
from listening.report.shape import Brand, Comparison, Moved, Period, Report, SurveyTable
from listening.views.figures import MINIMUM, Change, change
from listening.views.reproduce import as_query
from listening.views.rollup import rollup, total
from listening.views.sentiment import SentimentRow, sentiment
from listening.views.surveys import Survey, surveys
from listening.views.voice import share_of_voice

VOICE = (Kind.MENTION, Kind.REVIEW)  # what people say in public; a survey asks only one's own

Sides = tuple[Sequence[Bucket], Sequence[Bucket]]


def report(
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
    return Report(
        query=as_query(where),
        minimum=minimum,
        period=period,
        comparison=compared,
        quarantined=len(store.quarantine()),
        overall=sentiment([total(days)], minimum=minimum)[0],
        over_time=_over_time(by_time, period, minimum),
        brands=_brands(store, where, by_time, sides, period, compared, minimum),
        languages=_rows(store, where, [Dimension.LANGUAGE], minimum),
        sources=_rows(store, where, [Dimension.SOURCE, Dimension.KIND], minimum),
        surveys=_surveys(store, where, by_time, sides, minimum),
        crises=evidence.crises(store, where),
        complaints=evidence.complaints(store, where),
        praise=evidence.praise(store, where),
    )


def _rows(
    store: Store, where: Filter, by: Sequence[Dimension], minimum: int
) -> tuple[SentimentRow, ...]:
    return _largest(sentiment(store.aggregate(where, by=by), minimum=minimum))


def _largest(rows: Sequence[SentimentRow]) -> tuple[SentimentRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.items, row.key)))


def _over_time(by_time: Sequence[Bucket], period: Period, minimum: int) -> tuple[SentimentRow, ...]:
    """Every step of the period, also those in which nobody said anything."""
    found = {bucket.key[0]: bucket for bucket in rollup(by_time, 1)}
    steps = [found.get(start, Bucket((start,), 0)) for start in timeline.starts(period)]
    return tuple(sentiment(steps, minimum=minimum))


def _brands(  # noqa: PLR0913 - a page of a report has many inputs
    store: Store,
    where: Filter,
    by_time: Sequence[Bucket],
    sides: Sides,
    period: Period,
    compared: Comparison | None,
    minimum: int,
) -> tuple[Brand, ...]:
    public = tuple(kind for kind in where.kind or VOICE if kind in VOICE)
    everyone = replace(where, brand=None, kind=public)
    voice = share_of_voice(store.aggregate(everyone, by=[Dimension.BRAND]), minimum=minimum)
    moved = _moved(sides, minimum) if compared else {}

    def brand(row: SentimentRow) -> Brand:
        name = row.key[0]
        own = [bucket for bucket in by_time if bucket.key[0] == name]
        return Brand(
            name=name,
            headline=wording.headline(row, moved.get(name), compared),
            sentiment=row,
            share_of_voice=voice.get(name) if public else None,
            change=moved.get(name),
            over_time=_over_time(own, period, minimum),
        )

    return tuple(map(brand, _largest(sentiment(rollup(by_time, 0), minimum=minimum))))


def _moved(sides: Sides, minimum: int) -> Mapping[str, Moved]:
    now, before = ({row.key[0]: row for row in sentiment(side, minimum=minimum)} for side in sides)
    return {
        name: Moved(now=row, before=was, net=change(row.net, was.net))
        for name in now | before
        for row, was in [(now.get(name, _nothing(name)), before.get(name, _nothing(name)))]
    }


def _nothing(name: str) -> SentimentRow:
    return sentiment([Bucket((name,), 0)])[0]


def _surveys(
    store: Store, where: Filter, by_time: Sequence[Bucket], sides: Sides, minimum: int
) -> tuple[SurveyTable, ...]:
    cells = store.aggregate(where, by=[Dimension.BRAND, Dimension.SEGMENT, Dimension.SERVICE])
    known = [bucket for bucket in cells if all(bucket.key)]

    def rows(buckets: Sequence[Bucket], scale: Scale) -> tuple[Survey, ...]:
        return tuple(surveys(buckets, scale, minimum=minimum))

    return tuple(
        SurveyTable(
            scale=scale,
            overall=overall,
            brands=rows(rollup(by_time, 0), scale),
            changes=_survey_changes(sides, scale, minimum),
            cells=rows(known, scale),
            over_time=rows(by_time, scale),
        )
        for scale in Scale
        for overall in rows([total(by_time)], scale)
    )


def _survey_changes(sides: Sides, scale: Scale, minimum: int) -> Mapping[str, Change]:
    now, before = (
        {row.key[0]: row.score for row in surveys(side, scale, minimum=minimum)} for side in sides
    )
    return {name: change(score, before[name]) for name, score in now.items() if name in before}
