"""The model card, written from what was measured and from the recipe: nothing in it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_HEAD = """\
---
license: apache-2.0
pipeline_tag: text-classification
base_model: intfloat/multilingual-e5-small
---
# {version}

A small multilingual sentiment model: negative, neutral or positive. {layers} layers of {hidden},
a vocabulary of {vocabulary:,} pieces, matrices in 8 and word vectors in 4 bits, {size:.0f} MB, for
ONNX Runtime on a laptop's processor. Made from multilingual-e5-small (MIT) by the recipe in
`models/`:

    python -m models.prepare DATA && python -m models.train && python -m models.export

Trained on {rows:,} rows in {minutes:.0f} minutes on two processor cores, seed {seed}.

Text is given as `{prompt}` and the text, links as `http`, handles as `@user`; of a text longer than
{length} tokens the head and the tail. Logits are divided by {temperature}, calibrated on held-out
rows. A label whose probability is below {threshold} is *unknown*.

## What was measured

On held-out rows of the training sources (their dev splits, or 5 % of a source without one), and on
the feedback written for the demo, which is synthetic and was not trained on. Macro-F1 in percent,
and the negative texts that were found, with 95 % intervals; expected calibration error (ECE) as in
Guo et al. (2017), ten bins; coverage is the share of labels that are not *unknown*. Beside it, on
the same texts: TF-IDF of runs of letters with logistic regression, trained on the same rows; VADER;
the commonest class of each group.
{before} Labels after quantising equal those before on {same:.1%} of the rows.

"""


def write(folder: Path, plan: dict[str, Any], measured: dict[str, Any]) -> None:
    """Write metrics.json and README.md into ``folder``."""
    text = json.dumps(measured, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    (folder / "README.md").write_text("\n".join(_lines(folder, plan, measured)), encoding="utf-8")


def _lines(folder: Path, plan: dict[str, Any], measured: dict[str, Any]) -> Iterator[str]:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings = config["listening"]
    yield _HEAD.format(
        version=settings["version"],
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        vocabulary=config["vocab_size"],
        size=sum((folder / name).stat().st_size for name in ("model.onnx", "tokenizer.json")) / 1e6,
        rows=measured["rows"],
        minutes=measured["minutes"],
        seed=plan["seed"],
        prompt=settings["prompt"],
        length=settings["max_length"],
        temperature=settings["temperature"],
        threshold=settings["threshold"],
        before=f"Before quantising: {measured['macro_f1_before_quantising']}, "
        f"after: {measured['languages']['all']['macro_f1']}.",
        same=measured["same_label_as_before"],
    )
    yield "### Feedback written for the demo (synthetic)\n"
    yield from _table(measured["demo"], measured["baselines"]["demo"])
    yield "\n### Held-out rows, by language\n"
    yield from _table(measured["languages"], measured["baselines"]["languages"])
    missing = [tag for tag in ("ka", "lt") if tag not in measured["languages"]]
    if missing:
        yield (
            f"\nNot measured on real text: {', '.join(missing)}, for which no labelled data was "
            "had. Languages with fewer than 100 rows say little."
        )
    yield "\n## Sources\n\n| source | from | licence stated |\n|---|---|---|"
    for name, source in sorted(plan["sources"].items()):
        yield f"| {name} | {source['origin']} | {source['licence']} |"
    yield "| models/data | written for this project (synthetic) | that of the project |"
    yield (
        "\nLeft out: "
        + "; ".join(f"{name} ({why})" for name, why in plan["excluded"].items())
        + "."
    )
    yield ""


def _table(
    rows: Mapping[str, Mapping[str, Any]], baselines: Mapping[str, Mapping[str, float]]
) -> Iterator[str]:
    yield (
        "| language | n | macro-F1 | TF-IDF | VADER | commonest | negative recall "
        "| ECE | coverage |\n|---|---|---|---|---|---|---|---|---|"
    )
    for name, row in rows.items():
        peers = baselines.get(name, {})
        others = [str(peers.get(peer, "")) for peer in ("tf_idf", "vader", "commonest")]
        recall = "" if row["recall"] is None else _within(row["recall"], row["recall_interval"])
        cells = [f"{row['n']:,}", _within(row["macro_f1"], row["interval"]), *others, recall]
        yield f"| {name} | {' | '.join(cells)} | {row['ece']:.3f} | {row['coverage']} % |"


def _within(value: float, interval: Sequence[float]) -> str:
    return f"{value} ({interval[0]}–{interval[1]})"
