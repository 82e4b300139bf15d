"""What only the SQLite store promises, and the contract of every store."""

from __future__ import annotations

import pytest

from listening.stores.sqlite import SqliteStore
from tests.contract.store import Make, WriteContract
from tests.contract.store_counts import CountContract


class TestContract(WriteContract, CountContract):
    @pytest.fixture
    def make(self) -> Make:
        return SqliteStore
