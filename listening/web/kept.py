"""A note of the store changed by several at once: each change is made to what was read last."""

from __future__ import annotations

from collections.abc import Callable

from listening.errors import TransientError
from listening.protocols import Store
from listening.records import Note

_ATTEMPTS = 20
NEVER = Note("", 0)


def change(store: Store, kind: str, key: str, made: Callable[[str], str]) -> None:
    """Save what ``made`` makes of a note's value, of "" where there is none.

    It is called again when somebody else was first, so it must do nothing else. Raises
    TransientError when others never let it through.
    """
    for _ in range(_ATTEMPTS):
        note = store.notes(kind).get(key, NEVER)
        value = made(note.value)
        if value == note.value or store.save_note(kind, key, value, revision=note.revision):
            return
    raise TransientError(f"the {kind} {key} is being changed by others all the time; try later")
