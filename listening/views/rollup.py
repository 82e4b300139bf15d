"""Buckets summed to fewer dimensions, so that one question to a store answers several views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from listening.records import Bucket, Label, Scale


def rollup(buckets: Iterable[Bucket], *places: int) -> list[Bucket]:
    """One bucket for each combination of the key's ``places``, sorted by it."""
    groups: dict[tuple[str, ...], list[Bucket]] = {}
    for bucket in buckets:
        groups.setdefault(tuple(bucket.key[place] for place in places), []).append(bucket)
    return [_sum(key, group) for key, group in sorted(groups.items())]


def total(buckets: Iterable[Bucket]) -> Bucket:
    """Everything in one bucket, with an empty key."""
    return _sum((), list(buckets))


def _sum(key: tuple[str, ...], buckets: list[Bucket]) -> Bucket:
    labels: Counter[Label] = Counter()
    ratings: dict[Scale, Counter[int]] = {}
    for bucket in buckets:
        labels.update(bucket.labels)
        for scale, counts in bucket.ratings.items():
            ratings.setdefault(scale, Counter()).update(counts)
    count = sum(bucket.count for bucket in buckets)
    return Bucket(key, count, labels, sum(bucket.unscored for bucket in buckets), ratings)
