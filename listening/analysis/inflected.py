"""Stems of Latvian, Lithuanian and Georgian words, whose dictionaries lack many forms.

A word is looked up as written, then without diacritics (phones type ``apkalposana``), then as a
form of each dictionary word whose endings allow it. Of several the one with the most forms in
the dictionary wins: rare words are listed with few. Unknown words lose their longest ending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from listening.analysis import georgian
from listening.analysis.endings import CITATIONS, PREFIXES, STRIPPED
from listening.analysis.folding import fold

LANGUAGES = frozenset(CITATIONS)
_SHORTEST = 3  # letters that stay when an unknown word loses its ending
_LONGEST_ENDING = 9


class _Dictionary(NamedTuple):
    roots: Mapping[str, str]  # form as written: folded root
    folded: Mapping[str, str]  # folded form: folded root
    sizes: Mapping[str, int]  # folded root: how many forms are listed


def stem(word: str, language: str) -> str:
    """The folded stem of ``word`` (NFKC, lower case) in one of LANGUAGES."""
    form = fold(word)
    if language == "ka" and form.isascii():
        spellings = georgian.spellings(form)
        return next((known for s in spellings if (known := _known(s, s, language))), form)
    return _known(word, form, language) or _prefixed(form, language) or _stripped(form, language)


def _known(word: str, form: str, language: str) -> str | None:
    dictionary = _dictionary(language)
    listed = dictionary.roots.get(word) or dictionary.folded.get(form)
    others = set(_readings(form, language))
    size = dictionary.sizes.__getitem__
    best = max(sorted(others), key=size, default=None)
    # Twice as many forms outweigh what is listed: lt "kainos" is listed under kainoti alone.
    if listed and (best is None or 2 * size(listed) >= size(best)):
        return listed
    return best


def _readings(form: str, language: str) -> Iterator[str]:
    folded, citations = _dictionary(language).folded, CITATIONS[language]
    for cut in range(max(2, len(form) - _LONGEST_ENDING), len(form)):
        for citation in citations.get(form[cut:], ()):
            if root := folded.get(form[:cut] + citation):
                yield root


def _prefixed(form: str, language: str) -> str | None:
    for prefix in PREFIXES[language]:
        rest = form.removeprefix(prefix)
        if rest != form and len(rest) > _SHORTEST:
            root = _known(rest, rest, language)
            if root and root.endswith(("t", "ti")):
                return prefix + root
    return None


def _stripped(form: str, language: str) -> str:
    for ending in STRIPPED[language]:
        if form.endswith(ending) and len(form) - len(ending) >= _SHORTEST:
            return form[: len(form) - len(ending)]
    return form


@lru_cache(maxsize=len(LANGUAGES))
def _dictionary(language: str) -> _Dictionary:
    from simplemma.strategies.dictionaries import DefaultDictionaryFactory

    lemmas = dict(DefaultDictionaryFactory(cache_max_size=1).get_dictionary(language))
    roots = {form: fold(_root(form, lemmas)) for form in lemmas}
    sizes = Counter(roots.values())
    folded: dict[str, str] = {}
    for form, root in roots.items():
        key = fold(form)
        if sizes[root] > sizes[folded.get(key, "")]:
            folded[key] = root
    return _Dictionary(roots, folded, sizes)


def _root(form: str, lemmas: Mapping[str, str]) -> str:
    # Participles are listed both as forms and as words of their own: maksājamais > maksājams >
    # maksāt. Words that name each other take the first in the alphabet.
    path: list[str] = []
    while form not in path and form:
        path.append(form)
        lemma = lemmas.get(form, form)
        form = form if lemma == f"ne{form}" else lemma
    return min(path[path.index(form) :])
