"""Survey answers and ratings: NPS, CSAT, CES, stars and smileys from their counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from listening.records import Bucket, Scale
from listening.views import figures
from listening.views.figures import MINIMUM, Figure

# The lowest answer that counts as favourable: promoters, top-2-box, 5-7, 4-5 stars, happy faces.
FAVOURABLE = {Scale.NPS: 9, Scale.CSAT: 4, Scale.CES: 5, Scale.STARS: 4, Scale.SMILEY: 3}
DETRACTORS = range(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The answers of one bucket on one scale.

    ``score`` is the figure that the field reports first: for NPS the net promoter score in
    points, for CSAT and smileys ``top``, for CES and stars ``mean``. ``top`` is the share of
    favourable answers in percent. ``distribution`` has every value of the scale.
    """

    key: tuple[str, ...]
    scale: Scale
    n: int
    score: Figure
    mean: Figure
    top: Figure
    distribution: Mapping[int, int]


def surveys(buckets: Iterable[Bucket], scale: Scale, *, minimum: int = MINIMUM) -> list[Survey]:
    """A row for each bucket in which somebody answered on ``scale``."""
    return [
        _survey(bucket.key, scale, counts, minimum)
        for bucket in buckets
        if (counts := bucket.ratings.get(scale)) and any(counts.values())
    ]


def nps(counts: Mapping[int, int], *, minimum: int = MINIMUM) -> Figure:
    """%(9-10) − %(0-6) (Reichheld 2003), its interval that of ``figures.net``."""
    promoters = _favourable(counts, Scale.NPS)
    detractors = sum(counts.get(value, 0) for value in DETRACTORS)
    return figures.net(promoters, detractors, sum(counts.values()), minimum=minimum)


def top(counts: Mapping[int, int], scale: Scale, *, minimum: int = MINIMUM) -> Figure:
    """The share of favourable answers, e.g. CSAT's top-2-box, with the Wilson interval."""
    return figures.share(_favourable(counts, scale), sum(counts.values()), minimum=minimum)


def mean(counts: Mapping[int, int], scale: Scale, *, minimum: int = MINIMUM) -> Figure:
    return figures.mean(counts, range(scale.low, scale.high + 1), minimum=minimum)


def _survey(key: tuple[str, ...], scale: Scale, counts: Mapping[int, int], minimum: int) -> Survey:
    average = mean(counts, scale, minimum=minimum)
    favourable = top(counts, scale, minimum=minimum)
    score = average if scale in (Scale.CES, Scale.STARS) else favourable
    return Survey(
        key=key,
        scale=scale,
        n=sum(counts.values()),
        score=nps(counts, minimum=minimum) if scale is Scale.NPS else score,
        mean=average,
        top=favourable,
        distribution={value: counts.get(value, 0) for value in range(scale.low, scale.high + 1)},
    )


def _favourable(counts: Mapping[int, int], scale: Scale) -> int:
    return sum(n for value, n in counts.items() if value >= FAVOURABLE[scale])
