"""Prepare the rows: ``python -m models.prepare DATA``.

Reads DATA/sentiment/*.jsonl.gz and DATA/plain/*.txt.gz, writes runs/vocabulary.json, one
runs/<stage>.jsonl a stage (text, label, lang, source; in training order) and runs/dev.jsonl.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from listening.scoring import clean
from models import base, phone, recipe

Row = dict[str, Any]
PLAIN_LINES = 12_000
NOT_FREE = ("-ted.", "-delfi-")  # NC-ND, and no licence stated: not even counted


def rows_of(path: Path, tier: str, share: float) -> Iterator[Row]:
    """Labelled rows of one source; without a dev split a hash of the text makes one."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        raw = [json.loads(line) for line in file]
    has_dev = any(row.get("split") == "dev" for row in raw)
    name = path.name.removesuffix(".jsonl.gz")
    for row in raw:
        text = clean(row["text"])
        if row["label"] not in recipe.LABELS or len(text) < 2:  # noqa: PLR2004 - an empty text
            continue
        held = row.get("split") == "dev" if has_dev else _draw(text) < share
        yield {
            "text": text,
            "label": row["label"],
            "lang": row["lang"],
            "source": name,
            "tier": tier,
            "split": "dev" if held else "train",
        }


def _draw(text: str) -> float:
    """A number in [0, 1) that depends on the text alone, so copies stay on one side."""
    return int.from_bytes(hashlib.blake2b(text.lower().encode(), digest_size=4).digest()) / 2**32


