"""What the detector knows of its brands: arrays, to be kept between two buckets of time."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, cast

import numpy as np

from listening.alerts.promise import Promise
from listening.alerts.season import Baseline, Siblings
from listening.alerts.tail import Array
from listening.alerts.windows import Windows

FORMAT = 1


@dataclass(frozen=True, slots=True)
class State:
    """All that is known after a bucket, in as many numbers however long the history.

    Of no use to ``Setting`` with other windows. ``siblings`` groups brands that resemble each
    other, for those that have no history yet (-1: none).
    """

    tick: int
    last: datetime | None
    age: Array  # buckets with data
    high_for: Array  # buckets in a row far above, and far below, what was expected
    low_for: Array
    firing: Array
    kind: Array
    siblings: Array
    baseline: Baseline
    held: Siblings
    windows: Windows
    promise: Promise

    @classmethod
    def empty(
        cls, brands: int, spans: Sequence[int], siblings: Sequence[int] | None = None
    ) -> State:
        """Of ``brands`` never seen; ``spans`` are those of the ``Setting``."""
        groups = np.full(brands, -1.0) if siblings is None else np.array(siblings, dtype=float)
        age, high, low, firing, kind = np.zeros((5, brands))
        baseline, held = Baseline.empty(brands), Siblings.none(brands)
        windows, promise = Windows.empty(spans, brands), Promise.empty(brands)
        return cls(0, None, age, high, low, firing, kind, groups, baseline, held, windows, promise)

    def copy(self) -> State:
        return cast("State", _mapped(self, np.copy))

    def only(self, brands: Sequence[int]) -> State:
        """Of those brands, by their places."""
        chosen = np.asarray(brands, dtype=np.int64)
        return cast("State", _mapped(self, lambda array: array[..., chosen].copy()))

    def joined(self, newcomer: State) -> State:
        """With the brands of another state behind, of the same moment or still empty."""
        others = iter(_arrays(newcomer))
        both = _mapped(self, lambda array: np.concatenate([array, next(others)], axis=-1))
        return cast("State", both)

    def to_bytes(self) -> bytes:
        packed = io.BytesIO()
        last = None if self.last is None else self.last.isoformat()
        about = json.dumps({"format": FORMAT, "tick": self.tick, "last": last})
        np.savez_compressed(packed, np.array(about), *_arrays(self))
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, packed: bytes) -> State:
        """A ValueError says that it was written by another version: replay instead."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as kept:
            about = json.loads(str(kept["arr_0"]))
            if about["format"] != FORMAT:
                raise ValueError(
                    f"the detector's state has format {about['format']}, not {FORMAT};"
                    " replay the stored counts"
                )
            arrays = iter([kept[f"arr_{place}"] for place in range(1, len(kept.files))])
        filled: State = _mapped(cls.empty(0, (1,)), lambda _: next(arrays))
        last = about["last"] and datetime.fromisoformat(about["last"])
        return State(about["tick"], last, *(getattr(filled, f.name) for f in fields(cls)[2:]))


def _arrays(record: object) -> Iterator[Array]:
    """Every array in a record, in the order of ``_mapped``."""
    if isinstance(record, np.ndarray):
        yield record
    elif is_dataclass(record):
        for each in fields(record):
            yield from _arrays(getattr(record, each.name))


def _mapped(record: Any, change: Callable[[Array], Array]) -> Any:  # noqa: ANN401 - any record
    """A record with ``change`` made to every array in it."""
    if isinstance(record, np.ndarray):
        return change(record)
    if not is_dataclass(record) or isinstance(record, type):
        return record
    return type(record)(*(_mapped(getattr(record, each.name), change) for each in fields(record)))
