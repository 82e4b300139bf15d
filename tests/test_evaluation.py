import json

import numpy as np
import pytest

from listening.evaluation import calibration_error, compare, confusion, macro_f1, measure

SKLEARN = "sklearn.metrics"


def one_hot(guess):
    return np.eye(3)[np.asarray(guess)]


def test_macro_f1_and_calibration_by_hand():
    truth, guess = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    sure = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])

    assert macro_f1(confusion(truth, guess)) == pytest.approx(100 * (2 / 3 + 2 / 3 + 1) / 3)
    assert calibration_error(sure, np.array([0, 0])) == pytest.approx(0.3)


def test_a_class_that_does_not_occur_counts_only_where_it_was_guessed():
    truth, guess = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])

    assert macro_f1(confusion(truth, guess)) == pytest.approx(100 * (2 / 3 + 1) / 2)


def test_macro_f1_is_scikit_learns():
    metrics = pytest.importorskip(SKLEARN)
    rng = np.random.default_rng(3)
    truth, guess = rng.integers(0, 3, (2, 500))

    expected = metrics.f1_score(truth, guess, average="macro")
    assert macro_f1(confusion(truth, guess)) == pytest.approx(100 * expected)


def test_figures_of_a_group():
    found = measure(one_hot([0, 0, 1, 2, 1]), np.array([0, 0, 0, 2, 1]), threshold=0.5)

    assert (found.n, found.recall, found.coverage) == (5, 66.7, 100.0)
    assert found.interval[0] <= found.macro_f1 <= found.interval[1]
    assert found.recall_interval == (20.8, 93.9)  # Wilson's of 2 in 3


def test_unknown_labels_are_not_covered():
    unsure = np.array([[0.4, 0.3, 0.3], [0.9, 0.05, 0.05]])

    assert measure(unsure, np.array([0, 0]), threshold=0.45).coverage == 50


def test_without_negative_texts_there_is_no_recall():
    assert measure(one_hot([1, 2]), np.array([1, 2])).recall is None


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        truth = rng.integers(0, 3, 300)
        guess = np.where(rng.random(300) < 0.7, truth, (truth + rng.integers(1, 3, 300)) % 3)
        low, high = measure(one_hot(guess), truth).interval
        held += low <= 70 <= high
    assert 180 <= held <= 199


def test_a_better_model_is_told_from_a_lucky_one():
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 3, 1000)
    poor, good = (
        np.where(rng.random(1000) < right, truth, (truth + 1) % 3) for right in (0.6, 0.75)
    )

    clear, chance = compare(poor, good, truth), compare(good, np.roll(good, 0), truth)
    assert clear.difference > 0
    assert clear.p < 0.01
    assert clear.interval[0] > 0
    assert (chance.difference, chance.p) == (0.0, 1.0)


@pytest.fixture
def labelled(tmp_path):
    path = tmp_path / "texts.jsonl"
    rows = [
        {"text": "The crew was wonderful, thank you!", "label": "positive", "lang": "en"},
        {"text": "Terrible service, I will never come back", "label": "negative", "lang": "en"},
        {"text": "Paldies, viss bija lieliski!", "label": "positive", "language": "lv"},
        {"text": "What time do you open?", "label": "so-so"},
        {"text": "no label"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n", "utf-8")
    return path


def test_evaluate_tells_figures_by_language_and_what_it_left_out(listening, labelled):
    done = listening("model", "evaluate", str(labelled), "--json")

    found = json.loads(done.out)
    assert done.code == 0
    assert found["languages"]["all"]["n"] == 3
    assert list(found["languages"])[:2] == ["all", "en"]
    assert f"{labelled}:4: label 'so-so' is none of negative, neutral, positive" in done.err
    assert "3 lines" in done.err


def test_evaluate_prints_a_table_and_draws_a_diagram(listening, labelled, tmp_path):
    pytest.importorskip("vl_convert")
    picture = tmp_path / "diagram.png"

    done = listening("model", "evaluate", str(labelled), "--diagram", str(picture))

    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = done.out.splitlines()
    assert lines[0] == "listening-sentiment-1"
    assert lines[2].split()[:2] == ["all", "3"]


def test_two_models_are_compared_text_by_text(listening, labelled):
    done = listening("model", "compare", "listening", "listening", str(labelled), "--json")

    found = json.loads(done.out)["languages"]["all"]
    assert (found["n"], found["difference"], found["p"]) == (3, 0.0, 1.0)


def test_a_file_without_labels_says_what_one_looks_like(listening, tmp_path):
    path = tmp_path / "empty.jsonl"
    path.write_text("\n", "utf-8")

    done = listening("model", "evaluate", str(path))

    assert done.code == 2
    assert '{"text": "…", "label": "neutral"}' in done.err
