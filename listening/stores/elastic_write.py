"""Writes to the index: put, annotate, erase, expire. Each may be repeated without harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from listening.errors import ConfigError
from listening.records import PERSON, Feedback, Refusal, Sentiment, Written, month_of
from listening.stores import elastic_bulk as bulk
from listening.stores import elastic_layout as layout
from listening.stores.elastic_bulk import Action, Outcome
from listening.stores.elastic_cluster import Body, Cluster, dumps
from listening.stores.elastic_find import TOGETHER, Finder
from listening.stores.elastic_layout import Names
from listening.stores.elastic_merge import Merged, Stored, merge
from listening.stores.elastic_rows import (
    NO_TEXT,
    canonical,
    document_id,
    encode,
    encode_sentiment,
)
from listening.stores.periods import microseconds

WORKERS = 2  # analysing one part while the cluster writes another
CONTENDED = "others keep writing the same feedback"

Groups = dict[str, list[Feedback]]
Score = tuple[str, str, Sentiment | None]
Taken = TypeVar("Taken")
Made = TypeVar("Made")


class _Plan(NamedTuple):
    """How a document is to be changed; ``others`` of the same id are to go."""

    id: str
    merged: Merged
    target: Stored | None  # as it will be; None when nothing is to be written
    others: tuple[Stored, ...] = ()


@dataclass(slots=True)
class _Putting:
    """One part of a ``put`` on its way."""

    waiting: Groups
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    unsure: dict[str, _Plan] = field(default_factory=dict)  # may have been written unheard
    written: set[str] = field(default_factory=set)
    lift: dict[str, int] = field(default_factory=dict)  # above revisions of what was deleted

    @property
    def result(self) -> Written:
        counts: Counter[str] = Counter()
        for outcomes in self.outcomes.values():
            for name, count in outcomes.items():
                counts[name] += count
        return Written(
            counts["stored"], counts["updated"], counts["duplicates"], tuple(self.refused)
        )


@dataclass(frozen=True, slots=True)
class Writer:
    cluster: Cluster
    names: Names
    finder: Finder

    def put(self, feedback: Sequence[Feedback]) -> Written:
        groups: Groups = {}
        for one in feedback:
            groups.setdefault(one.id, []).append(canonical(one))
        before = self.finder.tombstones() if groups else 0
        parts = [_Putting(dict(part)) for part in _parts(list(groups.items()))]
        _at_once(self._put, parts)
        if groups and self.finder.tombstones() != before:
            for part in parts:
                self._withdraw(part)
        return sum((part.result for part in parts), Written())

    def _put(self, putting: _Putting) -> None:
        retries = self.cluster.retries()
        while putting.waiting:
            left = len(putting.waiting)
            self._round(putting)
            if len(putting.waiting) == left:
                retries.wait(CONTENDED, "run one writer less")
            else:
                retries.progress()

    def _round(self, putting: _Putting) -> None:
        """Find, merge and write; what somebody else changed meanwhile keeps waiting."""
        if self.finder.recent.is_full:
            self.finder.refresh()
        found = self.finder.search(list(putting.waiting))
        stored = self.finder.stored(found)
        for id_ in found.erased:
            writes = putting.waiting.pop(id_)
            putting.outcomes.setdefault(id_, Counter())["duplicates"] += len(writes)
        self._delete((id_, one) for id_ in found.erased for one in stored.get(id_, ()))
        plans = [self._plan(id_, stored.get(id_, []), putting) for id_ in putting.waiting]
        self._write([plan for plan in plans if plan.target], putting)
        for plan in plans:
            if plan.target is None:
                self._settled(plan, putting)

    def _plan(self, id_: str, stored: list[Stored], putting: _Putting) -> _Plan:
        best = stored[0] if stored else None
        before = putting.unsure.get(id_)
        if before and best is not None and before.target == best:
            return before._replace(target=None, others=tuple(stored[1:]))
        merged = merge(best, putting.waiting[id_])
        one = merged.feedback
        if one is None or (best and one == best.feedback):
            return _Plan(id_, merged, None, tuple(stored[1:]))
        revision = 1 + max((old.revision for old in stored), default=0) + putting.lift.get(id_, 0)
        target = Stored(one, merged.sentiment, layout.month(one.created_at), revision)
        others = tuple(old for old in stored if old.month != target.month)
        return _Plan(id_, merged, target, others)

    def _write(self, plans: Sequence[_Plan], putting: _Putting) -> None:
        actions, sent = [], []
        for plan in plans:
            try:
                actions.append(self._index(plan))
            except UnicodeEncodeError:
                reason = "it has half a character (a lone surrogate), which no store can keep"
                self._refuse(plan, reason, putting)
            else:
                sent.append(plan)
        try:
            outcomes = self._send(actions)
        finally:
            putting.written.update(plan.id for plan in sent)
            self.finder.recent.note((plan.id, _target(plan).month) for plan in sent)
        for plan, outcome in zip(sent, outcomes, strict=True):
            if outcome.is_done:
                self._settled(plan, putting)
            elif outcome.is_refused:
                self._refuse(plan, outcome.reason, putting)
            else:
                self._lost(plan, outcome, putting)

    def _index(self, plan: _Plan) -> Action:
        target = _target(plan)
        document = dumps(encode(target.feedback, target.sentiment))
        alias = self.names.write(target.month)
        return bulk.index(alias, document_id(plan.id), document, target.revision)

    def _send(self, actions: Sequence[Action]) -> list[Outcome]:
        create = partial(layout.create, self.cluster, self.names)
        return bulk.send(self.cluster, actions, create=create)

    def _lost(self, plan: _Plan, outcome: Outcome, putting: _Putting) -> None:
        """A higher revision is there: of somebody else, of ours unheard, or of one deleted."""
        if outcome.unsure:
            putting.unsure[plan.id] = plan
        putting.lift[plan.id] = 2 * putting.lift.get(plan.id, 0) + 1

    def _refuse(self, plan: _Plan, reason: str, putting: _Putting) -> None:
        """Set aside the write that cannot be stored; the others of its id are tried without it."""
        writes = putting.waiting[plan.id]
        writes.remove(_target(plan).feedback)
        putting.refused.append(Refusal(plan.id, reason))
        if not writes:
            del putting.waiting[plan.id]

    def _settled(self, plan: _Plan, putting: _Putting) -> None:
        """Stored. What is left of it in other months goes; if it changed meanwhile, look again."""
        if plan.id in putting.outcomes:
            putting.outcomes[plan.id].update(plan.merged.outcomes)
        else:
            putting.outcomes[plan.id] = plan.merged.outcomes
        if plan.others and not self._delete((plan.id, old) for old in plan.others):
            self.finder.refresh()
            putting.waiting[plan.id] = []
            return
        del putting.waiting[plan.id]

    def _delete(self, old: Iterable[tuple[str, Stored]]) -> bool:
        """Delete documents that are still as they were; False when one was not."""
        gone = [
            bulk.delete(self.names.write(one.month), document_id(id_), one.revision + 1)
            for id_, one in old
        ]
        return all(outcome.is_done for outcome in bulk.send(self.cluster, gone))

    def _withdraw(self, putting: _Putting) -> None:
        """Delete again what was erased while it was being written."""
        erased = self.finder.erased(list(putting.written))
        if erased:
            self._remove(erased)
        for id_ in erased:
            if id_ in putting.outcomes:
                putting.outcomes[id_] = Counter(duplicates=putting.outcomes[id_].total())

    def annotate(self, scored: Sequence[Score]) -> int:
        groups: dict[str, list[Score]] = {}
        for one in scored:
            groups.setdefault(one[0], []).append(one)
        parts = _parts(list(groups.items()))
        return sum(_at_once(lambda part: self._annotate(dict(part)), parts))

    def _annotate(self, waiting: dict[str, list[Score]]) -> int:
        retries = self.cluster.retries()
        taken = 0
        while waiting:
            documents = self._texts(list(waiting))
            matching = {
                id_: _accepted(waiting[id_], document["_source"])
                for id_, document in documents.items()
            }
            sent = [id_ for id_, scores in matching.items() if scores]
            outcomes = bulk.send(
                self.cluster, [_update(documents[id_], matching[id_][-1][2]) for id_ in sent]
            )
            self.finder.recent.note(())
            lost = [id_ for id_, o in zip(sent, outcomes, strict=True) if not self._scored(o)]
            taken += sum(len(matching[id_]) for id_ in set(sent).difference(lost))
            waiting = {id_: waiting[id_] for id_ in lost}
            if lost:
                retries.wait(CONTENDED, "run one writer less")
        return taken

    def _scored(self, outcome: Outcome) -> bool:
        if outcome.is_refused:
            raise ConfigError(f"Elasticsearch cannot hold a sentiment: {outcome.reason}")
        return outcome.is_done

    def _texts(self, ids: Sequence[str]) -> dict[str, Body]:
        """The documents of these ids that have a text, by the write alias of their index."""
        found = self._newest(self.finder.recent.months(ids))
        if missing := [id_ for id_ in ids if id_ not in found]:
            found |= self._newest(self.finder.search(missing).months)
        return {id_: one for id_, one in found.items() if one["_source"]["label"] != NO_TEXT}

    def _newest(self, months: dict[str, list[str]]) -> dict[str, Body]:
        found: dict[str, Body] = {}
        for id_, month, document in self.finder.get(months, "text,label,version,model"):
            if id_ not in found or _newer(document, found[id_]):
                found[id_] = document | {"_index": self.names.write(month)}
        return found

    def erase(self, ids: Sequence[str]) -> int:
        unique = list(dict.fromkeys(ids))
        tombstones = [bulk.create(self.names.erased, document_id(id_), b"{}") for id_ in unique]
        buried = bulk.send(self.cluster, tombstones, aliases=False, refresh=True)
        bulk.require(buried, "the mark of what is erased")
        return self._remove(unique)

    def _remove(self, ids: Iterable[str]) -> int:
        """Delete these ids wherever they are, and from the disk; returns how many there were."""
        self.finder.recent.note(())
        self.finder.refresh()
        months = self.finder.search(list(ids)).months
        gone = self._purge([(id_, month) for id_, many in months.items() for month in many])
        self.finder.refresh()  # nobody shall find it any more
        return gone

    def _purge(self, pairs: Sequence[tuple[str, str]]) -> int:
        if not pairs:
            return 0
        outcomes = bulk.send(
            self.cluster,
            [bulk.delete(self.names.write(month), document_id(id_)) for id_, month in pairs],
        )
        self.finder.recent.note(())
        expunge(self.cluster, {self.names.write(month) for _, month in pairs})
        done = {
            id_
            for (id_, _), outcome in zip(pairs, outcomes, strict=True)
            if outcome.is_done or outcome.unsure
        }
        return len(done)

    def expire(self, before: datetime) -> int:
        end = month_of(before)
        gone = 0
        for place in layout.places(self.cluster, self.names):
            if layout.month_end(place.month) <= end:
                gone += self._drop(place.name)
            elif place.month in {layout.EARLY, layout.LATE}:
                gone += self._thin(place, microseconds(end))
        return gone

    def _drop(self, index: str) -> int:
        missing = ("index_not_found_exception",)
        self.cluster.refresh(index)
        counted = self.cluster.request("GET", f"/{index}/_count", expected=missing)
        self.cluster.request("DELETE", f"/{index}", expected=missing)
        return int(counted.get("count", 0))

    def _thin(self, place: layout.Place, end: int) -> int:
        """Delete what was created before ``end`` in the index of many years."""
        gone = 0
        body: Body = {
            "query": {"range": {"created": {"lt": end}}},
            "size": TOGETHER,
            "_source": False,
            "sort": ["_doc"],
        }
        while True:
            self.cluster.refresh(place.name)
            hits = self.cluster.search(place.name, body)["hits"]["hits"]
            if not hits:
                return gone
            alias = self.names.write(place.month)
            outcomes = bulk.send(self.cluster, [bulk.delete(alias, hit["_id"]) for hit in hits])
            gone += sum(outcome.is_done for outcome in outcomes)


def expunge(cluster: Cluster, indices: Iterable[str]) -> None:
    """Have the cluster rewrite what holds deleted texts; it may take it a while."""
    for index in sorted(indices):
        params = {"only_expunge_deletes": "true", "wait_for_completion": "false"}
        missing = ("index_not_found_exception",)
        cluster.request("POST", f"/{index}/_forcemerge", params=params, expected=missing)


def _accepted(scores: Sequence[Score], stored: Body) -> list[Score]:
    """Those of the text as it is now; where a person has labelled it, only a person's."""
    model, accepted = stored.get("model"), []
    for score in scores:
        _, text, sentiment = score
        mine = sentiment is None or sentiment.model == PERSON
        if text == stored["text"] and (mine or model != PERSON):
            accepted.append(score)
            model = sentiment.model if sentiment else None
    return accepted


def _update(document: Body, sentiment: Sentiment | None) -> Action:
    return bulk.update(
        document["_index"],
        document["_id"],
        encode_sentiment(sentiment),
        document["_seq_no"],
        document["_primary_term"],
    )


def _newer(one: Body, other: Body) -> bool:
    def rank(document: Body) -> tuple[int, int]:
        return document["_source"]["version"], document["_version"]

    return rank(one) > rank(other)


def _target(plan: _Plan) -> Stored:
    if plan.target is None:
        raise AssertionError(plan)
    return plan.target


def _parts(groups: list[Taken]) -> list[list[Taken]]:
    return [groups[n : n + TOGETHER] for n in range(0, len(groups), TOGETHER)]


def _at_once(work: Callable[[Taken], Made], parts: Sequence[Taken]) -> list[Made]:
    if len(parts) <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, parts))
