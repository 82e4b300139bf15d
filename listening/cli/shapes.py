"""What ``--json`` prints: plain values of the records. docs/json.md describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from listening.pipeline import Ingested
from listening.records import Feedback, Hit, Hits, Label, Rejected, Sentiment
from listening.sources.files import Layout
from listening.views.words import TellingWord

Json = dict[str, Any]


def rejected(row: Rejected) -> Json:
    return {
        "file": row.origin,
        "line": row.line,
        "column": row.column,
        "reason": row.reason,
    }


def ingested(result: Ingested, layout: Layout | None, *, dry_run: bool) -> Json:
    """``rows`` = stored + updated + duplicates + erased + expired + number of quarantined."""
    shape: Json = {
        "stream": result.stream,
        "rows": result.rows,
        "stored": result.stored,
        "updated": result.updated,
        "duplicates": result.duplicates,
        "erased": result.erased,
        "expired": result.expired,
        "quarantined": [rejected(row) for row in result.quarantined],
        "dry_run": dry_run,
    }
    if layout is not None:
        shape |= {
            "file": layout.path,
            "format": layout.format,
            "encoding": layout.encoding,
            "separator": layout.separator,
            "mapping": dict(layout.mapping),
            "id_from": layout.id_from,
            "notes": list(layout.notes),
        }
    return shape


def sentiment(found: Sentiment) -> Json:
    return {
        "label": found.label.value,
        "negative": found.negative,
        "neutral": found.neutral,
        "positive": found.positive,
        "model": found.model,
    }


def feedback(one: Feedback) -> Json:
    optional = (
        "url", "author", "engagement", "country", "touchpoint", "segment", "service", "campaign",
        "question",
    )  # fmt: skip
    return {
        "id": one.id,
        "brand": one.brand,
        "source": one.source,
        "kind": one.kind.value,
        "text": one.text,
        "language": one.language,
        "created_at": one.created_at.isoformat(),
        "ratings": {rating.scale.value: rating.value for rating in one.ratings},
        **{name: getattr(one, name) for name in optional},
    }


def hit(found: Hit) -> Json:
    return {
        **feedback(found.feedback),
        "sentiment": sentiment(found.sentiment) if found.sentiment else None,
        "highlights": [list(span) for span in found.highlights],
    }


def hits(found: Hits) -> Json:
    return {
        "total": found.total,
        "total_is_exact": found.total_is_exact,
        "cursor": found.cursor,
        "hits": [hit(one) for one in found.hits],
    }


def labels(counts: Mapping[Label, int]) -> Json:
    return {label.value: counts.get(label, 0) for label in Label}


def word(found: TellingWord) -> Json:
    return asdict(found)
