"""Why an alarm rang, from the stored feedback: what was counted, and what carries the excess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, NamedTuple

from listening.alerts.alert import Notification, Outcome, Reason
from listening.alerts.rules import Rule, When
from listening.alerts.stories import copies, newest, story
from listening.alerts.watch import Scope, Watch
from listening.analysis import tokens
from listening.records import Dimension, Feedback, Filter, Hit, Label, Scale, Window
from listening.report import evidence as report
from listening.tree import And, Field, Node
from listening.views.reproduce import as_query
from listening.views.surveys import DETRACTORS, FAVOURABLE
from listening.views.words import TellingWord

BACKGROUND = timedelta(days=28)
SAMPLES, LOOKED_AT, WORDS = 5, 200, 8
MOST = 6  # parts of a dimension; the rest is one more
ALIKE = 0.5  # of their words, and two texts are nearly the same
TELLING, LIFT = 0.5, 1.3  # of the excess, and times the usual share: worth a sentence
OTHERS = "…"
_DIMENSIONS = (
    *(Dimension.SOURCE, Dimension.KIND, Dimension.LANGUAGE, Dimension.COUNTRY),
    *(Dimension.TOUCHPOINT, Dimension.SEGMENT, Dimension.SERVICE, Dimension.CAMPAIGN),
    Dimension.QUESTION,
)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_TOLD = {Reason.STARTED, Reason.REPEATED, Reason.ESCALATED}


@dataclass(frozen=True, slots=True)
class Part:
    """A value of a dimension. Those of one dimension add up to ``texts`` and to ``expected``.

    ``value`` is ``""`` where it is missing and ``…`` for all others together.
    """

    dimension: str
    value: str
    observed: float
    expected: float

    @property
    def excess(self) -> float:
        return self.observed - self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is behind an outcome. ``query`` finds exactly the ``texts`` that were counted.

    ``copies`` of them repeat another and were counted once with it. ``expected`` is how many
    were to be expected in the window.
    """

    query: str
    since: datetime
    until: datetime
    texts: int
    copies: int
    expected: float
    parts: tuple[Part, ...] = ()
    words: tuple[TellingWord, ...] = ()
    samples: tuple[Feedback, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """Sentences, the most telling first."""
        return tuple(_facts(self))

    @property
    def carriers(self) -> tuple[Part, ...]:
        """The parts worth a sentence: they carry much of the excess, and more than usual."""
        return tuple(_carriers(self))

    def as_json(self) -> dict[str, Any]:
        carriers = self.carriers
        return {
            "query": self.query,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "texts": self.texts,
            "copies": self.copies,
            "expected": round(self.expected, 3),
            "facts": list(self.facts),
            "parts": [
                {
                    "dimension": one.dimension,
                    "value": one.value,
                    "observed": round(one.observed, 3),
                    "expected": round(one.expected, 3),
                    "excess": round(one.excess, 3),
                    "telling": one in carriers,
                }
                for one in self.parts
            ],
            "words": [
                {"term": word.term, "count": word.count, "language": word.language}
                for word in self.words
            ],
            "samples": [
                {
                    "id": one.id,
                    "source": one.source,
                    "language": one.language,
                    "created_at": one.created_at.isoformat(),
                    "text": one.text,
                    "url": one.url,
                }
                for one in self.samples
            ],
        }


def evidence(watch: Watch, scope: Scope, outcome: Outcome) -> Evidence | None:
    """None where nothing was counted, as by an outage."""
    if outcome.hours is None or watch.rule.when in {When.OUTAGE, When.INSTANT}:
        return None
    since = outcome.at - timedelta(hours=outcome.hours)
    said = counted(watch.rule, watch.narrowed(scope, Window(since=since, until=outcome.at)))
    before = replace(said, window=Window(since=since - BACKGROUND, until=since))
    texts = sum(bucket.count for bucket in watch.store.aggregate(said, by=[]))
    expected = outcome.expected
    if expected is None or watch.rule.when is When.DROP:
        expected = _usual(watch, said, before, outcome.hours)
    hits = newest(watch.store, said)
    everything = watch.narrowed(scope, before.window)
    words = report.telling(watch.store, said, everything, most=WORDS)
    return Evidence(
        query=as_query(said),
        since=since,
        until=outcome.at,
        texts=texts,
        copies=len(copies(hits)),
        expected=expected,
        parts=tuple(_parts(_Sides(watch, said, before, texts, expected), hits)),
        words=words,
        samples=tuple(hit.feedback for hit in representative(hits[:LOOKED_AT], words)),
    )


def counted(rule: Rule, where: Filter) -> Filter:
    """What a rule counts of ``where``: negative texts, those of a label, unfavourable answers."""
    if rule.when is When.DROP and rule.scale is not None:
        scale = rule.scale
        last = max(DETRACTORS) if scale is Scale.NPS else FAVOURABLE[scale] - 1
        return narrowed(where, Field(scale.value, low=scale.low, high=last))
    return replace(where, label=(rule.label or Label.NEGATIVE,))


def narrowed(where: Filter, more: Node) -> Filter:
    return replace(where, text=more if where.text is None else And((where.text, more)))


def explained(
    one: Notification, find: Callable[[Outcome], Evidence | None], link: str = ""
) -> Notification:
    """A notification of an alarm with what ``find`` says of it."""
    found = find(one.outcome) if one.outcome and one.reason in _TOLD else None
    if found is None:
        return replace(one, link=link)
    return replace(
        one,
        facts=found.facts,
        samples=tuple(sample.text for sample in found.samples[:3]),
        query=found.query,
        link=link,
    )


def _usual(watch: Watch, said: Filter, before: Filter, hours: float) -> float:
    """As many as in as much of the time before, as far back as there is anything."""
    days = watch.store.aggregate(before, by=[Dimension.DAY])
    if not days or said.window.since is None:
        return 0.0
    first = watch.start_of_day(days[0].key[0])
    past = max((said.window.since - first) / timedelta(hours=1), hours)
    return sum(day.count for day in days) * hours / past


class _Sides(NamedTuple):
    """What was counted and what was before; ``texts`` and ``expected`` of the first."""

    watch: Watch
    said: Filter
    before: Filter
    texts: int
    expected: float


def _parts(sides: _Sides, hits: Sequence[Hit]) -> Iterator[Part]:
    watch, said, before, texts, expected = sides
    for dimension in _DIMENSIONS:
        now, usual = (
            {bucket.key[0]: bucket.count for bucket in watch.store.aggregate(where, by=[dimension])}
            for where in (said, before)
        )
        if len(now | usual) > 1:
            yield from _shared(dimension.value, now, usual, texts, expected)
    past = newest(watch.store, before)
    for name, of in (("author", _author), ("link", _link), ("story", _story)):
        now, usual = (Counter(map(of, some)) for some in (hits, past))
        if name == "story":  # only what is told again is one
            now = Counter({key: count for key, count in now.items() if count > 1})
        if any(now):
            more = {"": len(hits) - sum(now.values())} if name == "story" else {}
            yield from _shared(name, {**now, **more}, usual, texts, expected)


def _author(hit: Hit) -> str:
    return hit.feedback.author or ""


def _link(hit: Hit) -> str:
    found = _LINK.search(hit.feedback.text)
    return found.group().rstrip(".,;:!?)") if found else ""


def _story(hit: Hit) -> str:
    return story(hit.feedback)


def _shared(
    name: str, now: Mapping[str, int], usual: Mapping[str, int], texts: int, expected: float
) -> Iterator[Part]:
    """``texts`` and ``expected`` by the shares of each value, the largest excess first."""
    whole, past = sum(now.values()) or 1, sum(usual.values())
    parts = [
        Part(
            name,
            value,
            texts * now.get(value, 0) / whole,
            expected * (usual.get(value, 0) / past if past else now.get(value, 0) / whole),
        )
        for value in {**now, **usual}
    ]
    parts.sort(key=lambda part: (-part.excess, part.value))
    yield from parts[:MOST]
    if rest := parts[MOST:]:
        seen, wanted = sum(p.observed for p in rest), sum(p.expected for p in rest)
        yield Part(name, OTHERS, seen, wanted)


def _facts(found: Evidence) -> Iterator[str]:
    for part in found.carriers:
        yield _fact(part, found.texts, part.expected / found.expected if found.expected else 0)
    if found.copies:
        yield f"{found.copies} of {found.texts} texts repeat another and were counted once with it"
    if found.words:
        yield "telling words: " + ", ".join(word.term for word in found.words[:WORDS])


def _carriers(found: Evidence) -> Iterator[Part]:
    excess, told = found.texts - found.expected, set()
    for part in sorted(found.parts, key=lambda one: -one.excess):
        share = part.observed / found.texts if found.texts else 0
        usual = part.expected / found.expected if found.expected else 0
        if part.excess < TELLING * excess or share < LIFT * usual or part.value in {"", OTHERS}:
            continue
        same = round(part.observed), round(part.expected, 1)
        if part.observed >= 2 and same not in told:  # noqa: PLR2004 - one text is no pattern
            told.add(same)  # a source often is a kind, too
            yield part


def _fact(part: Part, texts: int, usual: float) -> str:
    if part.dimension == "author":
        return f"one author wrote {part.observed:.0f} of {texts}"
    if part.dimension == "story":
        return f"one story was told {part.observed:.0f} times in {texts} texts"
    name = f"{part.dimension} {part.value}"
    return f"{name}: {part.observed:.0f} of {texts}, where {usual:.0%} is usual"


def representative(
    hits: Sequence[Hit], words: Sequence[TellingWord] = (), most: int = SAMPLES
) -> list[Hit]:
    """Texts that say what most others say, none nearly the same as another."""
    stems = {
        hit.feedback.id: {token.stem for token in tokens(hit.feedback.text, hit.feedback.language)}
        for hit in hits
    }
    common = Counter(stem for each in stems.values() for stem in each)
    telling = {token.stem for word in words for token in tokens(word.term, word.language or "und")}

    def merit(hit: Hit) -> float:
        own = stems[hit.feedback.id]
        # What everybody uses says nothing, what only one uses says nothing of the others.
        said = sum(common[stem] for stem in own & telling) or len(own) / len(hits)
        return said / sqrt(len(own) or 1)

    chosen: list[Hit] = []
    for hit in sorted(hits, key=merit, reverse=True):
        own = stems[hit.feedback.id]
        if own and not any(_alike(own, stems[other.feedback.id]) for other in chosen):
            chosen.append(hit)
        if len(chosen) == most:
            break
    return chosen


def _alike(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= ALIKE * min(len(one), len(other))
