"""Token ids, and batches of texts of about one length."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from models import base, recipe

PAD = base.SPECIAL.index("<pad>")
POOL = 2048  # rows sorted by length together


@dataclass(frozen=True)
class Example:
    ids: tuple[int, ...]
    label: int


def tokenizer(folder: Path, max_length: int) -> Tokenizer:
    kept = json.loads((folder / "vocabulary.json").read_text())
    return base.tokenizer([(text, score) for _, text, score in kept], max_length=max_length)


def encode(rows: Sequence[dict[str, Any]], tok: Tokenizer, prompt: str) -> list[Example]:
    encodings = tok.encode_batch([prompt + row["text"] for row in rows])
    return [
        Example(tuple(encoding.ids), recipe.LABELS.index(row["label"]))
        for encoding, row in zip(encodings, rows, strict=True)
    ]


def packed(examples: Sequence[Example], budget: int, rng: random.Random) -> Iterator[list[Example]]:
    """Batches of at most ``budget`` tokens with padding, in the order of the pools of rows."""
    for start in range(0, len(examples), POOL):
        pool = sorted(examples[start : start + POOL], key=lambda example: len(example.ids))
        batches: list[list[Example]] = [[]]
        for example in pool:
            if batches[-1] and (len(batches[-1]) + 1) * len(example.ids) > budget:
                batches.append([])
            batches[-1].append(example)
        rng.shuffle(batches)
        yield from batches


def tensors(batch: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids and mask of shape (texts, longest), labels of shape (texts,)."""
    width = max(len(example.ids) for example in batch)
    ids = torch.full((len(batch), width), PAD)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
    return ids, (ids != PAD).long(), torch.tensor([example.label for example in batch])
