"""Brands side by side: how much is said of each, how, where, and what only it is blamed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter
from fastapi import Query as In
from starlette.responses import Response

from listening.app import App
from listening.errors import ConfigError
from listening.records import Bucket, Dimension, Filter, Kind, Label, Scale
from listening.report import timeline
from listening.report.shape import Comparison, Moved, Period, plain
from listening.views.figures import MINIMUM, Change, Figure, change, share
from listening.views.rollup import rollup
from listening.views.sentiment import SentimentRow, sentiment
from listening.views.surveys import Survey, surveys
from listening.views.voice import share_of_voice
from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.pages import frame_of
from listening.web.reading import Reading
from listening.web.recent import Recent
from listening.web.render import page, voice
from listening.web.timeline import sentiment_chart
from listening.web.topics import groups_json
from listening.web.words import Group, Pair, Side, groups

HERE = "/compare"
MOST = 6  # brands; more cannot be told apart
MOST_SOURCES = 12
MOST_LANGUAGES = 2
MOST_WORDS = 6  # of a brand's complaints, in each language
_BRAND, _STEP = range(2)

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/compare", tags=["compare"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A brand's score on one scale, and by how much it changed."""

    row: Survey
    change: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How much of a brand's feedback came from a source, and of what sentiment it is."""

    sentiment: SentimentRow
    share: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One of the brands. ``public`` of its items count for its share of voice among them all.

    ``complaints`` are words of its negative texts against those of the others.
    """

    name: str
    sentiment: SentimentRow
    public: int
    share_of_voice: Figure | None
    moved: Moved | None
    over_time: tuple[SentimentRow, ...]
    surveys: Mapping[Scale, Answers]
    sources: Mapping[str, Source]
    complaints: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """``sources`` and ``scales`` are those that any of the brands has."""

    period: Period
    comparison: Comparison | None
    brands: tuple[Rival, ...]
    sources: tuple[str, ...]
    scales: tuple[Scale, ...]


class _Counts(NamedTuple):
    """Buckets: by brand and step, on the later and earlier side, and by brand and source."""

    by_time: Sequence[Bucket]
    sides: tuple[Mapping[str, Bucket], Mapping[str, Bucket]] | None
    by_source: Sequence[Bucket]
    public: Sequence[Bucket]


@router.get(HERE)
def show(app: Reading, recent: Recent, asked: Annotated[Asked, In()]) -> Response:
    found = compared(app, recent, asked)
    frame = frame_of(app, HERE, asked)
    names = tuple(one.name for one in found.brands)
    by = found.period.by
    rows = [row for one in found.brands for row in one.over_time]
    return page(
        "compare.html",
        frame=frame,
        asked=asked,
        found=found,
        names=names,
        charts=[sentiment_chart(o.over_time, of(asked, o.name), by, rows) for o in found.brands],
        choices=[(name, _toggled(asked, names, name), name in names) for name in frame.brands],
        minimum=MINIMUM,
        most=MOST,
        most_sources=MOST_SOURCES,
    )


@calls.get("")
def call(app: Reading, recent: Recent, asked: Annotated[Asked, In()]) -> Response:
    """Two to six brands side by side; docs/json.md describes it."""
    return Json(as_json(compared(app, recent, asked)))


def compared(app: App, recent: Recent, asked: Asked) -> Compared:
    """The brands asked for or, of fewer than two, those most is said of. At most six."""
    if len(set(asked.brand)) > MOST:
        raise ConfigError(f"{len(asked.brand)} brands are too many side by side; name up to {MOST}")
    names = _names(app, asked)
    where = replace(asked.where(app), brand=names or None)
    key = ("compare", where, asked.by)
    return recent.kept(app, key, [where], lambda: _compared(app, asked, where, names))


def _names(app: App, asked: Asked) -> tuple[str, ...]:
    """Those chosen first, then the largest; a brand alone has nothing beside it."""
    chosen = tuple(dict.fromkeys(asked.brand))
    if len(chosen) > 1:
        return chosen
    everyone = replace(asked.where(app), brand=None)
    counts = app.store.aggregate(everyone, by=[Dimension.BRAND])
    largest = sorted(counts, key=lambda bucket: (-bucket.count, bucket.key))
    return tuple(dict.fromkeys((*chosen, *(one.key[0] for one in largest))))[:MOST]


def of(asked: Asked, *brands: str, **changes: Any) -> Asked:  # noqa: ANN401 - of the fields
    """The same filters for these brands."""
    return asked.model_copy(update={"brand": brands, **changes})


def _toggled(asked: Asked, names: Sequence[str], name: str) -> str:
    """Where a brand is there or not; of one too many it takes the place of the last."""
    kept = tuple(one for one in names if one != name)
    return asked.link(HERE, brand=kept if name in names else (*kept[: MOST - 1], name))


def _compared(app: App, asked: Asked, where: Filter, names: Sequence[str]) -> Compared:
    zone = app.settings.zone
    days = app.store.aggregate(where, by=[Dimension.DAY], zone=zone)
    period = timeline.period(days, where.window, zone=zone, by=asked.by)
    comparison = timeline.comparison(period, where.window)
    counts = _counts(app, asked, where, period, comparison)
    blamed = dict(zip(names, _complaints(app, asked, names), strict=True))
    brands = tuple(_rival(name, counts, period, blamed[name]) for name in names)
    sources = sorted(rollup(counts.by_source, 1), key=lambda bucket: -bucket.count)
    return Compared(
        period=period,
        comparison=comparison,
        brands=brands,
        sources=tuple(bucket.key[0] for bucket in sources),
        scales=tuple(scale for scale in Scale if any(scale in one.surveys for one in brands)),
    )


def _counts(
    app: App, asked: Asked, where: Filter, period: Period, comparison: Comparison | None
) -> _Counts:
    zone, store = app.settings.zone, app.store
    sides = None
    if comparison:
        now, before = timeline.sides(store, where, comparison, zone)
        sides = ({one.key[0]: one for one in now}, {one.key[0]: one for one in before})
    kinds: tuple[Kind, ...] = voice(asked)
    public = replace(where, kind=kinds)
    return _Counts(
        store.aggregate(where, by=[Dimension.BRAND, Dimension(period.by)], zone=zone),
        sides,
        store.aggregate(where, by=[Dimension.BRAND, Dimension.SOURCE]),
        store.aggregate(public, by=[Dimension.BRAND]) if kinds else [],
    )


def _rival(name: str, counts: _Counts, period: Period, complaints: tuple[Group, ...]) -> Rival:
    own = [bucket for bucket in counts.by_time if bucket.key[_BRAND] == name]
    whole = next(iter(rollup(own, _BRAND)), Bucket((name,), 0))
    public = {bucket.key[0]: bucket.count for bucket in counts.public}
    sides = [side.get(name, Bucket((name,), 0)) for side in counts.sides] if counts.sides else None
    return Rival(
        name=name,
        sentiment=sentiment([whole])[0],
        public=public.get(name, 0),
        share_of_voice=share_of_voice(counts.public).get(name) if public else None,
        moved=_moved(*sides) if sides else None,
        over_time=_over_time(own, period),
        surveys=dict(_surveys(whole, sides)),
        sources={
            bucket.key[1]: Source(
                sentiment=sentiment([bucket])[0], share=share(bucket.count, whole.count)
            )
            for bucket in counts.by_source
            if bucket.key[0] == name
        },
        complaints=complaints,
    )


def _moved(now: Bucket, before: Bucket) -> Moved:
    row, was = sentiment([now, before])
    return Moved(now=row, before=was, net=change(row.net, was.net))


def _over_time(own: Sequence[Bucket], period: Period) -> tuple[SentimentRow, ...]:
    """Every step of the period, also those in which nobody said anything."""
    found = {bucket.key[0]: bucket for bucket in rollup(own, _STEP)}
    steps = [found.get(start, Bucket((start,), 0)) for start in timeline.starts(period)]
    return tuple(sentiment(steps))


def _surveys(whole: Bucket, sides: Sequence[Bucket] | None) -> list[tuple[Scale, Answers]]:
    return [
        (scale, Answers(row=row, change=_survey_change(sides, scale)))
        for scale in Scale
        for row in surveys([whole], scale)
    ]


def _survey_change(sides: Sequence[Bucket] | None, scale: Scale) -> Change | None:
    """None where one side has no answers at all."""
    rows = surveys(sides or (), scale)
    return change(rows[0].score, rows[1].score) if len(rows) > 1 else None


def _complaints(app: App, asked: Asked, names: Sequence[str]) -> Sequence[tuple[Group, ...]]:
    if len(names) < 2 or (asked.sentiment and Label.NEGATIVE not in asked.sentiment):  # noqa: PLR2004 - two to compare
        return [()] * len(names)
    pairs = [
        Pair(_blamed(app, asked, name), _blamed(app, asked, *without(names, name)), MOST_WORDS)
        for name in names
    ]
    return groups(app.store, pairs, languages=MOST_LANGUAGES, names=names)


def without(names: Sequence[str], one: str) -> tuple[str, ...]:
    return tuple(name for name in names if name != one)


def _blamed(app: App, asked: Asked, *brands: str) -> Side:
    own = of(asked, *brands, sentiment=(Label.NEGATIVE,))
    return Side(own.where(app), own)


def as_json(found: Compared) -> dict[str, Any]:
    told: dict[str, Any] = plain(replace(found, brands=()))
    return {
        "minimum": MINIMUM,
        **told,
        "brands": [
            {
                field.name: groups_json(one.complaints)
                if field.name == "complaints"
                else plain(getattr(one, field.name))
                for field in fields(one)
            }
            for one in found.brands
        ],
    }
