"""Train: ``python -m models.train``; run it again to resume from the last checkpoint.

Uses a GPU where there is one. On two CPU cores the whole recipe takes three hours.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import BertConfig

from models import base, batches, evaluate, recipe
from models.network import SentimentNetwork

SHOW_EVERY = 50  # batches


def network(folder: Path) -> SentimentNetwork:
    """A fresh network on the base's weights, its vocabulary narrowed."""
    keep = [number for number, *_ in json.loads((folder / "vocabulary.json").read_text())]
    encoder = base.encoder(base.read(base.packaged()), keep)
    config = encoder.config
    config.id2label = dict(enumerate(recipe.LABELS))
    config.label2id = {label: number for number, label in enumerate(recipe.LABELS)}
    config._attn_implementation = "eager"  # noqa: SLF001 - the fastest on a CPU in bfloat16
    made = SentimentNetwork(BertConfig.from_dict(config.to_dict(), attn_implementation="eager"))
    made.bert.load_state_dict(encoder.state_dict())
    # What no labelled language touches would drift: the words stay where pre-training put them.
    made.bert.embeddings.word_embeddings.requires_grad_(False)  # noqa: FBT003 - torch's own signature
    return made


def rate(stage: dict[str, Any], done: int, warmup: int) -> float:
    """The learning rate after ``done`` rows of the stage."""
    first, last = stage["learning_rate"]
    share = min(1.0, done / stage["rows"])
    return float((first + (last - first) * share) * min(1.0, (done + 1) / max(1, warmup)))


class Run:
    """One training run and its checkpoint: stage, rows done in it, weights, optimiser."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan, self.folder = plan, recipe.runs(plan)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(plan["seed"])
        self.network = network(self.folder).to(self.device)
        trained = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimiser = torch.optim.AdamW(
            trained, lr=0.0, weight_decay=plan["train"]["weight_decay"], fused=True
        )
        self.stage, self.batch, self.seconds = 0, 0, 0.0
        self.checkpoint = self.folder / "checkpoint.pt"
        if self.checkpoint.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.stage, self.batch, self.seconds = state["stage"], state["batch"], state["seconds"]
        print(f"resumed at stage {self.stage}, batch {self.batch}", flush=True)

    def save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "stage": self.stage,
            "batch": self.batch,
            "seconds": self.seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def step(self, batch: list[batches.Example], learning_rate: float) -> float:
        ids, mask, labels = (tensor.to(self.device) for tensor in batches.tensors(batch))
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits = self.network(ids, mask).logits
        loss = functional.cross_entropy(
            logits.float(), labels, label_smoothing=self.plan["train"]["smoothing"]
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return float(loss)

    def run_stage(self, stage: dict[str, Any]) -> None:
        settings = self.plan["train"]
        tok = batches.tokenizer(self.folder, settings["max_length"])
        rows = recipe.rows(self.folder / f"{stage['name']}.jsonl")
        examples = batches.encode(rows, tok, self.plan["prompt"])
        rng = random.Random(self.plan["seed"])
        warmup = settings["warmup_rows"] if self.stage == 0 else 0
        self.network.train()
        done, losses, saved, began = 0, [], time.monotonic(), time.monotonic()
        fresh = 0
        for number, batch in enumerate(batches.packed(examples, settings["tokens_per_batch"], rng)):
            done += len(batch)
            if number < self.batch:
                continue
            fresh += len(batch)
            before = time.monotonic()
            losses.append(self.step(batch, rate(stage, done, warmup)))
            self.batch = number + 1
            self.seconds += time.monotonic() - before
            if number % SHOW_EVERY == 0:
                speed = fresh / (time.monotonic() - began)
                recent = sum(losses[-SHOW_EVERY:]) / len(losses[-SHOW_EVERY:])
                print(
                    f"{stage['name']} {done:,}/{len(examples):,} rows, loss {recent:.3f}, "
                    f"{speed:.0f} rows/s",
                    flush=True,
                )
            if time.monotonic() - saved > 60 * settings["checkpoint_minutes"]:
                self.save()
                saved = time.monotonic()


def main() -> None:
    plan = recipe.load()
    run = Run(plan)
    stages = plan["stages"][: int(sys.argv[1])] if len(sys.argv) > 1 else plan["stages"]
    while run.stage < len(stages):
        run.run_stage(stages[run.stage])
        run.stage, run.batch = run.stage + 1, 0
        run.save()
        print(evaluate.summary(evaluate.torch_report(run.network, plan)), flush=True)
    run.network.save_pretrained(run.folder / "trained")
    rows = sum(len(recipe.rows(run.folder / f"{stage['name']}.jsonl")) for stage in stages)
    spent = {"rows": rows, "minutes": round(run.seconds / 60)}
    (run.folder / "trained.json").write_text(json.dumps(spent))
    print(f"trained in {run.seconds / 60:.0f} minutes; now: python -m models.export", flush=True)


if __name__ == "__main__":
    main()
