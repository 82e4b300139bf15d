"""Share of voice: how much of what is said about a set of brands is about each."""

from __future__ import annotations

from collections.abc import Iterable

from listening.records import Bucket
from listening.views.figures import MINIMUM, Figure, share


def share_of_voice(buckets: Iterable[Bucket], *, minimum: int = MINIMUM) -> dict[str, Figure]:
    """For every brand its share in percent, with the Wilson interval; buckets by brand.

    The caller sees to it that all brands are counted from the same sources and the same time.
    """
    counts = {bucket.key[0]: bucket.count for bucket in buckets}
    everything = sum(counts.values())
    return {brand: share(n, everything, minimum=minimum) for brand, n in counts.items()}
