"""The Numenta Anomaly Benchmark's published scoring rules, for any folder of its series.

Written from the rules (Lavin & Ahmad 2015): the first 15 % of a series, at most 750 rows, is
probation; the earliest detection in a window earns by how early it is, every detection outside
costs by how far it is from the window before, a missed window costs one.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


FAR = 3.0  # windows behind one: as false as can be


class Profile(NamedTuple):
    hit: float
    false: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "low FP": Profile(1.0, 0.22, 1.0),
    "low FN": Profile(1.0, 0.11, 2.0),
}
# Of the ten series of mention counts: published results scored by these rules.
PUBLISHED = {
    "ARTime": (81.8, 70.1, 87.9),
    "CAD-OSE": (74.5, 73.1, 76.5),
    "earthgecko Skyline": (68.9, 45.3, 78.3),
    "Numenta HTM": (68.0, 61.1, 72.6),
    "KNN-CAD": (64.3, 42.2, 73.2),
    "Relative Entropy": (59.8, 55.0, 63.1),
    "Twitter S-H-ESD": (59.6, 35.8, 69.0),
    "Windowed Gaussian": (51.4, 16.3, 64.6),
    "Random Cut Forest": (48.1, 46.9, 62.2),
}


@dataclass(frozen=True)
class Series:
    """``windows`` are first and last row of each labelled anomaly."""

    name: str
    times: tuple[datetime, ...]
    values: Array
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        return int(min(0.15 * len(self.values), 0.15 * 5000))


def read(folder: Path) -> list[Series]:
    """``windows.json`` and, gzipped or not, the CSV files that it names."""
    labelled = json.loads((folder / "windows.json").read_text("utf-8"))
    return [_series(folder, name, limits) for name, limits in sorted(labelled.items())]


def _series(folder: Path, name: str, limits: Sequence[Sequence[str]]) -> Series:
    path = folder / name
    packed = folder / f"{name}.gz"
    text = (
        path.read_text("utf-8") if path.exists() else gzip.decompress(packed.read_bytes()).decode()
    )
    rows = list(csv.DictReader(text.splitlines()))
    times = tuple(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC) for row in rows)
    at = {time: row for row, time in enumerate(times)}
    windows = tuple(
        tuple(at[datetime.fromisoformat(edge).replace(tzinfo=UTC)] for edge in edges)
        for edges in limits
    )
    values = np.array([float(row["value"]) for row in rows])
    return Series(name, times, values, tuple((first, last) for first, last in windows))


def sigmoid(place: float) -> float:
    """What a detection is worth: -1 is a window's left edge, 0 its right, beyond it false."""
    return -1.0 if place >= FAR else 2 / (1 + exp(5 * place)) - 1


def raw(series: Series, detected: Rows, profile: Profile) -> float:
    detected = detected[detected >= series.probation]
    total = 0.0
    outside = np.ones(detected.size, bool)
    for first, last in series.windows:
        inside = (detected >= first) & (detected <= last)
        outside &= ~inside
        if inside.any():
            place = -(last - detected[inside].min() + 1) / (last - first + 1)
            total += profile.hit * sigmoid(place) / sigmoid(-1)
        elif last >= series.probation:
            total -= profile.missed
    return total + profile.false * sum(_cost(series, int(row)) for row in detected[outside])


def _cost(series: Series, row: int) -> float:
    before = [(first, last) for first, last in series.windows if last < row]
    if not before:
        return -1.0
    first, last = before[-1]
    return sigmoid((row - last) / (last - first))


def score(found: Sequence[tuple[Series, Rows]], profile: Profile) -> float:
    """0 for no detection at all, 100 for one on the left edge of each window and no other."""
    windows = sum(last >= s.probation for s, _ in found for _, last in s.windows)
    null, perfect = -profile.missed * windows, profile.hit * windows
    total = sum(raw(series, rows, profile) for series, rows in found)
    return 100 * (total - null) / (perfect - null)


def onsets(values: Array, threshold: float, quiet: int) -> Rows:
    """Rows at or above ``threshold`` with none such in the ``quiet`` rows before."""
    above = np.nonzero(values >= threshold)[0]
    return above[np.diff(above, prepend=-quiet - 1) > quiet]


GRID = np.arange(-2.0, 8.0, 0.05)
SMOOTH = 9  # of the grid: a lone peak of so few windows is luck


def leave_one_out(
    series: Sequence[Series], scores: Sequence[Array], quiet: int, profile: Profile
) -> tuple[list[Rows], list[float]]:
    """What each series has at the threshold that is best for all the others, and those."""
    found = [[onsets(s, at, quiet) for at in GRID] for s in scores]
    worth = np.array(
        [[raw(s, rows, profile) for rows in each] for s, each in zip(series, found, strict=True)]
    )
    best = [smooth(worth.sum(axis=0) - worth[n]).argmax() for n in range(len(series))]
    return [found[n][at] for n, at in enumerate(best)], [float(GRID[at]) for at in best]


def smooth(values: Array) -> Array:
    padded = np.pad(values, SMOOTH // 2, mode="edge")
    return np.convolve(padded, np.full(SMOOTH, 1 / SMOOTH), mode="valid")
