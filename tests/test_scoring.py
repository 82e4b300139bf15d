import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from listening import scoring
from listening.errors import ConfigError
from listening.records import Label, Sentiment

# Nobody could read these otherwise, whatever the model.
PRAISE = (
    "Excellent service, I am very happy, thank you!",
    "Lieliska apkalpošana, esmu ļoti apmierināta, paldies!",
    "Puikus aptarnavimas, esu labai patenkintas, ačiū!",
    "შესანიშნავი მომსახურება, ძალიან კმაყოფილი ვარ, მადლობა!",
)
COMPLAINTS = (
    "Terrible service, the worst airline ever, never again!",
    "Briesmīga apkalpošana, sliktākā kompānija, nekad vairs!",
    "Blogas aptarnavimas, darbuotojai nemandagūs.",
    "საშინელი მომსახურება, ყველაზე ცუდი კომპანია, აღარასოდეს!",
)
ROOT = Path(__file__).parent.parent
NO_EXTRA = find_spec("torch") is None or find_spec("transformers") is None


@pytest.fixture(scope="module")
def scorer():
    return scoring.load()


def close(one: Sentiment, other: Sentiment) -> bool:
    return all(
        abs(a - b) < 1e-3
        for a, b in zip(
            (one.negative, one.neutral, one.positive),
            (other.negative, other.neutral, other.positive),
            strict=True,
        )
    )


@pytest.mark.parametrize("text", PRAISE)
def test_plain_praise_is_positive(scorer, text):
    assert scorer.score([text])[0].label is Label.POSITIVE


@pytest.mark.parametrize("text", COMPLAINTS)
def test_a_plain_complaint_is_negative(scorer, text):
    assert scorer.score([text])[0].label is Label.NEGATIVE


def test_results_are_in_the_order_of_the_texts(scorer):
    mixed = [text for pair in zip(PRAISE, COMPLAINTS, strict=True) for text in pair]

    polarities = [found.polarity for found in scorer.score(mixed)]

    assert all(polarity > 0 for polarity in polarities[::2])
    assert all(polarity < 0 for polarity in polarities[1::2])


def test_equal_texts_get_equal_scores(scorer):
    first, _, again = scorer.score([PRAISE[1], COMPLAINTS[0], PRAISE[1]])

    assert first == again


def test_whom_a_text_is_scored_with_changes_nothing(scorer):
    crowd = [COMPLAINTS[0], "ok", "word " * 300, *PRAISE, *(f"number {n}" for n in range(80))]
    together = scorer.score(crowd)

    assert all(close(scorer.score([crowd[n]])[0], together[n]) for n in (0, 1, 2, 4))


def test_links_and_names_of_accounts_change_nothing(scorer):
    one, other = scorer.score(
        ["@anna the crew was kind https://a.example/1", "@b the crew was kind www.b.example/2?x=3"]
    )

    assert one == other


@pytest.mark.parametrize(
    "text",
    [
        "😡" * 10_000,
        "very bad " * 50_000,
        "a" * 1_000_000,
        "\x00\x01\x02\x1b[31m",
        "half a pair: \ud83d",
        "\u202e right to left \u202c\u200b\ufeff",
        "<s></s><pad><unk><mask>",
        "' OR 1=1; --",
        "🏳️‍🌈" * 200,
        "\U000e0041" * 50,
    ],
    ids=str.__len__,
)
def test_any_text_has_probabilities_that_sum_to_one(scorer, text):
    (found,) = scorer.score([text])

    assert abs(found.negative + found.neutral + found.positive - 1) < 1e-6
    assert min(found.negative, found.neutral, found.positive) >= 0


def test_the_verdict_at_the_end_of_a_long_text_counts(scorer):
    story = "We flew from Riga to Tbilisi on Tuesday and sat in row twelve. " * 40

    praised, blamed = scorer.score([story + PRAISE[0], story + COMPLAINTS[0]])

    assert praised.polarity > blamed.polarity


