"""What a write makes of what is stored: the rules that every store keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from listening.records import Feedback, Sentiment


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is stored: in which month's index, and its revision there."""

    feedback: Feedback
    sentiment: Sentiment | None
    month: str
    revision: int

    @property
    def rank(self) -> tuple[int, int, str]:
        """Of two documents of one id, which an interrupted move leaves, the higher one counts."""
        return self.feedback.version, self.revision, self.month


class Merged(NamedTuple):
    """What should be stored, and what became of each write."""

    feedback: Feedback | None
    sentiment: Sentiment | None
    outcomes: Counter[str]  # of "stored", "updated", "duplicates"


def merge(stored: Stored | None, writes: Sequence[Feedback]) -> Merged:
    """Take the writes of one id, in order. A changed text loses its score."""
    now = stored.feedback if stored else None
    sentiment = stored.sentiment if stored else None
    outcomes: Counter[str] = Counter()
    for one in writes:
        if now is None:
            outcomes["stored"] += 1
        elif one.version < now.version:
            outcomes["duplicates"] += 1
            continue
        else:
            # A later version that says the same still keeps earlier ones out.
            says_the_same = replace(one, version=now.version) == now
            outcomes["duplicates" if says_the_same else "updated"] += 1
            sentiment = sentiment if one.text == now.text else None
        now = one
    return Merged(now, sentiment, outcomes)
