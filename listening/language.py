"""Which language a text is in, short phone-typed texts and romanised Georgian included.

A script that one language owns decides alone. Elsewhere py3langid's probabilities do, and for
Latin letters also a character n-gram classifier (``language.npz``, made by ``models/language.py``):
it knows how people type Latvian and Lithuanian without diacritics, and Georgian and Russian with
Latin letters, of which py3langid knows nothing.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray
    from py3langid.langid import LanguageIdentifier

UNDETERMINED = "und"

_LONGEST = 400  # characters looked at: more change no answer and cost time
_NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+|@\w+|&#?\w+;")
_HASHTAG = re.compile(r"#\w+")
_ELONGATED = re.compile(r"(\w)\1{2,}")
_WORD = re.compile(r"[^\W\d_]+")
_ENOUGH = 12  # letters beside the hashtags that say more than the hashtags do

_OWNED = {
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "GREEK": "el",
    "HEBREW": "he",
    "THAI": "th",
    "HANGUL": "ko",
    "KANA": "ja",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "SINHALA": "si",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "ETHIOPIC": "am",
    "TIBETAN": "dz",
}
_SHARED = {
    "CYRILLIC": {"ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tg", "tt", "ba", "uz"},
    "ARABIC": {"ar", "fa", "ur", "ps", "ug", "ku"},
    "DEVANAGARI": {"hi", "mr", "ne", "sa", "gom"},
    "BENGALI": {"bn", "as"},
    "CJK": {"zh", "ja"},
}
_NOT_LATIN = set[str]().union(*_SHARED.values()) - {"sr", "kk", "tt", "uz", "ku"}
_WEIGHTS = {"CJK": 5, "KANA": 5, "HANGUL": 3}  # letters of an alphabet that one character is worth
# What py3langid tells apart and BCP 47 holds under one macrolanguage, or under a shorter tag.
_MACRO = {"ltg": "lv", "arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "nn": "no", "uzs": "uz"}
_MACRO |= {"sdh": "ku", "hbo": "he", "grc": "el", "gug": "gn", "kik": "ki", "fuv": "ff"}

# What the classifier decides, and for which of it py3langid, shown Latin letters, cannot speak.
_TARGETS = ("lv", "lt", "ka", "ru")
_UNKNOWN_IN_LATIN = ("ka", "ru")
_OURS, _THEIRS = 0.7, 0.5  # exponents of the two classifiers' odds, tuned on texts held out
_SHARPER = 1.5  # exponent of py3langid's probabilities, which are too flat on short texts
_EXPECTED = 3.0  # how much likelier a language is that the brand expects
_ENGLISH = 2.0  # and the one that everybody writes
_SURE, _SURE_OF_A_WORD = 0.25, 0.5


def detect(text: str, *, prior: Collection[str] = ()) -> str:
    """Return the BCP 47 primary tag of the language most of the text is in, ``und`` when unsure.

    Links, handles and digits count for nothing. ``prior`` names the languages to expect: it
    decides close calls and single words, and yields to clear text in another language.
    """
    script, cleaned = _main_script(clean(text))
    if script in _OWNED:
        return _OWNED[script]
    words = [letters for word in cleaned.split() if (letters := sum(map(str.isalpha, word))) > 1]
    if sum(words) < (2 if script == "CJK" else 3):
        return UNDETERMINED
    weights = dict.fromkeys((tag.split("-")[0].lower() for tag in prior), _EXPECTED)
    if script == "LATIN":
        weights.setdefault("en", _ENGLISH)
        scores = _latin(cleaned)
        weights.pop("ru", None)  # expecting Russian is expecting Cyrillic
    else:
        theirs = _probabilities(cleaned)
        scores = {tag: theirs[tag] ** _SHARPER for tag in _SHARED.get(script, ())}
    return _decide(scores, weights, sure=_SURE_OF_A_WORD if len(words) == 1 else _SURE)


def normalised(text: str) -> str:
    """Return the lower-case words alone, elongations undone: what ``buckets`` is given."""
    return " ".join(_WORD.findall(_ELONGATED.sub(r"\1", text.lower())))


def buckets(text: str, bits: int) -> NDArray[np.uint32]:
    """Hash each run of 1 to 5 characters of a padded text to a number below ``2**bits``."""
    import numpy as np  # noqa: PLC0415 - a fifth of the start-up, needed by texts only

    codes = np.frombuffer(f" {text} ".encode("utf-32-le"), np.uint32)
    hashed, found = codes, [codes]
    for size in range(2, 6):
        hashed = hashed[:-1] * np.uint32(0x01000193) + codes[size - 1 :]
        found.append(hashed + np.uint32(size))
    mixed = np.concatenate(found) * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    return (mixed * np.uint32(0x85EBCA6B)) >> np.uint32(32 - bits)


def clean(text: str) -> str:
    """Take out links, handles, mark-up and most hashtags, and undo elongations."""
    text = _NOISE.sub(" ", unicodedata.normalize("NFKC", text[:_LONGEST]))
    if "#" in text:
        without = _HASHTAG.sub(" ", text)
        enough = sum(map(str.isalpha, without)) > _ENOUGH
        text = without if enough else text.replace("#", " ")
    return _ELONGATED.sub(r"\1", text)


def _main_script(text: str) -> tuple[str, str]:
    if text.isascii():
        return "LATIN", text
    counts = Counter(_script(char) for char in text if char.isalpha())
    if not counts:
        return "", ""
    if counts["KANA"] * 10 > counts["CJK"]:
        counts["KANA"] += counts.pop("CJK", 0)
    script = max(counts, key=lambda name: counts[name] * _WEIGHTS.get(name, 1))
    if len(+counts) > 1:
        text = "".join(c if not c.isalpha() or _script(c) == script else " " for c in text)
    return script, text


@functools.cache
def _script(char: str) -> str:
    name = unicodedata.name(char, "UNKNOWN").partition(" ")[0]
    return "KANA" if name in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else name


def _latin(text: str) -> dict[str, float]:
    classifier, theirs = _classifier(), _probabilities(text)
    ours = classifier.probabilities(normalised(text))
    rest = {tag: p for tag, p in theirs.items() if tag not in _TARGETS and tag not in _NOT_LATIN}
    total, sharp = sum(rest.values()), sum(p**_SHARPER for p in rest.values())
    scores = {tag: p**_SHARPER / sharp for tag, p in rest.items()}
    others = max(1 - sum(ours[tag] for tag in _TARGETS), 1e-9)
    unlearned = sum(p for tag, p in theirs.items() if tag not in classifier.languages)
    for tag in _TARGETS:
        known = tag not in _UNKNOWN_IN_LATIN
        support = (max(theirs[tag], 1e-6) / total) ** _THEIRS if known else 1 - unlearned
        scores[tag] = (ours[tag] / others) ** _OURS * support
    return scores


def _decide(scores: dict[str, float], weights: dict[str, float], *, sure: float) -> str:
    weighed = {tag: score * weights.get(tag, 1) for tag, score in scores.items()}
    best = max(weighed, key=weighed.__getitem__, default=UNDETERMINED)
    certain = weighed and weighed[best] > sure * sum(weighed.values())
    return best if certain else UNDETERMINED


class _Classifier(NamedTuple):
    """Multinomial logistic regression: ``weights`` are buckets x classes, in units of ``step``.

    ``languages`` are those it saw: probability on any other is evidence against the classes that
    py3langid cannot speak for.
    """

    weights: NDArray[np.int8]
    step: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: list[str]
    languages: frozenset[str]

    def probabilities(self, words: str) -> dict[str, float]:
        import numpy as np  # noqa: PLC0415 - as in ``buckets``

        rows = buckets(words, len(self.weights).bit_length() - 1)
        logits = self.weights[rows].sum(0, np.int32) * self.step / len(rows) ** 0.5 + self.bias
        exponents = np.exp(logits - logits.max())
        return dict(zip(self.classes, (exponents / exponents.sum()).tolist(), strict=True))


@functools.cache
def _classifier() -> _Classifier:
    import numpy as np  # noqa: PLC0415 - as in ``buckets``

    path = resources.files(__package__).joinpath("language.npz")
    with path.open("rb") as file, np.load(file) as stored:
        return _Classifier(
            weights=stored["weights"],
            step=stored["step"],
            bias=stored["bias"],
            classes=stored["classes"].tolist(),
            languages=frozenset(stored["languages"].tolist()),
        )


def _probabilities(text: str) -> dict[str, float]:
    best: dict[str, float] = {}
    for tag, probability in _identifier().rank(text):
        best.setdefault(_MACRO.get(tag, tag), probability)
    del best["zxx"]
    return best


@functools.cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - loads 4.5 MB

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
