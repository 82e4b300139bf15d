"""Survey answers by customer segment and service, with the totals of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listening.app import App
from listening.records import Bucket, Dimension, Filter, Scale
from listening.views.rollup import rollup, total
from listening.views.surveys import Survey, surveys

_BRAND, _SEGMENT, _SERVICE = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """``cells`` go by segment and service, ``rows`` by segment, ``columns`` by service.

    Answers whose segment or service is not known are in no cell.
    """

    brand: Survey
    segments: tuple[str, ...]
    services: tuple[str, ...]
    cells: Mapping[tuple[str, str], Survey]
    rows: Mapping[str, Survey]
    columns: Mapping[str, Survey]

    @property
    def fullest(self) -> int:
        """How many answers the fullest cell has."""
        return max((row.n for row in self.cells.values()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """All answers on one scale, and brand by brand."""

    overall: Survey
    brands: tuple[Matrix, ...]


def answers(app: App, where: Filter) -> list[Answers]:
    """One for each scale that anybody answered on."""
    by = [Dimension.BRAND, Dimension.SEGMENT, Dimension.SERVICE]
    buckets = app.store.aggregate(where, by=by)
    return [
        Answers(overall=overall, brands=tuple(_matrices(buckets, scale)))
        for scale in Scale
        for overall in surveys([total(buckets)], scale)
    ]


def _matrices(buckets: Sequence[Bucket], scale: Scale) -> list[Matrix]:
    return [
        _matrix(brand, [one for one in buckets if one.key[_BRAND] == brand.key[0]], scale)
        for brand in surveys(rollup(buckets, _BRAND), scale)
    ]


def _matrix(brand: Survey, buckets: Sequence[Bucket], scale: Scale) -> Matrix:
    known = [one for one in buckets if one.key[_SEGMENT] and one.key[_SERVICE]]
    cells = {row.key: row for row in surveys(rollup(known, _SEGMENT, _SERVICE), scale)}
    return Matrix(
        brand=brand,
        segments=tuple(sorted({segment for segment, _ in cells})),
        services=tuple(sorted({service for _, service in cells})),
        cells={(segment, service): row for (segment, service), row in cells.items()},
        rows={row.key[0]: row for row in surveys(rollup(buckets, _SEGMENT), scale)},
        columns={row.key[0]: row for row in surveys(rollup(buckets, _SERVICE), scale)},
    )
