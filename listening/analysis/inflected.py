"""Stems of Latvian, Lithuanian and Georgian words, whose dictionaries lack many forms.

A word is looked up as written, then without diacritics (phones type ``apkalposana``), then as a
form of each dictionary word whose endings allow it. Of several the one with the most forms in
the dictionary wins: rare words are listed with few. Unknown words lose their longest ending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from listening.analysis import georgian
from listening.analysis.endings import CITATIONS, DERIVED, OWN, PREFIXES, STRIPPED
from listening.analysis.folding import fold

LANGUAGES = frozenset(CITATIONS)
_SHORTEST = 3  # letters that stay when an unknown word loses its ending
_LONGEST_ENDING = 9
_DECISIVE = 1_000  # forms that a word of our own counts for, more than any has


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
    if listed == form:
        return listed
    readings = list(_readings(form, language))
    if language == "ka":  # its dictionary gives most words few forms: the commonest class first
        return listed or min(readings, default=(0, None))[1]
    size = dictionary.sizes.__getitem__
    best = max((root for _, root in sorted(readings)), key=size, default=None)
    # Twice as many forms outweigh what is listed: lt "kainos" is listed under kainoti alone.
    if listed and (best is None or 2 * size(listed) >= size(best)):
        return listed
    return best


def _readings(form: str, language: str) -> Iterator[tuple[int, str]]:
    """How common the class is (0 the commonest), and the root, of each word this may be of."""
    folded, citations = _dictionary(language).folded, CITATIONS[language]
    for cut in range(max(2, len(form) - _LONGEST_ENDING), len(form)):
        for rank, citation in citations.get(form[cut:], ()):
            whole = form[:cut] + citation
            root = folded.get(whole)
            if root and whole != form and (root == whole or language == "ka"):
                yield rank, root


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
    from simplemma.strategies.dictionaries import (  # noqa: PLC0415 - heavy, not always wanted
        DefaultDictionaryFactory,
    )

    lemmas = dict(DefaultDictionaryFactory(cache_max_size=1).get_dictionary(language))
    lemmas |= OWN[language]
    own = {fold(word) for word in OWN[language].values()}
    roots = {form: intern(_root(form, lemmas, language)) for form in lemmas}
    sizes = Counter(roots.values()) + Counter(dict.fromkeys(own, _DECISIVE))
    if language == "ka":  # written without diacritics
        return _Dictionary(roots, roots, sizes)
    folded: dict[str, str] = {}
    for form, root in roots.items():
        key = fold(form)
        if key not in folded or sizes[root] > sizes[folded[key]]:
            folded[key] = root
    return _Dictionary(roots, folded, sizes)


def _root(form: str, lemmas: Mapping[str, str], language: str) -> str:
    # Participles are listed both as forms and as words of their own: maksājamais > maksājams >
    # maksāt. Words that name each other take the first in the alphabet.
    path: list[str] = []
    while form not in path:
        path.append(form)
        lemma = lemmas.get(form) or form
        form = form if lemma == f"ne{form}" else lemma
        if form == lemma == path[-1]:
            form = _derived_from(form, lemmas, language)
    return fold(min(path[path.index(form) :]))


def _derived_from(word: str, lemmas: Mapping[str, str], language: str) -> str:
    for ending, citation in DERIVED[language]:
        whole = word.removesuffix(ending) + citation
        if word.endswith(ending) and lemmas.get(whole) == whole:
            return whole
    return word
