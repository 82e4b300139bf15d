"""The transformer scorers: the shipped model through ONNX Runtime, any other through torch.

A model folder is in the Hugging Face layout: ``config.json``, ``tokenizer.json`` and, for ONNX
Runtime, ``model.onnx``. The shipped one was made by the recipe under ``models/``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from listening.errors import ConfigError
from listening.records import Sentiment

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from listening.protocols import Scorer

SHIPPED = "listening"
TAIL = 32  # tokens kept from the end of a text that is too long: verdicts stand there
THRESHOLD = 0.45

_URL = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@])@\w+")
LABELS = ("negative", "neutral", "positive")


def clean(text: str) -> str:
    """Reduce a text to what carries sentiment: links and handles become one word each."""
    writable = text.encode("utf-8", "replace").decode()  # no tokenizer takes half a surrogate pair
    return " ".join(_HANDLE.sub("@user", _URL.sub("http", writable)).split())


def load(name: str = SHIPPED, *, threshold: float | None = None) -> Scorer:
    """Open a scorer: the shipped one, a folder with ``model.onnx``, or a Hugging Face model.

    ``threshold`` (0 to 1) is the confidence below which a label is unknown; None takes the
    model's own. Raises ConfigError when the model or an extra that it needs is missing.
    """
    folder = shipped() if name == SHIPPED else Path(name)
    if (folder / "model.onnx").is_file():
        return OnnxScorer(folder, threshold=threshold)
    if name == SHIPPED:
        raise ConfigError(
            f"The shipped model is missing: no model.onnx in {folder}. Install the package again, "
            "or rebuild the model as models/README.md says."
        )
    return TransformersScorer(name, threshold=THRESHOLD if threshold is None else threshold)


def shipped() -> Path:
    """Where the shipped model lies: inside an installed package, or in the repository."""
    inside = Path(__file__).parent / "model"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "models" / "sentiment"


@dataclass(frozen=True)
class OnnxScorer:
    """Scores on the CPU, a text a core; the same text gets the same score in any company."""

    folder: Path
    threshold: float | None = None

    @cached_property
    def model(self) -> str:
        return str(self._settings["version"])

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        """Score texts; memory grows with their number, so pass some thousands at a time."""
        limit = self._settings["threshold"] if self.threshold is None else self.threshold
        cleaned = list(map(clean, texts))
        distinct = list(dict.fromkeys(filter(None, cleaned)))
        known = dict(zip(distinct, self._probabilities(distinct).tolist(), strict=True))
        return [sentiment(known.get(text), self.model, limit) for text in cleaned]

    def _probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Shape (texts, 3)."""
        logits = [*self._pool.map(self._logits, texts)] or np.empty((0, len(LABELS)))
        return softmax(np.array(logits, np.float64) / self._settings["temperature"])

    def _logits(self, text: str) -> NDArray[np.float32]:
        # Alone: how 8-bit activations are rounded depends on the batch's shape, so that a text's
        # score would depend on its neighbours. The model takes one text at a time, therefore.
        ids = np.array([self._ids(text)], dtype=np.int64)
        logits: NDArray[np.float32] = self._session.run(None, {"input_ids": ids})[0][0]
        return logits

    def _ids(self, text: str) -> list[int]:
        """Token ids; of a text that is too long its head and its tail."""
        # No model reads past this; a megabyte of one word must not cost a minute.
        prompted = self._settings["prompt"] + text[:20_000]
        ids = list(self._tokenizer.encode(prompted).ids)
        limit = self._settings["max_length"]
        return ids if len(ids) <= limit else ids[: limit - TAIL] + ids[-TAIL:]

    @cached_property
    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads((self.folder / "config.json").read_text("utf-8"))[
            "listening"
        ]
        return settings

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer  # noqa: PLC0415 - heavy, needed once a text is scored

        return Tokenizer.from_file(str(self.folder / "tokenizer.json"))

    @cached_property
    def _session(self) -> InferenceSession:
        import onnxruntime  # noqa: PLC0415 - heavy, needed once a text is scored

        options = onnxruntime.SessionOptions()
        # A text a thread beats several threads a text, which spin and wait.
        options.intra_op_num_threads = 1
        model = str(self.folder / "model.onnx")
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_cores(), thread_name_prefix="score")


def sentiment(probabilities: Sequence[float] | None, model: str, threshold: float) -> Sentiment:
    """None, of a text of nothing at all, is equally all three and unknown at any threshold."""
    if probabilities is None:
        return Sentiment(1 / 3, 1 / 3, 1 / 3, model, threshold=max(threshold, 0.5))
    negative, neutral, positive = probabilities
    return Sentiment(negative, neutral, positive, model, threshold)


def _cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux knows of containers and taskset
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


@dataclass(frozen=True)
class TransformersScorer:
    """Any three-class text classification model of the Hugging Face Hub, or a local folder.

    Its labels must be negative, neutral and positive in any order or case (``LABEL_0`` to
    ``LABEL_2`` are taken in this order, as XLM-T has them).
    """

    model: str
    threshold: float = THRESHOLD
    batch: int = 32

    def __post_init__(self) -> None:
        if find_spec("transformers") is None or find_spec("torch") is None:
            raise ConfigError(
                f"The model {self.model!r} needs torch and transformers, which are not installed. "
                "Run: pip install 'listening[transformers]', or use the shipped model "
                f"(model = {SHIPPED!r})."
            )

    def score(self, texts: Sequence[str]) -> list[Sentiment]:
        cleaned = list(map(clean, texts))
        distinct = sorted(set(filter(None, cleaned)), key=len)
        known: dict[str, list[float]] = {}
        for start in range(0, len(distinct), self.batch):
            chosen = distinct[start : start + self.batch]
            known |= dict(zip(chosen, self._probabilities(chosen), strict=True))
        return [sentiment(known.get(text), self.model, self.threshold) for text in cleaned]

    def _probabilities(self, texts: list[str]) -> list[list[float]]:
        import torch  # noqa: PLC0415 - an extra, imported where used

        tokenizer, network = self._loaded
        encoded = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            logits = network(**encoded).logits.float().numpy().astype(np.float64)
        probabilities: list[list[float]] = softmax(logits[:, self._order]).tolist()
        return probabilities

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import (  # noqa: PLC0415 - an extra, imported where used
            AutoModelForSequenceClassification,
            AutoTokenizer,
        )

        try:
            tokenizer = AutoTokenizer.from_pretrained(self.model)
            network = AutoModelForSequenceClassification.from_pretrained(self.model).eval()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"The model {self.model!r} could not be loaded: {error}. Check its name and, for a "
                "model of the Hub, the connection."
            ) from error
        return tokenizer, network

    @cached_property
    def _order(self) -> list[int]:
        """Where each of our labels stands in the model's output."""
        names = {int(n): str(label).lower() for n, label in self._loaded[1].config.id2label.items()}
        if sorted(names.values()) == ["label_0", "label_1", "label_2"]:
            return [0, 1, 2]
        places = {label: number for number, label in names.items()}
        if set(places) != set(LABELS):
            raise ConfigError(
                f"The model {self.model!r} has the labels {', '.join(names.values())}; Listening "
                "needs a model with negative, neutral and positive."
            )
        return [places[label] for label in LABELS]
