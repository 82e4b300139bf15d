"""A trained network as a small ONNX model: matrices in 8 bits, word vectors in 4.

Activations have a few values far larger than the rest. Eight bits for a whole batch of them, as
dynamic quantisation takes, changed the label of 6 texts in 100; eight bits for every 128 values
(MatMulNBits) of 1 in 100, at four fifths of the speed, and no text's scale depends on another's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization.matmul_nbits_quantizer import (
    DefaultWeightOnlyQuantConfig,
    MatMulNBitsQuantizer,
)
from torch import nn

from models import base, batches
from models.network import SentimentNetwork

BLOCK = 128
INT8 = 4  # ONNX Runtime's accuracy level at which activations are 8-bit integers too
WORDS = "word_embeddings.weight"


class Logits(nn.Module):
    """The network with plain tensors in and out, as ONNX wants it."""

    def __init__(self, network: SentimentNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(input_ids, attention_mask).logits
        return logits


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


def eight_bits(full: Path) -> onnx.ModelProto:
    """The model at ``full`` with its matrices in 8 bits."""
    how = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=True, accuracy_level=INT8, bits=8
    )
    quantiser = MatMulNBitsQuantizer(onnx.load(full), algo_config=how)
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
