"""What every store keeps for those who must not overwrite each other."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from listening.protocols import Store
from listening.records import Note
from tests.contract.store import Make


class NoteContract:
    @pytest.fixture
    def store(self, make: Make) -> Store:
        return make()

    def test_a_note_is_kept_under_its_kind_and_key(self, store: Store) -> None:
        assert store.save_note("alert", "a", "შენიშვნა\0\n", revision=0)
        assert store.save_note("silence", "a", "", revision=0)

        assert store.notes("alert") == {"a": Note("შენიშვნა\0\n", 1)}
        assert store.notes("silence") == {"a": Note("", 1)}
        assert store.notes("other") == {}

    def test_only_who_read_the_last_revision_may_write(self, store: Store) -> None:
        assert store.save_note("alert", "a", "one", revision=0)
        assert not store.save_note("alert", "a", "again", revision=0)
        assert store.save_note("alert", "a", "two", revision=1)
        assert not store.save_note("alert", "a", "late", revision=1)

        assert store.notes("alert") == {"a": Note("two", 2)}

    def test_a_note_that_was_emptied_may_be_written_again(self, store: Store) -> None:
        for revision, value in enumerate(("one", "", "three")):
            assert store.save_note("alert", "a", value, revision=revision)

        assert store.notes("alert") == {"a": Note("three", 3)}

    def test_of_many_who_write_at_once_one_is_first(self, store: Store) -> None:
        start, taken = Barrier(4), []

        def write(name: str) -> None:
            start.wait()
            if store.save_note("alert", "a", name, revision=0):
                taken.append(name)

        threads = [Thread(target=write, args=(str(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [note.value for note in store.notes("alert").values()] == taken

    def test_there_may_be_more_notes_than_a_page_and_long_ones(self, store: Store) -> None:
        for number in range(502):
            store.save_note("alert", str(number), "x" * (100_000 if number == 7 else 1), revision=0)

        found = store.notes("alert")
        assert (len(found), len(found["7"].value)) == (502, 100_000)
