"""How well a model reads labelled texts: figures with their intervals, and two models compared.

Truth and guesses are arrays of 0, 1 and 2 for negative, neutral and positive; probabilities have
the shape (texts, 3). Percentages are of 100. Intervals are 95 %: of F1 the percentile bootstrap
(Efron 1979), of shares Wilson's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from listening.records import Label
from listening.views.figures import wilson

LABELS = (Label.NEGATIVE, Label.NEUTRAL, Label.POSITIVE)
BINS = 10
DRAWS = 2000
NEGATIVE = 0
_SIDES = (2.5, 97.5)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """``recall`` is that of the negative texts, None where there are none; ``ece`` is 0 to 1.

    ``coverage`` is the part of the texts whose label is not unknown, in percent.
    """

    n: int
    macro_f1: float
    interval: tuple[float, float]
    recall: float | None
    recall_interval: tuple[float, float] | None
    ece: float
    coverage: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts of about one confidence; ``right`` of them were read right. Shares are 0 to 1."""

    low: float
    high: float
    n: int
    right: int
    confidence: float

    @property
    def accuracy(self) -> float:
        return self.right / self.n

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.n)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Macro-F1 of two models on the same texts; ``p`` is two-sided, of there being no difference.

    ``interval`` is that of ``difference``, the second less the first.
    """

    n: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(probabilities: Floats, truth: Ints, *, threshold: float = 0.0) -> Measured:
    """Of one group of texts, which must not be empty; unknown ones count by their best label."""
    guess = probabilities.argmax(1)
    table = confusion(truth, guess)
    caught, negative = int(table[NEGATIVE, NEGATIVE]), int(table[NEGATIVE].sum())
    low, high = wilson(caught, negative) if negative else (0.0, 0.0)
    return Measured(
        n=len(truth),
        macro_f1=round(float(macro_f1(table)), 1),
        interval=_sides(macro_f1(_drawn(table))),
        recall=round(100 * caught / negative, 1) if negative else None,
        recall_interval=(round(100 * low, 1), round(100 * high, 1)) if negative else None,
        ece=round(calibration_error(probabilities, truth), 3),
        coverage=round(100 * float((probabilities.max(1) >= threshold).mean()), 1),
    )


def confusion(truth: Ints, guess: Ints) -> Ints:
    """Counts of shape (3, 3), by truth and guess."""
    size = len(LABELS)
    return np.bincount(size * truth + guess, minlength=size**2).reshape(size, size)


def macro_f1(tables: Ints) -> Floats:
    """Of confusions of shape (…, 3, 3): the mean F1 of the classes that occur, in percent."""
    occurs = tables.sum(-1)
    sums = occurs + tables.sum(-2)
    hits = 2 * np.diagonal(tables, axis1=-2, axis2=-1)
    scores = np.where(occurs > 0, hits / np.maximum(sums, 1), 0.0)
    return np.asarray(100 * scores.sum(-1) / np.maximum((occurs > 0).sum(-1), 1))


def reliability(probabilities: Floats, truth: Ints) -> Iterator[Bin]:
    """How often the best label was right, by its probability; bins without texts are left out."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for place in np.unique(places):
        here = places == place
        mean = float(confidence[here].mean())
        low, high = place / BINS, (place + 1) / BINS
        yield Bin(float(low), float(high), int(here.sum()), int(right[here].sum()), mean)


def calibration_error(probabilities: Floats, truth: Ints) -> float:
    """The expected calibration error of the best label over ten equal bins (Guo et al. 2017)."""
    bins = reliability(probabilities, truth)
    return sum(one.n * abs(one.confidence - one.accuracy) for one in bins) / len(truth)


def compare(first: Ints, second: Ints, truth: Ints) -> Comparison:
    """Two models' guesses on the same texts, by paired bootstrap (Berg-Kirkpatrick et al. 2012)."""
    size = len(LABELS)
    pairs = np.bincount(size * (size * truth + first) + second, minlength=size**3)
    draws = _drawn(pairs.reshape(size, size, size))
    both = [np.asarray(macro_f1(draws.sum(axis))) for axis in (-1, -2)]
    differences = both[1] - both[0]
    tail = min((differences <= 0).mean(), (differences >= 0).mean())
    ours, theirs = (round(float(macro_f1(confusion(truth, each))), 1) for each in (first, second))
    return Comparison(
        n=len(truth),
        first=ours,
        second=theirs,
        difference=round(theirs - ours, 1),
        interval=_sides(differences),
        p=round(min(1.0, 2 * float(tail) + 1 / DRAWS), 4),
    )


def _drawn(counts: Ints) -> Ints:
    """As many texts drawn anew, with replacement, as often as the bootstrap wants."""
    n = int(counts.sum())
    found = np.random.default_rng(0).multinomial(n, counts.ravel() / n, DRAWS)
    return found.reshape(DRAWS, *counts.shape)


def _sides(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, _SIDES)
    return round(float(low), 1), round(float(high), 1)


def truths(labels: Sequence[str]) -> Ints:
    """Raises ValueError for what is none of the three."""
    return np.array([LABELS.index(Label(label)) for label in labels], np.int64)
