"""What people keep of feedback, as JSON; docs/json.md describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from listening.desk import Entry, Saved
from listening.desk.labels import Labelled


def entry_shape(entry: Entry) -> dict[str, Any]:
    corrected = entry.correction
    return {
        "tags": list(entry.tags),
        "status": entry.status,
        "assignee": entry.assignee,
        "note": entry.note,
        "label": corrected
        and {
            "label": corrected.label,
            "by": corrected.by,
            "at": corrected.at.isoformat(),
            "model_label": corrected.was and corrected.was.label,
        },
    }


def labelled_shape(one: Labelled) -> dict[str, Any]:
    return asdict(one) | {"at": one.at.isoformat()}


def saved_shape(saved: Saved) -> dict[str, Any]:
    return asdict(saved) | {"at": saved.at.isoformat()}
