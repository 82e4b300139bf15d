"""What the model must beat: ``python -m models.baselines``, after prepare.

Trains TF-IDF with logistic regression on all rows that the model is trained on, and measures it on
the same held-out rows, with VADER for English and the commonest class; writes runs/baselines.json.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np

from listening import evaluation
from listening.evaluation import Ints
from models import evaluate, recipe

FEATURES = 2**20
FIRST_LETTERS = 5  # of a run of letters within words


def main() -> None:
    plan = recipe.load()
    folder = recipe.runs(plan)
    stages = [folder / f"{stage['name']}.jsonl" for stage in plan["stages"]]
    train = [row for path in stages for row in recipe.rows(path)]
    dev = recipe.rows(folder / "dev.jsonl")
    demo = evaluate.demo()
    guess = bag_of_letters(train)
    found = {name: measured(rows, guess) for name, rows in (("languages", dev), ("demo", demo))}
    (folder / "baselines.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(json.dumps(found["languages"]["all"]))


def bag_of_letters(train: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a pipeline of scikit-learn
    """Runs of letters are the words of all languages, also of those that are not parted."""
    from sklearn.feature_extraction.text import (  # noqa: PLC0415 - of the extra
        HashingVectorizer,
        TfidfTransformer,
    )
    from sklearn.linear_model import SGDClassifier  # noqa: PLC0415 - likewise
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - likewise

    made = make_pipeline(
        HashingVectorizer(
            analyzer="char_wb",
            ngram_range=(2, FIRST_LETTERS),
            n_features=FEATURES,
            alternate_sign=False,  # of which no logarithm could be taken
        ),
        TfidfTransformer(sublinear_tf=True),
        SGDClassifier(loss="log_loss", alpha=1e-6, class_weight="balanced", random_state=0),
    )
    return made.fit([row["text"] for row in train], [row["label"] for row in train])


def measured(rows: list[dict[str, Any]], model: Any) -> dict[str, dict[str, float]]:  # noqa: ANN401 - likewise
    """Macro-F1 of each baseline by language, of UMSAB and of all."""
    truth = evaluation.truths([row["label"] for row in rows])
    letters = evaluation.truths([str(one) for one in model.predict([row["text"] for row in rows])])
    vader = _vader(rows)
    found = {}
    for name, at in evaluate.groups(rows).items():
        commonest = Counter(truth[at].tolist()).most_common(1)[0][0]
        found[name] = {
            "tf_idf": _f1(truth[at], letters[at]),
            "commonest": _f1(truth[at], np.full(len(at), commonest)),
        }
        if name == "en":
            found[name]["vader"] = _f1(truth[at], vader[at])
    return found


def _vader(rows: list[dict[str, Any]]) -> Ints:
    """VADER's label of English rows by its authors' thresholds (Hutto & Gilbert 2014); else 1."""
    from vaderSentiment.vaderSentiment import (  # noqa: PLC0415 - of the extra
        SentimentIntensityAnalyzer,
    )

    judge = SentimentIntensityAnalyzer()
    scores = [
        judge.polarity_scores(row["text"])["compound"] if row["lang"] == "en" else 0.0
        for row in rows
    ]
    return np.array([2 if one >= 0.05 else 0 if one <= -0.05 else 1 for one in scores])  # noqa: PLR2004 - theirs


def _f1(truth: Ints, guess: Ints) -> float:
    return round(float(evaluation.macro_f1(evaluation.confusion(truth, guess))), 1)


if __name__ == "__main__":
    main()