def load(data: Path, plan: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    seen: set[str] = set()
    for name, source in plan["sources"].items():
        for row in rows_of(
            data / "sentiment" / f"{name}.jsonl.gz", source["tier"], plan["sampling"]["dev_share"]
        ):
            if row["text"].lower() not in seen:
                seen.add(row["text"].lower())
                rows.append(row)
    return rows


def usable(rows: Sequence[Row], sampling: dict[str, Any]) -> list[Row]:
    """Training rows after the caps of tier B, with tier C only where a language needs it."""
    good = Counter(row["lang"] for row in rows if row["tier"] != "C")
    counts: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in rows:
        key = (row["lang"], row["label"])
        if row["tier"] == "C" and good[row["lang"]] >= sampling["c_only_without"]:
            continue
        if row["tier"] == "B":
            counts[key] += 1
            if counts[key] > sampling["b_cap"]:
                continue
        kept.append(row)
    return kept


def unseen(rows: Sequence[Row], stage: dict[str, Any], shown: set[str]) -> Sequence[Row]:
    """Without those that earlier stages showed, if the stage names the sources it shows again."""
    if "again" not in stage:
        return rows
    return [row for row in rows if row["source"] in stage["again"] or row["text"] not in shown]


def quotas(groups: dict[Any, list[Row]], weights: dict[Any, float], budget: int) -> dict[Any, int]:
    """Rows to draw of each group: in proportion to its weight, never more than it has."""
    taken = dict.fromkeys(groups, 0)
    for _ in range(20):
        free = {key for key in groups if taken[key] < len(groups[key])}
        left = budget - sum(taken.values())
        total = sum(weights[key] for key in free)
        if left <= 0 or not total:
            break
        for key in free:
            taken[key] = min(len(groups[key]), taken[key] + round(left * weights[key] / total))
    return taken


def sample(
    rows: Sequence[Row], stage: dict[str, Any], sampling: dict[str, Any], rng: random.Random
) -> list[Row]:
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if stage["tiers"].get(row["tier"], 0):
            groups[row["lang"], row["source"], row["label"], row["tier"]].append(row)
    weights = {
        key: len(found) ** sampling["exponent"]
        * stage["tiers"][key[3]]
        * sampling["boost"].get(key[0], 1.0)
        * sampling["source_boost"].get(key[1], 1.0)
        for key, found in groups.items()
    }
    counts = quotas(groups, weights, stage["rows"])
    drawn = [row for key, found in groups.items() for row in rng.sample(found, counts[key])]
    drawn += [row for _ in range(stage["synthetic"]) for row in synthetic(stage.get("texts"))]
    rng.shuffle(drawn)
    return [typed(row, sampling["strip_diacritics"], rng) for row in drawn]


def synthetic(names: Sequence[str] | None = None) -> Iterator[Row]:
    """Texts written for this project (all files, or these), for languages without labelled data."""
    for path in sorted((recipe.HERE / "data").glob("*.jsonl")):
        if names is not None and path.stem not in names:
            continue
        for row in recipe.rows(path):
            yield {**row, "text": clean(row["text"]), "source": f"synthetic/{path.name}"}


def typed(row: Row, shares: dict[str, float], rng: random.Random) -> Row:
    """The row as somebody without the right keyboard types it, for a share of the rows."""
    if rng.random() >= shares.get(row["lang"], 0.0):
        return row
    return {**row, "text": phone.typed(row["text"], row["lang"], rng)}


def vocabulary(texts: Sequence[str], pieces: Sequence[tuple[str, float]], size: int) -> list[int]:
    """Ids of the pieces to keep: the special ones, then the most frequent in ``texts``."""
    whole = base.tokenizer(pieces, max_length=512)
    counts: Counter[int] = Counter()
    for start in range(0, len(texts), 5000):
        for encoding in whole.encode_batch(list(texts[start : start + 5000])):
            counts.update(encoding.ids)
    special = list(range(len(base.SPECIAL)))
    ranked = [number for number, _ in counts.most_common() if number >= len(special)]
    return special + sorted(ranked[: size - len(special)])


def plain(data: Path, rng: random.Random) -> list[str]:
    texts: list[str] = []
    for path in sorted((data / "plain").glob("*.txt.gz")):
        if any(mark in path.name for mark in NOT_FREE):
            continue
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = [line.strip() for line in file if line.strip()]
        texts += rng.sample(lines, min(len(lines), PLAIN_LINES))
    return texts


def write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{path}: {len(rows):,} rows")


def dev_rows(rows: Sequence[Row], limit: int, rng: random.Random) -> list[Row]:
    held: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["tier"] == "A" or row["lang"] not in {"en", "zh", "ru"}:
            held[row["lang"]].append(row)
    always = [row for row in rows if row["source"] == "umsab_xlmt"]
    picked = [
        row
        for found in held.values()
        for row in rng.sample(found, min(limit, len(found)))
        if row["source"] != "umsab_xlmt"
    ]
    return always + picked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    plan = recipe.load()
    rng = random.Random(plan["seed"])
    folder = recipe.runs(plan)
    rows = load(data, plan)
    train = usable([row for row in rows if row["split"] == "train"], plan["sampling"])
    print(f"{len(rows):,} rows read, {len(train):,} usable for training")
    if not (folder / "vocabulary.json").exists():
        pieces = base.read(base.packaged()).pieces
        texts = [row["text"] for row in rng.sample(train, min(len(train), 350_000))]
        texts += plain(data, rng)
        texts += [phone.typed(text, "ka", rng) for text in plain(data, rng) if "ა" in text][:20_000]
        keep = vocabulary(texts, pieces, plan["vocabulary"])
        kept = [(number, *pieces[number]) for number in keep]
        (folder / "vocabulary.json").write_text(json.dumps(kept, ensure_ascii=False))
    shown: set[str] = set()
    for stage in plan["stages"]:
        drawn = sample(unseen(train, stage, shown), stage, plan["sampling"], rng)
        shown.update(row["text"] for row in drawn)
        write(folder / f"{stage['name']}.jsonl", drawn)
    dev = dev_rows([r for r in rows if r["split"] == "dev"], plan["sampling"]["dev_rows"], rng)
    write(folder / "dev.jsonl", dev)


if __name__ == "__main__":
    main()
