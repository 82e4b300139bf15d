"""Writing to a real Elasticsearch when something gets in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from listening.errors import TransientError
from listening.records import Filter, Label, Written
from listening.stores import elastic_bulk as bulk
from listening.stores import elastic_layout as layout
from listening.stores.elastic_cluster import Answer, Cluster, dumps
from listening.stores.elastic_rows import decode, document_id, encode
from listening.stores.elasticsearch import ElasticsearchStore
from tests.contract.store import BAD, FULL, GOOD, NOON, everything, ids, said, sentiment_of
from tests.elastic import Elastic, elastic  # noqa: F401 - a fixture

MAY = datetime(2026, 5, 2, tzinfo=UTC)


@pytest.fixture
def store(elastic: Elastic) -> ElasticsearchStore:  # noqa: F811 - likewise
    return elastic.store()


def again(elastic: Elastic, store: ElasticsearchStore, **options: Any) -> ElasticsearchStore:  # noqa: F811
    """The same store as another process opens it."""
    return elastic.store(store.names.name, **options)


def indices(store: ElasticsearchStore) -> list[str]:
    store.cluster.refresh(store.names.name)
    return [place.month for place in layout.places(store.cluster, store.names)]


class Meddled(Cluster):
    """A cluster at whose every answer somebody looks first: before it is sent, or after."""

    before: Callable[[str], None] = staticmethod(lambda _: None)
    after: Callable[[str, Answer], Answer] = staticmethod(lambda _, answer: answer)

    def once(self, method: str, path: str, body: object = None, params: Any = None) -> Answer:
        type(self).before(path)
        return type(self).after(path, super().once(method, path, body, params or {}))


def meddled(
    store: ElasticsearchStore,
    *,
    before: Callable[[str], None] = lambda _: None,
    after: Callable[[str, Answer], Answer] = lambda _, answer: answer,
) -> ElasticsearchStore:
    store.cluster.refresh(store.names.name)
    kind = type(
        "Meddled", (Meddled,), {"before": staticmethod(before), "after": staticmethod(after)}
    )
    cluster = kind(store.cluster.hosts, patience=5.0, base=0.01)
    return ElasticsearchStore(cluster, store.names, store.replicas)


def once(action: Callable[[], object], path: str = "/_bulk") -> Callable[[str], None]:
    """Do it before the first request to ``path``."""
    waiting = [action]

    def before(asked: str) -> None:
        if asked == path and waiting:
            waiting.pop()()

    return before


def test_documents_come_back_from_their_json() -> None:
    for one, sentiment in ((said(1, **FULL), GOOD), (said(2, ""), None), (said(3), None)):
        assert decode(encode(one, sentiment)) == (one, sentiment)


def test_an_answer_that_was_lost_counts_as_stored_once(store: ElasticsearchStore) -> None:
    lost: list[Answer] = []

    def lose(path: str, answer: Answer) -> Answer:
        if path == "/_bulk" and not lost:
            lost.append(answer)
            return Answer(0, {}, "the connection was reset")
        return answer

    store.put([said(2), said(3)])
    writer = meddled(store, after=lose)
    written = writer.put([said(1), said(2, "edited", version=2), said(3)])
    assert lost
    assert written == Written(stored=1, updated=1, duplicates=1)
    assert len(everything(store)) == 3
    writer.close()


def test_a_lost_answer_to_a_score_or_an_erasure_does_no_harm(store: ElasticsearchStore) -> None:
    losing = [True, True]

    def lose(path: str, answer: Answer) -> Answer:
        return Answer(0, {}, "reset") if path == "/_bulk" and losing and losing.pop() else answer

    store.put([said(1), said(2)])
    writer = meddled(store, after=lose)
    assert writer.annotate([(said(1).id, said(1).text, BAD)]) == 1
    assert sentiment_of(store, said(1).id) == BAD
    losing.append(True)
    assert writer.erase([said(2).id]) == 1
    assert ids(store) == {said(1).id}
    writer.close()


def test_what_somebody_else_wrote_meanwhile_is_merged(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    other = again(elastic, store)
    store.put([said(1)])
    newer = said(1, "newer", version=5)
    writer = meddled(store, before=once(lambda: other.put([newer, said(2, version=3)])))
    written = writer.put([said(1, "older", version=4), said(2, "old"), said(3)])
    assert written == Written(stored=1, duplicates=2)
    assert {one.id: one for one in everything(store)}[newer.id] == newer
    scorer = meddled(
        store, before=once(lambda: other.put([said(1, "newest", version=6)]), path="/_bulk")
    )
    assert scorer.annotate([(newer.id, "newer", BAD), (said(3).id, said(3).text, BAD)]) == 1
    assert sentiment_of(again(elastic, store), newer.id) is None
    writer.close()
    scorer.close()


def test_a_malformed_document_is_refused_alone(store: ElasticsearchStore) -> None:
    batch = [
        said(1),
        said(2, brand="b" * 40_000),
        said(3, engagement=2**70),
        said(4, "half \ud83d"),
        said(5, version=2**63),
        said(6, "fine"),
        said(6, "too long", version=2, question="q" * 40_000),
    ]
    written = store.put(batch)
    assert (written.stored, written.updated, written.duplicates) == (2, 0, 0)
    assert {id_ for id_, _ in written.refused} == {f"balt:x:{n}" for n in (2, 3, 4, 5, 6)}
    assert all(one.reason for one in written.refused)
    assert "immense" in dict(written.refused)["balt:x:2"]
    assert "half a character" in dict(written.refused)["balt:x:4"]
    assert everything(store) == [said(6, "fine"), said(1)]


def test_tombstones_outlive_what_the_server_remembers(store: ElasticsearchStore) -> None:
    store.put([said(1), said(2)])
    settings = {"index": {"gc_deletes": "1ms"}}
    store.cluster.request("PUT", f"/{store.names.name}/_settings", settings)

    def erase() -> None:
        store.erase([said(1).id, said(3).id])
        store.cluster.refresh(store.names.name)

    writer = meddled(store, before=once(erase))
    late = [said(1, "late", version=9), said(2, "edit", version=2), said(3)]
    assert writer.put(late) == Written(updated=1, duplicates=2)
    assert ids(store) == {said(2).id}
    assert store.put([said(1, "later still", version=10), said(3)]) == Written(duplicates=2)
    assert ids(store) == {said(2).id}
    (finding,) = store.check()
    assert "has another gc_deletes than is expected; run listening store migrate" in finding
    writer.close()


def test_a_writer_that_dies_before_it_sees_a_tombstone_is_mended_by_the_next(
    store: ElasticsearchStore,
) -> None:
    store.erase([said(1).id])
    alias = store.names.write("2026.03")
    layout.create(store.cluster, store.names, alias)
    document = encode(said(1), None)
    action = bulk.index(alias, document_id(said(1).id), dumps(document), 1)
    assert bulk.send(store.cluster, [action])[0].is_done
    (finding,) = store.check()
    assert "1 erased ids are there (balt:x:1)" in finding
    assert store.put([said(1)]) == Written(duplicates=1)
    assert store.check() == ()


def test_threads_and_processes_on_the_same_ids_store_each_once(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    stores = [store, again(elastic, store), again(elastic, store)]
    results: list[Written] = []

    def write(number: int) -> None:
        batch = [said(n, f"text {v}", version=v) for v in (1, 2, 3) for n in range(100)]
        results.append(stores[number].put(batch[number * 40 :]))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.stored for one in results) == 100
    again(elastic, store)
    found = everything(store)
    assert sorted(found, key=lambda one: one.created_at) == [
        said(n, "text 3", version=3) for n in range(100)
    ]


def test_feedback_moves_between_months_and_back_with_its_score(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    store.put([said(1), said(2)])
    store.annotate([(said(1).id, said(1).text, BAD)])
    for version, moment in enumerate((MAY, NOON, MAY, datetime(1999, 1, 1, tzinfo=UTC)), start=2):
        moved = said(1, version=version, created_at=moment)
        assert store.put([moved]) == Written(updated=1)
        assert {one.id: one for one in everything(store)} == {moved.id: moved, said(2).id: said(2)}
        assert sentiment_of(store, moved.id) == BAD
    assert indices(store) == ["early", "2026.03", "2026.05"]
    assert again(elastic, store).put([said(1)]) == Written(duplicates=1)
    assert store.check() == ()


def test_two_that_move_the_same_feedback_leave_it_once(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    store.put([said(1)])
    other = again(elastic, store)
    july = said(1, version=3, created_at=MAY + timedelta(days=70))
    writer = meddled(store, before=once(lambda: other.put([july])))
    writer.put([said(1, version=2, created_at=MAY)])
    assert everything(again(elastic, store)) == [july]
    assert store.check() == ()
    writer.close()


def test_a_move_that_was_interrupted_is_reported_and_mended_by_the_next_write(
    elastic: Elastic,  # noqa: F811 - a fixture
    store: ElasticsearchStore,
) -> None:
    store.put([said(1)])
    moved = said(1, version=2, created_at=MAY)
    sent = []

    def kill(path: str) -> None:
        sent.append(path)
        if sent.count("/_bulk") == 2:
            raise KeyboardInterrupt

    layout.create(store.cluster, store.names, store.names.write("2026.05"))
    writer = meddled(store, before=kill)
    with pytest.raises(KeyboardInterrupt):
        writer.put([moved])
    (finding,) = again(elastic, store).check()
    assert "1 ids are in two indices (balt:x:1)" in finding
    assert again(elastic, store).put([moved]) == Written(duplicates=1)
    assert everything(again(elastic, store)) == [moved]
    assert store.check() == ()


def test_expiry_drops_the_index_of_a_month(store: ElasticsearchStore) -> None:
    old = [said(n, created_at=datetime(1999, 1 + n, 1, tzinfo=UTC)) for n in range(2)]
    store.put([*old, said(2), said(3), said(4, created_at=MAY)])
    assert store.expire(datetime(1999, 2, 20, tzinfo=UTC)) == 1
    assert indices(store) == ["early", "2026.03", "2026.05"]
    assert store.expire(MAY) == 3
    assert indices(store) == ["2026.05"]
    assert ids(store) == {"balt:x:4"}
    assert store.put([old[0], said(2)]) == Written(stored=2)
    assert store.check() == ()


def test_a_cluster_that_stays_silent_is_a_transient_error(store: ElasticsearchStore) -> None:
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    cluster = Cluster(
        ("http://127.0.0.1:9",), patience=30, sleep=sleep, random=lambda: 1.0, clock=lambda: now[0]
    )
    silent = ElasticsearchStore(cluster, store.names, 0)
    with pytest.raises(TransientError, match=r"127.0.0.1:9: no answer .* for 30 seconds") as error:
        silent.put([said(1)])
    assert error.value.retry_after == 30
    assert waits[:6] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    assert max(waits) == 5
    assert sum(waits) <= 30
    silent.cluster.close()


def test_labels_are_counted_after_many_scores(store: ElasticsearchStore) -> None:
    store.put([said(n, f"text {n}") for n in range(1_100)])
    scored = [(id_, text, BAD) for id_, text in store.unscored("m")]
    assert store.annotate(scored) == 1_100
    assert store.annotate([scored[0], scored[0], (scored[1][0], "other", BAD)]) == 2
    (bucket,) = store.aggregate(Filter(), by=[])
    assert (bucket.labels, bucket.unscored) == ({Label.NEGATIVE: 1_100}, 0)
