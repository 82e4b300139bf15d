"""Volume and net sentiment, of any dimension and over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from listening.records import Bucket, Label
from listening.views.figures import MINIMUM, Figure, net


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentRow:
    """What was said in one bucket.

    ``items`` is the volume: texts, and ratings without one. The four labels and ``unscored`` add
    up to ``texts``. ``net`` is (P − N) / (P + N + 0), ``net_polar`` (P − N) / (P + N), both in
    points; unknown and unscored texts are in neither. ``unknown_share`` is in percent of the
    texts that were scored, None without any.
    """

    key: tuple[str, ...]
    items: int
    texts: int
    negative: int
    neutral: int
    positive: int
    unknown: int
    unscored: int
    unknown_share: float | None
    net: Figure
    net_polar: Figure


def sentiment(buckets: Iterable[Bucket], *, minimum: int = MINIMUM) -> list[SentimentRow]:
    """A row for each bucket; vendors use either formula for net sentiment, here are both."""
    return [_row(bucket, minimum) for bucket in buckets]


def _row(bucket: Bucket, minimum: int) -> SentimentRow:
    negative, neutral, positive, unknown = (bucket.labels.get(label, 0) for label in Label)
    known = negative + neutral + positive
    scored = known + unknown
    return SentimentRow(
        key=bucket.key,
        items=bucket.count,
        texts=scored + bucket.unscored,
        negative=negative,
        neutral=neutral,
        positive=positive,
        unknown=unknown,
        unscored=bucket.unscored,
        unknown_share=100 * unknown / scored if scored else None,
        net=net(positive, negative, known, minimum=minimum),
        net_polar=net(positive, negative, negative + positive, minimum=minimum),
    )