@pytest.mark.parametrize("text", ["", "   ", "\n\t "])
@pytest.mark.parametrize("threshold", [0.0, None])
def test_nothing_said_is_unknown_at_any_threshold(text, threshold):
    (found,) = scoring.load(threshold=threshold).score([text])

    assert found.label is Label.UNKNOWN
    assert found.negative == found.neutral == found.positive


def test_no_texts_have_no_scores(scorer):
    assert scorer.score([]) == []


def test_below_the_threshold_a_label_is_unknown():
    (unsure,) = scoring.load(threshold=1.0).score([PRAISE[0]])

    assert unsure.label is Label.UNKNOWN
    assert unsure.positive > unsure.negative


def test_the_model_gives_its_name_and_threshold(scorer):
    settings = json.loads((scoring.shipped() / "config.json").read_text("utf-8"))["listening"]

    (found,) = scorer.score(["ok"])

    assert (found.model, found.threshold) == (settings["version"], settings["threshold"])


def test_a_folder_is_scored_like_the_shipped_model(scorer, tmp_path):
    shutil.copytree(scoring.shipped(), tmp_path / "copy")

    assert scoring.load(str(tmp_path / "copy")).score(PRAISE) == scorer.score(PRAISE)


def test_a_missing_shipped_model_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(scoring, "shipped", lambda: tmp_path)

    with pytest.raises(ConfigError, match="Install the package again"):
        scoring.load()


def test_without_the_extra_another_model_says_what_to_install():
    hidden = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda n: None if n in ('torch', 'transformers') else real(n)\n"
        "from listening import scoring; scoring.load('some/model')"
    )

    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert "ConfigError" in done.stderr
    assert "pip install 'listening[transformers]'" in done.stderr


def tiny(folder, labels):
    """A random network that needs a second to build; what it says means nothing."""
    import torch  # noqa: PLC0415 - an extra
    from transformers import (  # noqa: PLC0415 - an extra
        BertConfig,
        BertForSequenceClassification,
        BertTokenizerFast,
    )

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "crew", "the", "was"]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        initializer_range=0.5,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return str(folder)


@pytest.mark.skipif(NO_EXTRA, reason="needs torch and transformers")
@pytest.mark.filterwarnings("default")  # theirs
def test_any_model_of_three_labels_is_scored_by_their_names(tmp_path):
    texts = ["good crew", "the crew was bad " * 40, "", "good crew"]
    plain = scoring.load(tiny(tmp_path / "a", ["negative", "neutral", "positive"]), threshold=0)
    turned = scoring.load(tiny(tmp_path / "b", ["Positive", "NEGATIVE", "neutral"]), threshold=0)
    numbered = scoring.load(tiny(tmp_path / "c", ["LABEL_0", "LABEL_1", "LABEL_2"]), threshold=0)

    found, other, third = (each.score(texts) for each in (plain, turned, numbered))

    assert [one.label is Label.UNKNOWN for one in found] == [False, False, True, False]
    assert found[0] == found[3]
    assert abs(found[0].negative + found[0].neutral + found[0].positive - 1) < 1e-6
    # The same weights under other names: the first output is here positive, there negative.
    assert other[0].positive == pytest.approx(found[0].negative, abs=1e-5)
    assert other[0].negative == pytest.approx(found[0].neutral, abs=1e-5)
    assert third[0].positive == pytest.approx(found[0].positive, abs=1e-5)


@pytest.mark.skipif(NO_EXTRA, reason="needs torch and transformers")
@pytest.mark.filterwarnings("default")  # theirs
def test_a_model_of_other_labels_is_refused_by_their_names(tmp_path):
    with pytest.raises(ConfigError, match="joy, anger, fear"):
        scoring.load(tiny(tmp_path / "m", ["joy", "anger", "fear"])).score(["good"])


@pytest.mark.skipif(NO_EXTRA, reason="needs torch and transformers")
@pytest.mark.filterwarnings("default")  # theirs
def test_a_model_that_is_not_there_says_so(tmp_path):
    (tmp_path / "empty").mkdir()

    with pytest.raises(ConfigError, match="could not be loaded"):
        scoring.load(str(tmp_path / "empty")).score(["good"])
