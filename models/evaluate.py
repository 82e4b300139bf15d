"""Evaluate: macro-F1 with its interval, and calibration, per language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from listening import evaluation
from listening.evaluation import Floats
from models import recipe

if TYPE_CHECKING:
    from listening.scoring import OnnxScorer
    from models.network import SentimentNetwork

SHOWN = ("umsab", "en", "ka", "lv", "lt", "ru", "de", "all")


def demo() -> list[dict[str, Any]]:
    """The feedback of the demo, which no row is trained on."""
    rows = recipe.rows(recipe.HERE / "data" / "held_out" / "demo.jsonl")
    return [{**row, "source": "demo"} for row in rows]


def groups(rows: Sequence[dict[str, Any]]) -> dict[str, list[int]]:
    """Places of the rows of each language, of UMSAB and of all, sorted by name."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        found[row["lang"]].append(number)
        found["all"].append(number)
        if row["source"] == "umsab_xlmt":
            found["umsab"].append(number)
    return dict(sorted(found.items()))


def report(
    probabilities: Floats, rows: Sequence[dict[str, Any]], *, threshold: float = 0.0
) -> dict[str, dict[str, Any]]:
    """The figures of each language, of UMSAB and of all rows."""
    truth = evaluation.truths([row["label"] for row in rows])
    return {
        name: evaluation.measure(
            probabilities[members], truth[members], threshold=threshold
        ).as_json()
        for name, members in groups(rows).items()
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
    rows = recipe.rows(recipe.runs(plan) / "dev.jsonl")
    return report(softmax(torch_logits(network, plan, rows)), rows)


def summary(measured: dict[str, dict[str, Any]]) -> str:
    return ", ".join(
        "{} {macro_f1} (n {n}, ece {ece})".format(name, **measured[name])
        for name in SHOWN
        if name in measured
    )
