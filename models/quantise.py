"""A trained network as a small ONNX model: matrices in 8 bits, word vectors in 4.

Activations have a few channels far larger than the rest, which 8 bits for a whole tensor would
serve badly. Each input of a matrix is therefore divided by its channels' usual size and the matrix
multiplied by it (SmoothQuant; Xiao et al., 2023). The matrices after the activation function, whose
inputs differ most from token to token, are quantised in blocks (MatMulNBits) instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from torch import nn

from models import base, batches
from models.network import SentimentNetwork

ALPHA = 0.9  # how much of the difficulty moves from the activations to the weights
BLOCK = 128
WORDS = "word_embeddings.weight"


class Smoothed(nn.Module):
    """A linear layer on a scaled input, its weights scaled the other way: the same function."""

    def __init__(self, linear: nn.Linear, sizes: torch.Tensor) -> None:
        super().__init__()
        self.linear = linear
        self.linear.weight.data *= sizes[None]
        self.register_buffer("inverse", 1 / sizes)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        scaled: torch.Tensor = self.linear(states * self.inverse)
        return scaled


class Logits(nn.Module):
    """The network with plain tensors in and out, as ONNX wants it."""

    def __init__(self, network: SentimentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(input_ids, attention_mask).logits
        return logits


def groups(network: SentimentNetwork) -> Iterator[list[tuple[nn.Module, str]]]:
    """Linear layers that share their input, as (parent, name)."""
    for layer in network.bert.encoder.layer:
        attention = layer.attention.self
        yield [(attention, name) for name in ("query", "key", "value")]
        yield [(layer.attention.output, "dense")]
        yield [(layer.intermediate, "dense")]
        yield [(layer.output, "dense")]


@contextmanager
def watching(linears: Sequence[nn.Module]) -> Iterator[dict[nn.Module, torch.Tensor]]:
    """The largest absolute input of each channel of each linear layer, while texts go through."""
    largest: dict[nn.Module, torch.Tensor] = {}

    def see(module: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        seen = inputs[0].detach().abs().flatten(0, -2).amax(0).float()
        largest[module] = torch.maximum(largest[module], seen) if module in largest else seen

    hooks = [linear.register_forward_hook(see) for linear in linears]
    try:
        yield largest
    finally:
        for hook in hooks:
            hook.remove()


def smooth(network: SentimentNetwork, examples: Sequence[batches.Example]) -> None:
    """Scale every linear layer of the encoder by what ``examples`` need; changes ``network``."""
    together = list(groups(network))
    linears = [getattr(parent, name) for group in together for parent, name in group]
    network.eval()
    with torch.inference_mode(), watching(linears) as largest:
        for start in range(0, len(examples), 32):
            ids, mask, _ = batches.tensors(examples[start : start + 32])
            network(ids, mask)
    for group in together:
        members = [getattr(parent, name) for parent, name in group]
        inputs = largest[members[0]].clamp(min=1e-5)
        weights = torch.stack([one.weight.data.abs().amax(0) for one in members]).amax(0)
        sizes = inputs**ALPHA / weights.clamp(min=1e-5) ** (1 - ALPHA)
        for (parent, name), linear in zip(group, members, strict=True):
            setattr(parent, name, Smoothed(linear, sizes / sizes.mean()))


def shorten(network: SentimentNetwork, length: int) -> None:
    """Drop the positions past ``length``, which no text reaches; changes ``network``."""
    embeddings = network.bert.embeddings
    kept = embeddings.position_embeddings.weight.data[:length].clone()
    embeddings.position_embeddings = nn.Embedding.from_pretrained(kept)
    numbers, zeros = torch.arange(length)[None], torch.zeros((1, length), dtype=torch.long)
    embeddings.register_buffer("position_ids", numbers, persistent=False)
    embeddings.register_buffer("token_type_ids", zeros, persistent=False)


def to_onnx(network: SentimentNetwork, path: Path) -> None:
    names = {0: "texts", 1: "tokens"}
    ids = torch.tensor([[0, 5, 6, 2], [0, 7, 2, 1]])
    torch.onnx.export(
        Logits(network.eval()),
        (ids, (ids != batches.PAD).long()),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes={"input_ids": names, "attention_mask": names, "logits": {0: "texts"}},
        opset_version=17,
        dynamo=False,
    )


def eight_bits(full: Path, work: Path) -> onnx.ModelProto:
    """The model at ``full`` with its matrices in 8 bits; ``work`` is a file to overwrite."""
    names = [node.name for node in onnx.load(full).graph.node if node.op_type == "MatMul"]
    after = [name for name in names if "/output/" in name and "/attention/" not in name]
    quantize_dynamic(
        full,
        work,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=after,
    )
    how = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=True, accuracy_level=4, bits=8
    )
    quantiser = MatMulNBitsQuantizer(onnx.load(work), algo_config=how)
    quantiser.process()
    model: onnx.ModelProto = quantiser.model.model
    return model


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
