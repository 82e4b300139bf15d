"""Export: ``python -m models.export``.

Turns runs/trained into the folder that ships, models/sentiment: model.onnx with 8-bit matrices
and 4-bit word vectors, tokenizer.json, config.json with the calibrated temperature. Then measures
what ships, through the product's own scorer, and writes metrics.json and the card.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from listening.scoring import OnnxScorer
from models import base, batches, card, evaluate, recipe
from models.network import SentimentNetwork

SHIPPED = recipe.HERE / "sentiment"
WORDS = "bert.embeddings.word_embeddings.weight"


class Logits(torch.nn.Module):
    """The network with plain tensors in and out, as ONNX wants it."""

    def __init__(self, network: SentimentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(input_ids, attention_mask).logits
        return logits


def shortened(network: SentimentNetwork, length: int) -> SentimentNetwork:
    """Without the positions past ``length``, which no text reaches."""
    embeddings = network.bert.embeddings
    kept = embeddings.position_embeddings.weight.data[:length].clone()
    embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(kept)
    embeddings.register_buffer("position_ids", torch.arange(length)[None], persistent=False)
    embeddings.register_buffer(
        "token_type_ids", torch.zeros((1, length), dtype=torch.long), persistent=False
    )
    return network.eval()


def to_onnx(network: SentimentNetwork, path: Path) -> None:
    names = {0: "texts", 1: "tokens"}
    ids = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]])
    torch.onnx.export(
        Logits(network),
        (ids, (ids != batches.PAD).long()),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": names, "attention_mask": names, "logits": {0: "texts"}},
        opset_version=17,
        dynamo=False,
    )


def four_bits(
    weights: NDArray[np.float32], block: int = base.BLOCK
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Rows in blocks of ``block``: packed signed nibbles, low one first, and a scale a block.

    The scale maps the largest weight of a block to -8, as Q4_0 does; so weights that came from
    Q4_0 and were not trained come back exactly.
    """
    blocks = weights.reshape(len(weights), -1, block)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)
    scales = (largest / -8).astype(np.float16)
    divisor = np.where(scales == 0, 1, scales).astype(np.float32)
    whole = np.clip(np.rint(blocks / divisor), -8, 7).astype(np.int8).reshape(len(weights), -1)
    nibbles = (whole & 15).astype(np.uint8)
    return nibbles[:, 0::2] | (nibbles[:, 1::2] << 4), scales[..., 0]


def shrink_words(model: onnx.ModelProto) -> None:
    """Replace the look-up of word vectors by one in 4-bit blocks (ONNX Runtime's own operator)."""
    graph = model.graph
    table = next(tensor for tensor in graph.initializer if tensor.name.endswith(WORDS))
    weights = onnx.numpy_helper.to_array(table)
    gather = next(node for node in graph.node if table.name in node.input)
    packed, scales = four_bits(weights)
    data = onnx.helper.make_tensor(
        "words.q4", onnx.TensorProto.INT4, weights.shape, packed.tobytes(), raw=True
    )
    graph.initializer.extend([data, onnx.numpy_helper.from_array(scales, "words.scales")])
    looked_up = onnx.helper.make_node(
        "GatherBlockQuantized",
        ["words.q4", gather.input[1], "words.scales"],
        ["words.half"],
        domain="com.microsoft",
        gather_axis=0,
        quantize_axis=1,
        block_size=base.BLOCK,
    )
    cast = onnx.helper.make_node(
        "Cast", ["words.half"], [gather.output[0]], to=onnx.TensorProto.FLOAT
    )
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    graph.node.insert(place, cast)
    graph.node.insert(place, looked_up)
    graph.initializer.remove(table)
    if not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))


def temperature(logits: evaluate.Floats, labels: NDArray[np.int64]) -> float:
    """The temperature that makes the held-out labels most likely (Guo et al., 2017)."""
    grid = np.arange(0.5, 2.51, 0.02)
    losses = [
        -np.log(evaluate.softmax(logits, value)[np.arange(len(labels)), labels] + 1e-12).mean()
        for value in grid
    ]
    return round(float(grid[int(np.argmin(losses))]), 2)


def config(network: SentimentNetwork, plan: dict[str, Any], heat: float) -> dict[str, Any]:
    settings: dict[str, Any] = network.config.to_dict()
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
    rows = batches.read(folder / "dev.jsonl")
    logits = evaluate.torch_logits(network, plan, rows)
    labels = np.array([recipe.LABELS.index(row["label"]) for row in rows])
    SHIPPED.mkdir(exist_ok=True)
    settings = config(network, plan, temperature(logits, labels))
    to_onnx(shortened(network, plan["max_length"]), folder / "full.onnx")
    quantize_dynamic(
        folder / "full.onnx",
        folder / "int8.onnx",
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    model = onnx.load(folder / "int8.onnx")
    shrink_words(model)
    onnx.save(model, SHIPPED / "model.onnx")
    tok = batches.tokenizer(folder, plan["max_length"])
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
    logits: evaluate.Floats,
    labels: NDArray[np.int64],
) -> dict[str, Any]:
    """What ships, beside the network before it was quantised."""
    scorer = OnnxScorer(SHIPPED, threshold=0.0)
    probabilities = evaluate.scored(scorer, rows)
    full = logits.argmax(1)
    demo = [
        {**row, "source": "demo"} for row in batches.read(recipe.HERE / "data/held_out/demo.jsonl")
    ]
    state = json.loads((recipe.runs(plan) / "trained.json").read_text())
    return {
        **state,
        "languages": evaluate.report(probabilities, rows),
        "demo": evaluate.report(evaluate.scored(scorer, demo), demo),
        "macro_f1_before_quantising": round(evaluate.macro_f1(labels, full), 1),
        "same_label_as_before": round(float((probabilities.argmax(1) == full).mean()), 4),
    }


if __name__ == "__main__":
    main()
