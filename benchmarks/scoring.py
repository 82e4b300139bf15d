"""Scoring speed and memory, beside transformers.pipeline on the same weights.

    python benchmarks/scoring.py TEXTS.jsonl [--weights models/runs/trained] [--most 2000]

TEXTS is JSON lines with ``text``; those longer than the model reads are left out, since the
pipeline cuts their end off where we keep it. Each contender runs alone, in a process of its own.
The weights of the shipped model before quantising are what ``python -m models.train`` leaves.
Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PAD = "<pad>"
LONGEST = 120  # tokens, without the prompt
CONTENDERS = ("listening", "pipeline", "pipeline, batches of 32")


def texts(path: Path, most: int) -> list[str]:
    from tokenizers import Tokenizer

    from listening.scoring import shipped

    tokenizer = Tokenizer.from_file(str(shipped() / "tokenizer.json"))
    lines = path.read_text(encoding="utf-8").splitlines()
    distinct = dict.fromkeys(json.loads(line)["text"] for line in lines)
    return [text for text in distinct if len(tokenizer.encode(text).ids) < LONGEST][:most]


def run(name: str, given: list[str], weights: Path) -> tuple[float, list[str]]:
    """Seconds for scoring (loading and the first text not counted) and the labels."""
    if name == "listening":
        from listening.scoring import SHIPPED, load

        scorer = load(SHIPPED, threshold=0.0)
        scorer.score(given[:1])
        began = time.perf_counter()
        labels = [found.label.value for found in scorer.score(given)]
        return time.perf_counter() - began, labels
    classify = peer(weights)
    prompted = prompts(given, weights)
    classify(prompted[:1])
    began = time.perf_counter()
    found = classify(prompted, **({"batch_size": 32} if "32" in name else {}))
    return time.perf_counter() - began, [one["label"] for one in found]


def prompts(given: list[str], weights: Path) -> list[str]:
    """The texts as the model was trained on them."""
    from listening.scoring import clean, shipped

    del weights
    settings = json.loads((shipped() / "config.json").read_text(encoding="utf-8"))["listening"]
    return [settings["prompt"] + clean(text) for text in given]


def peer(weights: Path) -> Any:  # noqa: ANN401 - transformers' own type is not exported
    from transformers import PreTrainedTokenizerFast, logging, pipeline

    from models.network import SentimentNetwork

    logging.set_verbosity_error()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(weights / "tokenizer.json"), pad_token=PAD, model_max_length=128
    )
    network = SentimentNetwork.from_pretrained(weights).eval()
    return pipeline("text-classification", model=network, tokenizer=tokenizer, truncation=True)


def child(name: str, path: Path, weights: Path, most: int) -> None:
    given = texts(path, most)
    seconds, labels = run(name, given, weights)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "labels": labels}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--weights", type=Path, default=Path("models/runs/trained"))
    parser.add_argument("--most", type=int, default=2000)
    parser.add_argument("--only", choices=CONTENDERS)
    given = parser.parse_args()
    if given.only:
        child(given.only, given.texts, given.weights, given.most)
        return
    results = {}
    for name in CONTENDERS:
        command = [sys.executable, "-W", "ignore", *sys.argv, "--only", name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        results[name] = json.loads(output.splitlines()[-1])
    ours = results["listening"]["labels"]
    print(f"| {len(ours):,} texts | texts/s | times the pipeline | peak MB | same labels |")
    print("|---|---|---|---|---|")
    for name, result in results.items():
        speed = len(ours) / result["seconds"]
        times = results["pipeline"]["seconds"] / result["seconds"]
        same = sum(a == b for a, b in zip(ours, result["labels"], strict=True)) / len(ours)
        print(f"| {name} | {speed:.0f} | {times:.1f} | {result['peak']:.0f} | {same:.2%} |")


if __name__ == "__main__":
    main()
