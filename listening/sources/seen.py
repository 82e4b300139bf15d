"""Rows remembered by fingerprint: a file of many millions needs a table, not Python objects."""

from __future__ import annotations

from array import array

_FIRST = 1 << 10


class Seen:
    """A map from 8-byte keys to 4-byte values, 18 to 36 bytes an entry (a dict takes 200).

    Open addressing with linear probing, at most two thirds full; key 0 marks a free slot.
    """

    def __init__(self) -> None:
        self._keys = array("Q", bytes(8 * _FIRST))
        self._values = array("I", bytes(4 * _FIRST))
        self._count = 0

    def count(self, key: int) -> int:
        """How often ``key`` has been counted, this time included."""
        at = self._slot(key)
        self._values[at] += 1
        return self._values[at]

    def first(self, key: int, value: int) -> int:
        """The value (not 0) that ``key`` was first given."""
        at = self._slot(key)
        self._values[at] = self._values[at] or value
        return self._values[at]

    def _slot(self, key: int) -> int:
        at = self._find(key)
        if self._keys[at] == 0:
            if 3 * (self._count + 1) > 2 * len(self._keys):
                self._grow()
                at = self._find(key)
            self._keys[at] = key
            self._count += 1
        return at

    def _find(self, key: int) -> int:
        keys, mask = self._keys, len(self._keys) - 1
        at = key & mask
        while (there := keys[at]) and there != key:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._keys = array("Q", bytes(16 * len(keys)))
        self._values = array("I", bytes(8 * len(keys)))
        for key, value in zip(keys, values, strict=True):
            if key:
                at = self._find(key)
                self._keys[at], self._values[at] = key, value
