"""Telling words: those that a set of texts uses more than its background does."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

from listening.records import TermCount, TermCounts

PRIOR = 10.0  # in texts; how strongly a rare word is drawn to its overall share
LEAST_Z = 1.2815515655446004  # one in ten by chance: words are read by people, in small samples
LEAST_RATIO = 2.0  # times its share in the background
LEAST_COUNT = 3


@dataclass(frozen=True, slots=True)
class TellingWord:
    """``count`` texts use the word: ``share`` percent, against ``background_share`` elsewhere.

    ``z`` is the log-odds ratio over its standard error: the higher, the surer.
    """

    term: str
    count: int
    share: float
    background_share: float
    z: float
    language: str | None = None


def telling_words(
    counts: TermCounts, *, top: int = 10, least: int = LEAST_COUNT, language: str | None = None
) -> list[TellingWord]:
    """The words that set the texts apart from their background, surest first.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin'
    Words"), over the texts that use a word rather than its occurrences: one person who repeats
    it counts once. Words as common in the background cancel out, so that no list of stop words
    is needed. The texts must not be part of their background.
    """
    scored = [
        TellingWord(
            one.term,
            one.count,
            100 * one.count / counts.total,
            100 * one.background / counts.background_total,
            log_odds(one, counts),
            language,
        )
        for one in counts.terms
        if one.count >= least and counts.background_total
    ]
    telling = [
        word
        for word in scored
        if word.z >= LEAST_Z and word.share >= LEAST_RATIO * word.background_share
    ]
    return sorted(telling, key=lambda word: (-word.z, word.term))[:top]


def log_odds(one: TermCount, counts: TermCounts) -> float:
    """The z-score of one word; positive when the texts use it more than the background."""
    # Half a text more, so that a word in every text, or in none, has odds too.
    everywhere = counts.total + counts.background_total + 1
    prior = PRIOR * (one.count + one.background + 0.5) / everywhere
    using, others = one.count + prior, counts.total - one.count + PRIOR - prior
    using_back = one.background + prior
    others_back = counts.background_total - one.background + PRIOR - prior
    ratio = log(using / others) - log(using_back / others_back)
    return ratio / sqrt(1 / using + 1 / others + 1 / using_back + 1 / others_back)
