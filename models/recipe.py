"""The recipe, read from ``recipe.toml``, and the folders that a run writes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LABELS = ("negative", "neutral", "positive")


def load(path: Path = HERE / "recipe.toml") -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def runs(recipe: dict[str, Any]) -> Path:
    """Where checkpoints and prepared rows go; git ignores it."""
    folder = Path(recipe["runs"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
