"""Measure language detection on texts that ``models/language.py`` was not trained on.

    python benchmarks/language.py --data DIR

DIR holds ``plain/<language>-<source>.txt.gz`` and ``sentiment/<source>.jsonl.gz``; a file that it
lacks is left out. The short texts "as typed on a phone" are in ``benchmarks/data``. Prints one
table: right answers in % (``und`` counts as wrong), ours also with the share of ``und``. lingua
joins in if ``lingua-language-detector`` is installed. Answers are compared by macrolanguage.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from py3langid import langid

from listening.language import UNDETERMINED, detect

Detector = Callable[[str], str]

HERE = Path(__file__).parent
MOST = 400
LETTERS_NEEDED = 4
LENGTHS = {"<= 20": range(21), "21-60": range(21, 61), "> 60": range(61, 1 << 30)}
SAME = {"ltg": "lv", "arz": "ar", "ary": "ar", "wuu": "zh", "yue": "zh", "nn": "no", "nb": "no"}
SAME |= {"uzs": "uz", "bs": "hr", "sr": "hr"}

KA = "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ"
KA_SCHEMES = {
    "keyboard layout": "a b g d e v z T i k l m n o p J r s t u f q R y S C c Z w W x j h",
    "chat": "a b g d e v z t i k l m n o p zh r s t u f q gh y sh ch c dz w ch x j h",
    "anglicised": "a b g d e v z t i k l m n o p zh r s t u p k gh y sh ch ts dz ts ch kh j h",
    "national": "a b g d e v z t i k’ l m n o p’ zh r s t’ u p k gh q’ sh ch ts dz ts’ ch’ kh j h",
}
RU = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
RU_LATIN = "a b v g d e yo zh z i y k l m n o p r s t u f h ts ch sh sch - y - e yu ya"

DIACRITICS = (("lv", "tweets"), ("lv", "ted"), ("lt", "ktu-events-news"), ("et", "tatoeba"))
KA_PLAIN = ("tatoeba", "ted", "sib200-flores")
SENTIMENT_SETS = (
    "en:umsab_xlmt en:sxsw_brand_product en:nhs_fft_survey en:sportswear_apps de:potts"
    " de:umsab_xlmt fr:umsab_xlmt es:umsab_xlmt it:umsab_xlmt pt:umsab_xlmt pt:tweets_mg_pt"
    " nl:absa_sentences da:da_politics_comments no:norec_sentence sv:swe_sentiment pl:polemo2"
    " cs:csfd_cs sr:senticomments_sr ro:laroseda hu:husst et:et-valence-news tr:tr_tweetset"
    " vi:uit_vsfc id:idsa_id ru:sentirueval ru:opensentimentcorpus_ru uk:uk-brighter-emotions"
    " bg:cinexio_bg kk:kazsandra ar:ajgt fa:deepsentipers_fa ur:urdu_usc he:hebrew_omilab"
    " hi:hindi_sid573 mr:mahasent_md_mr bn:blp23_bn zh:waimai_10k ja:jrte_pn_ja ko:nsmc_raw_ko"
    " th:wisesight_th"
)
SENTIMENT = SENTIMENT_SETS.split()


class Row(NamedTuple):
    language: str
    condition: str
    texts: list[str]


def bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def spelt(text: str, letters: str, latin: str) -> str:
    table = dict(zip(letters, latin.replace("-", "").split(" "), strict=True))
    return "".join(table.get(char, char) for char in text)


def lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return sample([line.strip() for line in file])


def labelled(path: Path, language: str) -> list[str]:
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = map(json.loads, file)
        return sample([row["text"] for row in rows if row["lang"] == language])


def sample(texts: list[str]) -> list[str]:
    texts = [text for text in texts if sum(map(str.isalpha, text)) >= LETTERS_NEEDED]
    return random.Random(0).sample(texts, min(MOST, len(texts)))


def rows(data: Path) -> list[Row]:
    found = []
    for language in ("lv", "lt", "ka"):
        texts = (HERE / "data" / f"phone-{language}.txt").read_text("utf-8").splitlines()
        found.append(Row(language, "typed on a phone", texts))
    for language, source in DIACRITICS:
        texts = lines(data / "plain" / f"{language}-{source}.txt.gz")
        found.append(Row(language, source, texts))
        found.append(Row(language, f"{source}, undiacritised", list(map(bare, texts))))
    for source in KA_PLAIN:
        texts = lines(data / "plain" / f"ka-{source}.txt.gz")
        found.append(Row("ka", f"{source}, Georgian script", texts))
        for name, latin in KA_SCHEMES.items():
            typed = [spelt(text, KA, latin) for text in texts]
            found.append(Row("ka", f"{source}, {name}", typed))
    for language, _, source in (name.partition(":") for name in SENTIMENT):
        texts = labelled(data / "sentiment" / f"{source}.jsonl.gz", language)
        found.append(Row(language, source, texts))
        if source == "sentirueval":
            typed = [spelt(text.lower(), RU, RU_LATIN) for text in texts]
            found.append(Row(language, f"{source}, Latin letters", typed))
    return [row for row in found if row.texts]


def by_length(found: list[Row]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    parts: dict[str, Callable[[Row], bool]] = {
        "lv, lt undiacritised": lambda row: (
            "undiacritised" in row.condition and row.language != "et"
        ),
        "ka in Latin letters": lambda row: row.condition.partition(", ")[2] in KA_SCHEMES,
        "the others": lambda row: f"{row.language}:{row.condition}" in SENTIMENT,
    }
    measured = []
    for name, chosen in parts.items():
        pairs = [(row.language, text) for row in found if chosen(row) for text in row.texts]
        for length, span in LENGTHS.items():
            fitting = [(language, text) for language, text in pairs if len(text) in span]
            measured.append((name, f"{length} characters", fitting))
    return measured


def py3langid(text: str) -> str:
    return str(langid.classify(text)[0])


def detectors() -> dict[str, Detector]:
    found: dict[str, Detector] = {"ours": detect, "py3langid": py3langid}
    try:
        from lingua import LanguageDetectorBuilder
    except ImportError:
        return found
    lingua = LanguageDetectorBuilder.from_all_languages().build()

    def ask(text: str) -> str:
        language = lingua.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else UNDETERMINED

    return found | {"lingua": ask}


def same(answer: str, language: str) -> bool:
    return SAME.get(answer, answer) == SAME.get(language, language)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure language detection.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=400, help="texts a row")
    options = parser.parse_args()
    asked = detectors()
    found = [row._replace(texts=row.texts[: options.most]) for row in rows(options.data)]
    texts = {text for row in found for text in row.texts}
    answers, rates = {}, {}
    for name, ask in asked.items():
        ask("labas rytas")
        start = time.process_time()
        answers[name] = {text: ask(text) for text in texts}
        rates[name] = len(texts) / (time.process_time() - start)
    print("| language | condition | n | und |", " | ".join(asked), "|")
    print("|---|---|--:|--:|" + "--:|" * len(asked))
    table = [(r.language, r.condition, [(r.language, text) for text in r.texts]) for r in found]
    for language, condition, pairs in table + by_length(found):
        unsure = sum(answers["ours"][text] == UNDETERMINED for _, text in pairs)
        right = [sum(same(answers[name][text], tag) for tag, text in pairs) for name in asked]
        cells = [f"{100 * count / max(len(pairs), 1):.1f}" for count in (unsure, *right)]
        print(f"| {language} | {condition} | {len(pairs)} |", " | ".join(cells), "|")
    speeds = " | ".join(f"{rate:.0f}" for rate in rates.values())
    print(f"| texts/s of one core | all of the above | {len(texts)} | | {speeds} |")


if __name__ == "__main__":
    main()
