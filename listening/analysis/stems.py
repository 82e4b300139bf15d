"""The stem that the inflected forms of a word share, per language.

Dictionaries (simplemma) know 54 languages, Snowball's rules a few more; in others a word is its
own stem. Dictionaries load when first needed: see ``tries``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from listening.analysis import inflected, tries
from listening.analysis.folding import fold

if TYPE_CHECKING:
    from simplemma import Lemmatizer

_ALIASES = {"sr": "hbs", "hr": "hbs", "bs": "hbs", "no": "nb", "fil": "tl", "iw": "he", "in": "id"}
_SNOWBALL = {"eu": "basque", "ne": "nepali", "ta": "tamil", "yi": "yiddish"}


def primary(language: str) -> str:
    """The dictionary's code for a BCP 47 tag: ``en-GB`` is ``en``, ``sr-Latn`` is ``hbs``."""
    code = language.partition("-")[0].lower()
    return _ALIASES.get(code, code)


def stem(word: str, language: str) -> str:
    """The folded stem of one word; ``language`` is a code that ``primary`` gave."""
    written = unicodedata.normalize("NFKC", word).lower()
    if language in inflected.LANGUAGES:
        return inflected.stem(written, language)
    return fold(_lemma(written, language))


def _lemma(word: str, language: str) -> str:
    if language == "und":  # in every query: it need not load simplemma
        return word
    if language in _dictionaries():
        return _lemmatizer().lemmatize(word, language)
    if language in _SNOWBALL:
        import snowballstemmer  # noqa: PLC0415 - heavy, and not always wanted

        return str(snowballstemmer.stemmer(_SNOWBALL[language]).stemWord(word))
    return word


@lru_cache(maxsize=1)
def _dictionaries() -> frozenset[str]:
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES  # noqa: PLC0415 - heavy, and not always wanted

    return frozenset(SUPPORTED_LANGUAGES)


@lru_cache(maxsize=1)
def _lemmatizer() -> Lemmatizer:
    from simplemma import Lemmatizer, strategies  # noqa: PLC0415 - heavy, not always wanted

    return Lemmatizer(
        cache_max_size=0,
        lemmatization_strategy=strategies.DefaultStrategy(dictionary_factory=_Kept()),
    )


class _Kept:
    def get_dictionary(self, lang: str) -> Mapping[str, str]:
        return _dictionary(lang)


@lru_cache(maxsize=64)  # more than there are: simplemma asks at every word
def _dictionary(language: str) -> Mapping[str, str]:
    from simplemma.strategies import dictionaries  # noqa: PLC0415 - heavy, not always wanted
    from simplemma.strategies.dictionaries.trie_dictionary_factory import TrieWrapDict  # noqa: PLC0415 - likewise

    def listed() -> Mapping[str, str]:
        return dictionaries.DefaultDictionaryFactory(cache_max_size=1).get_dictionary(language)

    trie = tries.kept(language, lambda: ((form, s.encode()) for form, s in listed().items()))
    return listed() if trie is None else TrieWrapDict(trie)
