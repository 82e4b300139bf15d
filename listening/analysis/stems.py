"""The stem that the inflected forms of a word share, per language.

Dictionaries (simplemma) know 54 languages, Snowball's rules a few more; in others a word is its
own stem. Dictionaries load when first needed, in 0.2 to 2.5 s and 10 to 150 MB each.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from listening.analysis import inflected
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

    # simplemma keeps 8 dictionaries and would load a ninth again for every word.
    factory = strategies.dictionaries.DefaultDictionaryFactory(cache_max_size=64)
    return Lemmatizer(
        cache_max_size=0,
        lemmatization_strategy=strategies.DefaultStrategy(dictionary_factory=factory),
    )
