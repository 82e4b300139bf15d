"""The parts of the model's recipe that need no torch, and what ships."""

import json
import random
import re
import struct
from itertools import accumulate

import pytest

from listening import scoring
from models import base, card, phone, prepare, recipe

HIDDEN, WIDE = 32, 64
PIECES = [*base.SPECIAL, "▁", "a", "▁labas", "ბ"]


def packed() -> bytes:
    """A packed model of one layer, its matrices all of one block value."""
    blob = "".join(PIECES).encode()
    ends = [0, *accumulate(len(piece.encode()) for piece in PIECES)]
    header = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, 1, 2, WIDE, len(PIECES), 4, 2, 1e-12, 32)
    table = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    table += struct.pack(f"<{len(ends)}I", *ends)
    table += (
        struct.pack(f"<{len(PIECES)}f", *[-1.0] * len(PIECES)) + blob + struct.pack("<iI", 0, 0)
    )
    sizes: dict[str, int | tuple[int, int]] = {"emb.word": (len(PIECES), HIDDEN)}
    sizes |= {"emb.pos": 4 * HIDDEN, "emb.type": 2 * HIDDEN}
    sizes |= {"emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN}
    for name, rows, columns in (
        ("q", HIDDEN, HIDDEN), ("k", HIDDEN, HIDDEN), ("v", HIDDEN, HIDDEN),
        ("ao", HIDDEN, HIDDEN), ("fi", WIDE, HIDDEN), ("fo", HIDDEN, WIDE),
    ):  # fmt: skip
        sizes |= {f"l0.{name}.w": (rows, columns), f"l0.{name}.b": rows}
    for name in ("aln", "oln"):
        sizes |= {f"l0.{name}.w": HIDDEN, f"l0.{name}.b": HIDDEN}
    block = struct.pack("<e", 0.5) + bytes([0x9A] * 16)  # low nibble 10, high nibble 9
    tensors = {
        name: block * (size[0] * size[1] // 32)
        if isinstance(size, tuple)
        else struct.pack(f"<{size}f", *range(size))
        for name, size in sizes.items()
    }
    entries = sum(2 + len(name) + 1 + 4 + 16 for name in tensors)
    offset = len(header) + len(table) + 4 + entries
    directory = struct.pack("<i", len(tensors))
    for name, data in tensors.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, 0, offset, len(data))
        offset += len(data)
    return header + table + directory + b"".join(tensors.values())


def test_a_packed_base_is_read(tmp_path):
    (tmp_path / "m.bin").write_bytes(packed())

    read = base.read(tmp_path / "m.bin")

    assert [text for text, _ in read.pieces] == PIECES
    assert read.weights["encoder.layer.0.output.dense.weight"].shape == (HIDDEN, WIDE)
    words = read.weights["embeddings.word_embeddings.weight"]
    assert words[0].tolist() == [1.0] * 16 + [0.5] * 16
    assert read.weights["encoder.layer.0.output.LayerNorm.bias"].tolist() == list(range(HIDDEN))


def test_another_file_is_refused(tmp_path):
    (tmp_path / "m.bin").write_bytes(b"GGUF....")

    with pytest.raises(ValueError, match="no packed E5 model"):
        base.read(tmp_path / "m.bin")


def test_the_tokenizer_marks_words_and_ends():
    built = base.tokenizer([(piece, -1.0) for piece in PIECES])

    assert built.encode("labas  a").tokens == ["<s>", "▁labas", "▁", "a", "</s>"]


def test_georgian_is_typed_in_latin_letters_and_others_lose_their_diacritics():
    rng = random.Random(1)

    assert re.fullmatch(r"[a-z ]+", phone.typed("ძალიან ცუდი მომსახურება", "ka", rng))
    assert phone.typed("Ļoti slikta apkalpošana", "lv", rng) == "Loti slikta apkalposana"


def test_rows_are_drawn_by_weight_and_never_twice():
    groups: dict[str, list[prepare.Row]] = {"a": [{}] * 10, "b": [{}] * 1000}

    taken = prepare.quotas(groups, {"a": 1.0, "b": 1.0}, 100)

    assert taken == {"a": 10, "b": 90}


def test_no_source_that_the_recipe_excludes_is_trained_on():
    plan = recipe.load()

    assert not set(plan["sources"]) & set(plan["excluded"])
    for name, source in plan["sources"].items():
        assert not re.search(r"\bNC\b|\bND\b|GPL|research use", source["licence"]), name


def test_synthetic_texts_are_labelled_and_apart_from_those_held_out():
    rows = list(prepare.synthetic())
    held = (recipe.HERE / "data" / "held_out" / "demo.jsonl").read_text("utf-8").splitlines()

    assert {row["label"] for row in rows} == set(recipe.LABELS)
    assert not {row["text"] for row in rows} & {json.loads(line)["text"] for line in held}


def test_the_card_that_ships_is_the_one_that_was_measured(tmp_path):
    shipped = scoring.shipped()
    measured = json.loads((shipped / "metrics.json").read_text("utf-8"))
    for path in shipped.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "README.md").unlink()
    (tmp_path / "metrics.json").unlink()

    card.write(tmp_path, recipe.load(), measured)

    assert (tmp_path / "README.md").read_text("utf-8") == (shipped / "README.md").read_text("utf-8")


def test_what_ships_is_small():
    sizes = [path.stat().st_size for path in scoring.shipped().iterdir()]

    assert sum(sizes) < 50_000_000
