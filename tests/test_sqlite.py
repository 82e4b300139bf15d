"""What only the SQLite store promises, and the contract of every store."""

from __future__ import annotations

import dataclasses
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from listening.errors import ConfigError, TransientError
from listening.records import Dimension, Filter, Rejected
from listening.stores import sqlite_file
from listening.stores.sqlite import SqliteStore
from listening.tree import Word
from tests.contract.store import GOOD, Make, WriteContract, everything, ids, said
from tests.contract.store_counts import CountContract
from tests.contract.store_desk import DeskContract
from tests.contract.store_notes import NoteContract
from tests.contract.store_search import SearchContract

ROOT = Path(__file__).parent.parent


class TestContract(WriteContract, SearchContract, CountContract, NoteContract, DeskContract):
    @pytest.fixture
    def make(self) -> Make:
        return SqliteStore


class TestContractOnDisk(WriteContract, NoteContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        numbers = count()
        return lambda: SqliteStore(str(tmp_path / f"{next(numbers)}.db"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "listening.db"


def checked(path: Path) -> SqliteStore:
    """The store, after SQLite has found nothing wrong with it."""
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.execute("INSERT INTO terms (terms) VALUES ('integrity-check')")
    db.close()
    return SqliteStore(str(path))


def bytes_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


def child(path: Path, code: str) -> subprocess.Popen[str]:
    script = (
        "import sys\nfrom itertools import islice\n"
        "from listening.stores.sqlite import SqliteStore\n"
        "from tests.contract.store import GOOD, said\n"
        f"store = SqliteStore({str(path)!r})\nprint('open', flush=True)\n{code}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_what_was_put_is_there_for_the_next_process(path: Path) -> None:
    SqliteStore(str(path)).put([said(1)])
    assert everything(SqliteStore(str(path))) == [said(1)]


def test_a_kill_at_any_time_loses_nothing_that_was_acknowledged(path: Path) -> None:
    code = """
start = int(store.cursor("x") or 0)
for n in range(start, start + 1_000_000, 20):
    store.put([said(i, f"parcel {i}") for i in range(n, n + 20)])
    store.annotate([(id_, text, GOOD) for id_, text in store.unscored("m", limit=5)])
    store.set_cursor("x", str(n + 20))
    print(n + 20, flush=True)
"""
    rng = random.Random(3)
    for _ in range(4):
        with child(path, code) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(rng.uniform(0, 0.4))
            process.kill()
            acknowledged = [0, *map(int, process.stdout.read().splitlines())][-1]
        store = checked(path)
        stored = sum(bucket.count for bucket in store.aggregate(Filter(), by=()))
        assert stored >= int(store.cursor("x") or 0) >= acknowledged
        assert stored % 20 == 0
        assert store.search(Filter(text=Word("parcel"))).total == min(stored, 10_000)
        store.close()


def test_several_processes_write_and_read_at_once(path: Path) -> None:
    code = """
for n in range(0, 200, 10):
    store.put([said(i) for i in range(n, n + 10)])
    store.annotate([(id_, text, GOOD) for id_, text in store.unscored("m", limit=20)])
"""
    SqliteStore(str(path))
    processes = [child(path, code) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    store = checked(path)
    assert len(everything(store)) == 200
    assert list(store.unscored("m")) == []


def test_threads_share_one_store(path: Path) -> None:
    for store in (SqliteStore(str(path)), SqliteStore()):
        threads = [
            threading.Thread(target=store.put, args=([said(n), said(n + 100)],)) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(everything(store)) == 16
        store.close()


def test_no_byte_of_an_erased_text_or_author_is_left(path: Path) -> None:
    store = SqliteStore(str(path))
    store.put([said(n, f"Ordinary words about a parcel {n}", author="a1") for n in range(500)])
    secret = said(
        900, "Xylophonist Quetzalcoatl wrote", author="of-zoë", url="https://q.example/zz9"
    )
    store.put([secret])
    store.put([said(900, "Xylophonist Quetzalcoatl edited", version=2, author="of-zoë")])
    store.annotate([(id_, text, GOOD) for id_, text in store.unscored("m")])
    store.put([said(n, "More of the others", author="a2") for n in range(1_000, 1_500)])
    assert store.search(Filter(text=Word("quetzalcoatl"))).total == 1
    store.terms(Filter(text=Word("quetzalcoatl")), background=Filter())
    before = bytes_of(path).lower()
    assert b"quetzalcoatl" in before
    store.erase(["balt:x:900"])
    after = bytes_of(path).lower()
    # Full-text terms are stored without the beginning that they share with the one before.
    for trace in (b"ylophonist", b"uetzalcoatl", "zoë".encode(), b"zz9", b"x:900"):
        assert trace not in after
    store.close()
    assert len(everything(checked(path))) == 1_000


def test_quarantined_input_can_be_removed_without_a_trace(path: Path) -> None:
    store = SqliteStore(str(path))
    store.set_aside([Rejected(stream="s", origin="o", reason="r", raw="quetzalcoatl;;")])
    store.release(list(store.quarantine()))
    assert b"quetzalcoatl" not in bytes_of(path)
    store.close()


def test_erasing_while_another_process_reads_says_to_do_it_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    store = SqliteStore(str(path))
    store.put([said(1, "quetzalcoatl"), said(2)])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM feedback").fetchone()
    with pytest.raises(TransientError, match="do the same again"):
        store.erase(["balt:x:1"])
    assert ids(store) == {"balt:x:2"}
    reader.close()
    store.erase(["balt:x:1"])
    assert b"quetzalcoatl" not in bytes_of(path)
    store.close()


def test_a_locked_file_is_a_transient_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    store = SqliteStore(str(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match="another process"):
        store.put([said(1)])
    assert ids(store) == set()
    other.execute("COMMIT")
    other.close()
    store.put([said(1)])
    store.close()


def test_counting_goes_on_while_another_process_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    store = SqliteStore(str(path))
    store.put([said(1)])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert sum(b.count for b in store.aggregate(Filter(), by=[Dimension.DAY])) == 1
    other.close()
    store.close()


def test_a_full_disk_is_a_config_error_and_loses_nothing(path: Path) -> None:
    store = SqliteStore(str(path))
    store.put([said(1)])
    with store._file.reading() as db:
        db.execute("PRAGMA max_page_count = 60")
    with pytest.raises(ConfigError, match="disk is full"):
        store.put([said(n, f"word{n} " * 50) for n in range(2, 2_000)])
    assert ids(store) == {"balt:x:1"}
    store.close()
    assert ids(checked(path)) == {"balt:x:1"}


def test_a_query_that_takes_too_long_is_stopped(path: Path) -> None:
    store = SqliteStore(str(path))
    forever = (
        "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    with pytest.raises(ConfigError, match="narrow it"), store._file.reading(0.05) as db:
        db.execute(forever).fetchone()
    store.put([said(1)])
    assert ids(store) == {"balt:x:1"}
    store.close()


def test_what_is_no_store_is_a_config_error(tmp_path: Path) -> None:
    other, text, newer = (tmp_path / name for name in ("other.db", "text.db", "newer.db"))
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE customers (name TEXT)")
    db.close()
    text.write_text("name,text\n" * 500)
    SqliteStore(str(newer)).close()
    with sqlite3.connect(newer) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for path, reason in (
        (other, "not a Listening store"),
        (text, "not a database"),
        (newer, "upgrade Listening"),
        (tmp_path, "cannot be opened"),
        (tmp_path / "missing" / "listening.db", "directory does not exist"),
    ):
        with pytest.raises(ConfigError, match=reason) as error:
            SqliteStore(str(path))
        assert str(path) in str(error.value)
    assert other.stat().st_size > 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_a_config_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="writable"):
        SqliteStore(str(tmp_path / "listening.db"))


def test_many_of_one_moment_are_put_and_found_in_the_order_they_came(path: Path) -> None:
    store = SqliteStore(str(path))
    same = [said(n, created_at=said(0).created_at) for n in range(3_000)]
    later = said(9_999, created_at=said(0).created_at.replace(second=1))
    store.put([later, *same])
    assert everything(store) == [later, *reversed(same)]
    store.close()


def test_no_byte_of_what_expired_is_left(path: Path) -> None:
    store = SqliteStore(str(path))
    store.put([said(n, f"Ordinary words about a parcel {n}") for n in range(500)])
    old = said(900, "Xylophonist Quetzalcoatl wrote", author="of-zoë", url="https://q.example/zz9")
    store.put([dataclasses.replace(old, created_at=old.created_at - timedelta(days=60))])
    assert b"quetzalcoatl" in bytes_of(path).lower()
    assert store.expire(said(0).created_at) == 1
    after = bytes_of(path).lower()
    for trace in (b"ylophonist", b"uetzalcoatl", "zoë".encode(), b"zz9", b"x:900"):
        assert trace not in after
    store.close()
    assert len(everything(checked(path))) == 500


def test_expiring_without_an_end_of_the_readers_says_to_do_it_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0)
    store = SqliteStore(str(path))
    store.put([said(1, "quetzalcoatl")])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM feedback").fetchone()
    later = said(1).created_at + timedelta(days=60)
    with pytest.raises(TransientError, match="do the same again"):
        store.expire(later)
    reader.close()
    assert store.expire(later) == 0
    assert b"quetzalcoatl" not in bytes_of(path)
    store.close()


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("UPDATE chunk SET data = zeroblob(length(data))", "1 packed chunks do not say"),
        ("DELETE FROM chunk", "1 packed chunks do not say"),
        ("DELETE FROM terms_content", "full-text index"),
        ("INSERT INTO terms (rowid, surface, stem) VALUES (1, 'a', 'a')", "1 texts that are gone"),
        ("DROP TRIGGER feedback_changed", "trigger feedback_changed is missing"),
        ("UPDATE feedback SET series = 99", "refers to a row of series that is gone"),
    ],
)
def test_a_check_finds_what_was_harmed(path: Path, harm: str, found: str) -> None:
    store = SqliteStore(str(path))
    store.put([said(n) for n in range(20)])
    store.aggregate(Filter(), by=[Dimension.DAY])
    assert store.check() == ()
    with sqlite3.connect(path) as db:
        db.executescript(harm)
    db.close()
    problems = store.check()
    assert any(found in problem for problem in problems), problems
    assert all(
        str(path) in problem and "restore it from a backup" in problem for problem in problems
    )
    store.close()


def test_a_check_finds_a_damaged_page(path: Path) -> None:
    store = SqliteStore(str(path))
    store.put([said(n, f"parcel {n} " * 50) for n in range(200)])
    store.close()
    data = bytearray(path.read_bytes())
    place = data.index(b"parcel 77 ") // 4096 * 4096
    data[place : place + 12] = b"\xff" * 12
    path.write_bytes(data)
    damaged = SqliteStore(str(path))
    assert damaged.check()
    damaged.close()


def test_a_file_of_the_first_version_gets_what_came_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "MIGRATIONS", sqlite_file.MIGRATIONS[:1])
        first = SqliteStore(str(path))
        first.put([said(1)])
        first.close()

    store = checked(path)

    assert store.save_note("alert", "a", "told", revision=0)
    assert (everything(store), store.check()) == ([said(1)], ())
