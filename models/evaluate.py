"""Evaluate: macro-F1 with its interval, and calibration, per language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models import recipe

if TYPE_CHECKING:
    from listening.scoring import OnnxScorer
    from models.network import SentimentNetwork

Floats = NDArray[np.float64]
SHOWN = ("umsab", "en", "ka", "lv", "lt", "ru", "de", "all")


def macro_f1(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> float:
    """Mean F1 over the classes that occur in ``truth``, in percent."""
    scores = []
    for label in np.unique(truth):
        hit = int(((truth == label) & (guess == label)).sum())
        wrong = int((truth == label).sum() + (guess == label).sum())
        scores.append(2 * hit / wrong)
    return 100 * float(np.mean(scores))


def interval(truth: NDArray[np.int64], guess: NDArray[np.int64]) -> tuple[float, float]:
    """95 % percentile bootstrap of macro_f1, 300 draws."""
    rng = np.random.default_rng(0)
    draws = (rng.integers(0, len(truth), len(truth)) for _ in range(300))
    scores = [macro_f1(truth[draw], guess[draw]) for draw in draws]
    return float(np.percentile(scores, 2.5)), float(np.percentile(scores, 97.5))


def calibration_error(probabilities: Floats, truth: NDArray[np.int64]) -> float:
    """Expected calibration error of the top class over ten equal bins (Guo et al., 2017)."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        (bins == number).mean()
        * abs(confidence[bins == number].mean() - right[bins == number].mean())
        for number in np.unique(bins)
    ]
    return float(np.sum(gaps))


def report(probabilities: Floats, rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """n, macro-F1, its interval and the calibration error of each group of rows."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row["lang"]].append(number)
        groups["all"].append(number)
        if row["source"] == "umsab_xlmt":
            groups["umsab"].append(number)
    truth = np.array([recipe.LABELS.index(row["label"]) for row in rows])
    guess = probabilities.argmax(1)
    return {
        name: {
            "n": len(members),
            "macro_f1": round(macro_f1(truth[members], guess[members]), 1),
            "interval": [round(x, 1) for x in interval(truth[members], guess[members])],
            "ece": round(calibration_error(probabilities[members], truth[members]), 3),
        }
        for name, members in sorted(groups.items())
    }


def torch_logits(
    network: SentimentNetwork, plan: dict[str, Any], rows: Sequence[dict[str, Any]]
) -> Floats:
    """Logits of shape (rows, 3), by the network as it is."""
    import torch  # noqa: PLC0415 - the other half of this module serves without it

    from models import batches  # noqa: PLC0415 - likewise

    folder = recipe.runs(plan)
    examples = batches.encode(rows, batches.tokenizer(folder, plan["max_length"]), plan["prompt"])
    order = sorted(range(len(examples)), key=lambda number: len(examples[number].ids))
    logits = np.zeros((len(rows), len(recipe.LABELS)))
    network.eval()
    device = next(network.parameters()).device
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            ids, mask, _ = batches.tensors([examples[number] for number in chosen])
            logits[chosen] = network(ids.to(device), mask.to(device)).logits.float().cpu().numpy()
    return logits


def scored(scorer: OnnxScorer, rows: Sequence[dict[str, Any]]) -> Floats:
    """Probabilities of shape (rows, 3), by the product's own scorer."""
    found = scorer.score([row["text"] for row in rows])
    return np.array([[one.negative, one.neutral, one.positive] for one in found])


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    shifted = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
    probabilities: Floats = shifted / shifted.sum(1, keepdims=True)
    return probabilities


def torch_report(network: SentimentNetwork, plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    from models import batches  # noqa: PLC0415 - torch, needed by this half only

    rows = batches.read(recipe.runs(plan) / "dev.jsonl")
    return report(softmax(torch_logits(network, plan, rows)), rows)


def summary(measured: dict[str, dict[str, Any]]) -> str:
    return ", ".join(
        "{} {macro_f1} (n {n}, ece {ece})".format(name, **measured[name])
        for name in SHOWN
        if name in measured
    )
