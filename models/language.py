"""Train the character n-gram classifier that ``listening.language`` ships.

    python models/language.py FILE... --held-out FILE... --out listening/language.npz

A FILE is ``<language>-<source>.txt.gz``, one text a line, or ``<source>.jsonl.gz`` with ``text``
and ``lang``. Any texts will do; the released weights were trained on, with the licence stated:

- Latvian: Common Voice (CC0), FullStack AMR, Leipzig and Tatoeba (CC BY) sentences, LVTagger news,
  UD LVTB and NTREX-128 (CC BY-SA), law (capped), tweets of SA-Latvian-Tweets and the Latvian
  Twitter Eater Corpus (MIT), of gatis/om and sikzinu_analize (none stated)
- Lithuanian: Common Voice (CC0), Leipzig and Tatoeba (CC BY), NTREX-128, SIB-200, UD ALKSNIS and
  UD HSE (CC BY-SA), law (capped), Delfi news and LRT summaries and children's facts (none stated)
- Estonian: Common Voice (CC0), Leipzig (CC BY), NTREX-128 (CC BY-SA), XED (CC BY)
- Georgian, romanised here: Common Voice (CC0), Leipzig (CC BY), NTREX-128 (CC BY-SA), law (capped),
  forum comments (MIT), quotes (none stated)
- Russian, romanised here: NTREX-128 (CC BY-SA), XED and BRIGHTER (CC BY), RuSentNE (MIT)
- against: XED subtitles, AfriSenti, OpeNER, SB10k (CC BY), ParlaSent, SmSA (CC BY-SA), Malaya
  (Apache), SemEval 2017 tweets (MIT), Twitter entities, reviews and tweets in French, Indonesian,
  Turkish, Uzbek, Vietnamese and Hindi-English (none stated)

No source is NC, ND or GPL. Needs scikit-learn; takes two minutes and 3 GB on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import unicodedata
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import (
    LogisticRegression,
)

from listening.language import buckets, clean, normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BITS = 14
PER_FILE, PER_LAW = 8000, 1500
# Pieces a language; what is named here is either decided by the classifier or close to it.
PIECES = {"lv": 24000, "lt": 24000, "ka": 24000, "ru": 12000, "et": 10000, "en": 20000, "fi": 8000}
PIECES_ELSE = 5000
SHORTEST = 4
OFFICIAL, DIGRAPHS, BARE, BARE_ELSE = 0.25, 0.1, 0.65, 0.35  # shares of the ways to type
# Languages whose differences are py3langid's business share a class.
GROUPS = {
    tag: group
    for group, tags in {
        "romance": "es it pt fr ro ca gl",
        "germanic": "de nl",
        "nordic": "sv da no is",
        "slavic": "pl cs sk hr bs sr sl",
        "turkic": "tr uz",
        "african": "ha ig yo rw sw om tw ts",
        "malay": "id ms",
        "en": "en pcm",
        "hi": "hi",
        "vi": "vi",
        "hu": "hu",
        "fi": "fi",
        "eu": "eu",
        "et": "et",
        "lv": "lv",
        "lt": "lt",
        "ka": "ka",
        "ru": "ru",
    }.items()
    for tag in tags.split()
}

_KA = "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ"
# Official, chat and keyboard-layout spellings, the likelier ones repeated; lower case.
_KA_LATIN = (
    "a b g d e v z t i k l m n o p zh,j r s t u f,f,p,ph q,q,k gh,gh,g,r y,y,k,q sh,sh,s ch,ch,c"
    " c,c,ts dz,dz,z w,w,ts,tz,c ch,ch,w,tch x,x,kh,h j,j,dj,dzh h"
)
_KA_SCHEMES = (
    "a b g d e v z t i k l m n o p j r s t u f q r y s c c z w w x j h",
    "a b g d e v z t i k l m n o p j r s t u f q gh y sh ch c dz w ch x j h",
    "a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h",
)
_RU = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_RU_LATIN = (
    "a b v g d e e,yo,jo,io zh,j,z z i y,j,i k l m n o p r s t u f h,kh,x c,ts ch,4 sh,w"
    " sch,sh,shch - y,i - e yu,ju,u ya,ja,ia"
)
_LV_DIGRAPHS = dict(
    zip(
        map(ord, "āēīūčšžģķļņ"),
        ["aa", "ee", "ii", "uu", "ch", "sh", "zh", "gj", "kj", "lj", "nj"],
        strict=True,
    )
)
_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ß": "ss", "ı": "i", "æ": "ae", "ə": "e", "ð": "d", "þ": "th"}
)


def romanised(text: str, letters: str, latin: str, rng: random.Random) -> str:
    """Spell ``text`` by ``latin``, one of whose alternatives a letter keeps throughout the text."""
    choices = zip(letters, latin.split(" "), strict=True)
    return text.translate({ord(a): rng.choice(b.split(",")).strip("-") for a, b in choices})


def bare(text: str) -> str:
    """Strip the diacritics."""
    decomposed = unicodedata.normalize("NFD", text.translate(_UNDECOMPOSED))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def as_typed(language: str, text: str, rng: random.Random) -> str:
    chance = rng.random()
    if language == "ka":
        return romanised(
            text, _KA, rng.choice(_KA_SCHEMES) if chance < OFFICIAL else _KA_LATIN, rng
        )
    if language == "ru":
        return romanised(text, _RU, _RU_LATIN, rng)
    if language in {"lv", "lt"}:
        if chance < DIGRAPHS:
            text = text.translate(_LV_DIGRAPHS)
        return bare(text) if chance < BARE else text
    return bare(text) if chance < BARE_ELSE else text


def piece(text: str, rng: random.Random) -> str:
    words = text.split()
    size = rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 14, 20))
    start = rng.randrange(max(1, len(words) - size + 1))
    return " ".join(words[start : start + size])


def read(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if ".jsonl" in path.name:
                row = json.loads(line)
                yield row["lang"], row["text"]
            else:
                yield path.name.partition("-")[0], line


def collect(
    files: Iterable[Path], held_out: Iterable[Path], rng: random.Random
) -> dict[str, list[str]]:
    """Return the normalised texts of each language, none that a held-out file has as well."""
    excluded = {normalised(clean(text)) for path in held_out for _, text in read(path)}
    texts = defaultdict[str, list[str]](list)
    for path in files:
        found = defaultdict[str, list[str]](list)
        for language, text in read(path):
            if language in GROUPS and (words := normalised(clean(text))) not in excluded:
                found[language].append(words)
        most = PER_LAW if "-law." in path.name else PER_FILE
        for language, some in found.items():
            texts[language] += rng.sample(some, min(most, len(some)))
    return texts


def examples(texts: dict[str, list[str]], rng: random.Random) -> Iterator[tuple[str, str]]:
    for language, some in sorted(texts.items()):
        wanted = min(PIECES.get(language, PIECES_ELSE), 4 * len(some))
        for text in rng.choices(some, k=wanted):
            typed = piece(as_typed(language, text, rng), rng)
            latin = sum("a" <= char <= "z" for char in typed)
            if len(typed) >= SHORTEST and latin > len(typed) / 2:
                yield GROUPS[language], typed


def matrix(texts: list[str]) -> csr_matrix:
    rows = [buckets(text, BITS) for text in texts]
    sizes = np.array([len(row) for row in rows])
    values = np.repeat(1 / np.sqrt(sizes), sizes).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    counts = csr_matrix(
        (values, np.concatenate(rows).astype(np.int32), ends), (len(texts), 1 << BITS)
    )
    counts.sum_duplicates()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description="Train listening/language.npz.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--held-out", nargs="*", type=Path, default=[])
    parser.add_argument("--out", type=Path, default=Path("listening/language.npz"))
    options = parser.parse_args()
    rng = random.Random(0)
    labels, texts = zip(*examples(collect(options.files, options.held_out, rng), rng), strict=True)
    model = LogisticRegression(C=200, max_iter=100, tol=1e-3).fit(matrix(list(texts)), labels)
    step = np.abs(model.coef_).max(1) / 127
    np.savez_compressed(
        options.out,
        weights=np.rint(model.coef_ / step[:, None]).T.astype(np.int8),
        step=step.astype(np.float32),
        bias=model.intercept_.astype(np.float32),
        classes=model.classes_,
        languages=sorted(GROUPS),
    )
    print(f"{len(texts)} pieces, {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
