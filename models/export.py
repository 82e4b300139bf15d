"""Export: ``python -m models.export``.

Turns runs/trained into the folder that ships, models/sentiment: model.onnx with 8-bit matrices
and 4-bit word vectors, tokenizer.json, config.json with the calibrated temperature. Then measures
what ships, through the product's own scorer, and writes metrics.json and the card.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from listening import evaluation
from listening.evaluation import Floats
from listening.scoring import OnnxScorer
from models import batches, card, evaluate, quantise, recipe
from models.network import SentimentNetwork

SHIPPED = recipe.HERE / "sentiment"


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature that makes the held-out labels most likely (Guo et al., 2017)."""
    grid = np.arange(0.5, 2.51, 0.02)
    losses = [
        -np.log(evaluate.softmax(logits, value)[np.arange(len(labels)), labels] + 1e-12).mean()
        for value in grid
    ]
    return round(float(grid[int(np.argmin(losses))]), 2)


def config(network: SentimentNetwork, plan: dict[str, Any], heat: float) -> dict[str, Any]:
    settings: dict[str, Any] = network.config.to_dict()
    del settings["_name_or_path"]  # where it was trained
    settings["listening"] = {
        "version": plan["version"],
        "prompt": plan["prompt"],
        "max_length": plan["max_length"],
        "temperature": heat,
        "threshold": plan["threshold"],
    }
    return settings


def main() -> None:
    plan = recipe.load()
    folder = recipe.runs(plan)
    network = SentimentNetwork.from_pretrained(folder / "trained").float()
    rows = recipe.rows(folder / "dev.jsonl")
    logits = evaluate.torch_logits(network, plan, rows)
    labels = np.array([recipe.LABELS.index(row["label"]) for row in rows])
    SHIPPED.mkdir(exist_ok=True)
    settings = config(network, plan, temperature(logits, labels))
    tok = batches.tokenizer(folder, plan["max_length"])
    quantise.shorten(network, plan["max_length"])
    quantise.to_onnx(network, folder / "full.onnx")
    model = quantise.eight_bits(folder / "full.onnx")
    quantise.shrink_words(model)
    onnx.save(model, SHIPPED / "model.onnx")
    tok.no_truncation()
    tok.save(str(SHIPPED / "tokenizer.json"), pretty=False)
    (SHIPPED / "config.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    shutil.copy(SHIPPED / "tokenizer.json", folder / "trained")
    for path in sorted(SHIPPED.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    measured = measure(plan, rows, logits, labels)
    print(evaluate.summary(measured["languages"]))
    print(evaluate.summary(measured["demo"]))
    card.write(SHIPPED, plan, measured)


def measure(
    plan: dict[str, Any],
    rows: list[dict[str, Any]],
    logits: Floats,
    labels: NDArray[np.int64],
) -> dict[str, Any]:
    """What ships, beside the network before it was quantised."""
    scorer = OnnxScorer(SHIPPED, threshold=0.0)
    probabilities = evaluate.scored(scorer, rows)
    full = logits.argmax(1)
    demo = evaluate.demo()
    folder = recipe.runs(plan)
    state = json.loads((folder / "trained.json").read_text())
    return {
        **state,
        "baselines": json.loads((folder / "baselines.json").read_text()),
        "languages": evaluate.report(probabilities, rows, threshold=plan["threshold"]),
        "demo": evaluate.report(evaluate.scored(scorer, demo), demo, threshold=plan["threshold"]),
        "macro_f1_before_quantising": round(
            float(evaluation.macro_f1(evaluation.confusion(labels, full))), 1
        ),
        "same_label_as_before": round(float((probabilities.argmax(1) == full).mean()), 4),
    }


if __name__ == "__main__":
    main()
