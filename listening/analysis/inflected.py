"""Stems of Latvian, Lithuanian and Georgian words, whose dictionaries lack many forms.

A word is looked up as written, then without diacritics (phones type ``apkalposana``), then as a
form of each dictionary word whose endings allow it. Of several the one with the most forms in
the dictionary wins: rare words are listed with few. Unknown words lose their longest ending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from listening.analysis import georgian, tries
from listening.analysis.endings import CITATIONS, DERIVED, OWN, PREFIXES, STRIPPED
from listening.analysis.folding import fold

if TYPE_CHECKING:
    from marisa_trie import BytesTrie

LANGUAGES = frozenset(CITATIONS)
_SHORTEST = 3  # letters that stay when an unknown word loses its ending
_LONGEST_ENDING = 9
_DECISIVE = 1_000  # forms that a word of our own counts for, more than any has
_WRITTEN = "="  # before a form with diacritics, in a dictionary; no word begins so


class _Root(NamedTuple):
    text: str  # folded
    forms: int  # that the dictionary lists


def stem(word: str, language: str) -> str:
    """The folded stem of ``word`` (NFKC, lower case) in one of LANGUAGES."""
    form = fold(word)
    if language == "ka" and form.isascii():
        spellings = georgian.spellings(form)
        return next((known for s in spellings if (known := _known(s, s, language))), form)
    return _known(word, form, language) or _prefixed(form, language) or _stripped(form, language)


def _known(word: str, form: str, language: str) -> str | None:
    listed = _find(_WRITTEN + word, language) or _find(form, language)
    if listed and listed.text == form:
        return form
    roots = [root for _, root in sorted(_readings(form, language))]
    if language == "ka":  # its dictionary gives most words few forms: the commonest class first
        best = listed or next(iter(roots), None)
        return best and best.text
    best = max(roots, key=attrgetter("forms"), default=None)
    # Twice as many forms outweigh what is listed: lt "kainos" is listed under kainoti alone.
    if listed and (best is None or 2 * listed.forms >= best.forms):
        return listed.text
    return best and best.text


def _readings(form: str, language: str) -> Iterator[tuple[int, _Root]]:
    """How common the class is (0 the commonest), and the root, of each word this may be of."""
    citations = CITATIONS[language]
    for cut in range(max(2, len(form) - _LONGEST_ENDING), len(form)):
        for rank, citation in citations.get(form[cut:], ()):
            whole = form[:cut] + citation
            root = _find(whole, language) if whole != form else None
            if root and (root.text == whole or language == "ka"):
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


def _find(key: str, language: str) -> _Root | None:
    found = _dictionary(language).get(key)
    return _Root(found[0][2:].decode(), int.from_bytes(found[0][:2])) if found else None


@lru_cache(maxsize=len(LANGUAGES))
def _dictionary(language: str) -> BytesTrie:
    from marisa_trie import BytesTrie  # noqa: PLC0415 - not always wanted

    def entries() -> Iterator[tuple[str, bytes]]:
        return _entries(language)

    kept = tries.kept(language, entries)
    return BytesTrie(entries()) if kept is None else kept


def _entries(language: str) -> Iterator[tuple[str, bytes]]:
    """Folded forms with their commonest root; with _WRITTEN in front, forms that have another."""
    from simplemma.strategies.dictionaries import (  # noqa: PLC0415 - heavy, not always wanted
        DefaultDictionaryFactory,
    )

    lemmas = dict(DefaultDictionaryFactory(cache_max_size=1).get_dictionary(language))
    lemmas |= OWN[language]
    roots = _roots(lemmas, language)
    own = {fold(word) for word in OWN[language].values()}
    sizes = Counter(roots.values()) + Counter(dict.fromkeys(own, _DECISIVE))
    keys = {form: fold(form) for form in roots}
    folded = dict(roots) if language == "ka" else _commonest(roots, keys, sizes)
    written = {_WRITTEN + f: root for f, root in roots.items() if folded.get(keys[f]) != root}
    values = {root: sizes[root].to_bytes(2) + root.encode() for root in sizes}
    return ((key, values[root]) for key, root in (folded | written).items() if root)


def _commonest(
    roots: Mapping[str, str], keys: Mapping[str, str], sizes: Mapping[str, int]
) -> dict[str, str]:
    folded: dict[str, str] = {}
    for form, root in roots.items():
        key = keys[form]
        if key not in folded or sizes[root] > sizes[folded[key]]:
            folded[key] = root
    return folded


def _roots(lemmas: Mapping[str, str], language: str) -> dict[str, str]:
    """The folded root of every form.

    Participles are listed both as forms and as words of their own: maksājamais > maksājams >
    maksāt. Words that name each other take the first in the alphabet.
    """

    def above(form: str) -> str:
        lemma = lemmas.get(form) or form
        if lemma == form:
            return _derived_from(form, lemmas, language)
        return form if lemma == f"ne{form}" else lemma

    @cache
    def root(form: str) -> str:
        path: list[str] = []
        while form not in path:
            path.append(form)
            form = above(form)
        return fold(min(path[path.index(form) :]))

    return {form: root(above(form)) for form in lemmas}


def _derived_from(word: str, lemmas: Mapping[str, str], language: str) -> str:
    for ending, citation in DERIVED[language]:
        whole = word.removesuffix(ending) + citation
        if word.endswith(ending) and lemmas.get(whole) == whole:
            return whole
    return word
