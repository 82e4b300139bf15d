"""A SQLite file: opening, migrating, transactions, and SQLite's errors made ours."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from listening.errors import ConfigError, TransientError
from listening.stores.reading import QUERY_SECONDS, TOO_SLOW

MEMORY = ":memory:"
APPLICATION_ID = 0x4C53544E  # "LSTN", in the file's header
# Number n brings a file from version n to n + 1.
MIGRATIONS = ("sqlite_schema.sql", "sqlite_notes.sql")
BUSY_SECONDS = 30


@dataclass(slots=True)
class SqliteFile:
    """One connection a thread; ``:memory:`` is one connection that threads take in turns."""

    path: str
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _open: list[sqlite3.Connection] = field(default_factory=list)

    def close(self) -> None:
        """Close every thread's connection; using the file again opens it again."""
        with self._lock:
            while self._open:
                self._open.pop().close()
            self._local = threading.local()

    @contextmanager
    def reading(self, seconds: float = QUERY_SECONDS) -> Iterator[sqlite3.Connection]:
        """One consistent state; ConfigError when it takes longer than ``seconds``."""
        end = time.monotonic() + seconds
        with self._connection() as db:
            db.set_progress_handler(lambda: time.monotonic() > end, 20_000)
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.set_progress_handler(None, 0)
                db.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on disk when it returns."""
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # a full disk has already rolled back
                    db.execute("ROLLBACK")
                raise

    def scrub(self) -> None:
        """Empty the write-ahead log, which may still hold what was deleted."""
        with self._connection() as db:
            busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise TransientError(
                f"{self.path}: erased, but another process is reading, so that traces remain in"
                " the write-ahead log; do the same again when it has finished"
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with _translated(self.path):
            if self.path == MEMORY:
                with self._lock:
                    if not self._open:
                        self._open.append(connect(self.path))
                    yield self._open[0]
                return
            if not hasattr(self._local, "db"):
                self._local.db = connect(self.path)
                with self._lock:
                    self._open.append(self._local.db)
            yield self._local.db


def connect(path: str) -> sqlite3.Connection:
    """Open, create or migrate; raises ConfigError when this is no file of ours."""
    if path != MEMORY and not Path(path).parent.is_dir():
        raise ConfigError(f"{path}: its directory does not exist; create it or change the path")
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _migrate(db, path)
        for setting in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",
            "cache_size = -65536",  # KiB
            "wal_autocheckpoint = 8192",  # pages; a put of 1,000 texts writes more than the default
        ):
            db.execute(f"PRAGMA {setting}")
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, path: str) -> None:
    if _version(db, path) == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    # Another process may have migrated while this one waited.
    for number in range(_version(db, path), len(MIGRATIONS)):
        for statement in _statements(MIGRATIONS[number]):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {number + 1}")
    db.execute("COMMIT")


def _version(db: sqlite3.Connection, path: str) -> int:
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or version or tables):
        raise ConfigError(f"{path} is a database, but not a Listening store; name another file")
    if version > len(MIGRATIONS):
        raise ConfigError(
            f"{path} was written by a newer Listening (store version {version}, this one knows"
            f" {len(MIGRATIONS)}); upgrade Listening"
        )
    return int(version)


def _statements(script: str) -> Iterator[str]:
    lines = ""
    for line in files(__package__).joinpath(script).read_text("utf-8").splitlines(keepends=True):
        lines += line
        if sqlite3.complete_statement(lines):
            yield lines
            lines = ""


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then run this again",
    sqlite3.SQLITE_READONLY: "the file or its directory is read-only; make both writable",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; is its directory writable?",
    sqlite3.SQLITE_PERM: "permission denied; make the file and its directory writable",
    sqlite3.SQLITE_NOTADB: "this is not a database; name another file",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; restore it from a backup",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written; check it, then run this again",
    sqlite3.SQLITE_INTERRUPT: TOO_SLOW,
}


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise TransientError(
                f"{path}: another process has been writing for {BUSY_SECONDS} seconds; try later",
                retry_after=BUSY_SECONDS,
            ) from error
        if code in _ADVICE:
            raise ConfigError(f"{path}: {_ADVICE[code]} ({error})") from error
        raise
