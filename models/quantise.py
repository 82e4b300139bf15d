"""A trained network as a small ONNX model: matrices in 8 bits, word vectors in 4.

Activations have a few values far larger than the rest. Eight bits for a whole batch of them, as
dynamic quantisation takes, changed the label of 6 texts in 100; eight bits for every 64 values
(MatMulNBits) of 1 in 400, and no text's scale depends on another's.
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
from torch.nn import functional

from models import base
from models.network import SentimentNetwork

BLOCK = 64
INT8 = 4  # ONNX Runtime's accuracy level at which activations are 8-bit integers too
WORDS = "word_embeddings.weight"


class OneText(nn.Module):
    """The network for one text at a time: no padding, so no mask; queries, keys and values at once.

    Takes ids of shape (1, tokens), gives logits of shape (1, 3). The same function as the network,
    a fifth quicker.
    """

    def __init__(self, network: SentimentNetwork) -> None:
        super().__init__()
        self.bert, self.classifier = network.bert.eval(), network.classifier
        self.heads = network.config.num_attention_heads
        self.joined = nn.ModuleList(map(_joined, network.bert.encoder.layer))

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states = self.bert.embeddings(input_ids=input_ids)
        for joined, layer in zip(self.joined, self.bert.encoder.layer, strict=True):
            mixed = layer.attention.output.dense(self.attend(joined(states)))
            states = layer.attention.output.LayerNorm(mixed + states)
            inner = functional.gelu(layer.intermediate.dense(states))
            states = layer.output.LayerNorm(layer.output.dense(inner) + states)
        logits: torch.Tensor = self.classifier(states.mean(1))
        return logits

    def attend(self, joined: torch.Tensor) -> torch.Tensor:
        """From (1, tokens, 3 x hidden) to (1, tokens, hidden)."""
        width = joined.shape[-1] // 3
        query, key, value = (
            part.reshape(-1, self.heads, width // self.heads).transpose(0, 1)
            for part in joined.split(width, dim=-1)
        )
        weights = (query @ key.transpose(1, 2)).softmax(-1)
        return (weights @ value).transpose(0, 1).reshape(1, -1, width)


def _joined(layer: nn.Module) -> nn.Linear:
    """Query, key and value as one matrix, the scaling of attention inside the query's."""
    attention = layer.attention.self
    scale = attention.attention_head_size**-0.5
    parts = [(attention.query, scale), (attention.key, 1.0), (attention.value, 1.0)]
    joined = nn.Linear(attention.query.in_features, 3 * attention.query.out_features)
    joined.weight.data = torch.cat([part.weight.data * factor for part, factor in parts])
    joined.bias.data = torch.cat([part.bias.data * factor for part, factor in parts])
    return joined


def shorten(network: SentimentNetwork, length: int) -> None:
    """Drop the positions past ``length``, which no text reaches; changes ``network``."""
    embeddings = network.bert.embeddings
    kept = embeddings.position_embeddings.weight.data[:length].clone()
    embeddings.position_embeddings = nn.Embedding.from_pretrained(kept)
    numbers, zeros = torch.arange(length)[None], torch.zeros((1, length), dtype=torch.long)
    embeddings.register_buffer("position_ids", numbers, persistent=False)
    embeddings.register_buffer("token_type_ids", zeros, persistent=False)


def to_onnx(network: SentimentNetwork, path: Path) -> None:
    torch.onnx.export(
        OneText(network).eval(),
        (torch.tensor([[0, 5, 6, 2]]),),
        str(path),
        input_names=["input_ids"],
        output_names=["logits"],
        dynamic_axes={"input_ids": {1: "tokens"}},
        opset_version=20,
        dynamo=False,
    )


def eight_bits(full: Path) -> onnx.ModelProto:
    """The model at ``full`` with its matrices in 8 bits."""
    how = DefaultWeightOnlyQuantConfig(
        block_size=BLOCK, is_symmetric=False, accuracy_level=INT8, bits=8
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
    """Replace the look-up of word vectors by one in 4-bit blocks (ONNX Runtime's own operator).

    Its scales are single precision, as then are its products: halves changed 4 labels of 1,000.
    """
    graph = model.graph
    table = next(tensor for tensor in graph.initializer if tensor.name.endswith(WORDS))
    weights = onnx.numpy_helper.to_array(table)
    gather = next(node for node in graph.node if table.name in node.input)
    packed, scales = four_bits(weights)
    data = onnx.helper.make_tensor(
        "words.q4", onnx.TensorProto.INT4, weights.shape, packed.tobytes(), raw=True
    )
    graph.initializer.extend(
        [data, onnx.numpy_helper.from_array(scales.astype(np.float32), "words.scales")]
    )
    looked_up = onnx.helper.make_node(
        "GatherBlockQuantized",
        ["words.q4", gather.input[1], "words.scales"],
        [gather.output[0]],
        domain="com.microsoft",
        gather_axis=0,
        quantize_axis=1,
        block_size=base.BLOCK,
    )
    place = list(graph.node).index(gather)
    graph.node.remove(gather)
    graph.node.insert(place, looked_up)
    graph.initializer.remove(table)
    if not any(opset.domain == "com.microsoft" for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
