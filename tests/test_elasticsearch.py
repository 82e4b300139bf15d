"""What only the Elasticsearch store promises, and the contract of every store."""

from __future__ import annotations

import pytest

from tests.contract.store import Make, WriteContract
from tests.contract.store_counts import CountContract
from tests.contract.store_desk import DeskContract
from tests.contract.store_notes import NoteContract
from tests.contract.store_search import SearchContract
from tests.elastic import Elastic, elastic  # noqa: F401 - a fixture


class TestElasticsearch(WriteContract, SearchContract, CountContract, NoteContract, DeskContract):
    @pytest.fixture
    def make(self, elastic: Elastic) -> Make:  # noqa: F811 - likewise
        return elastic.store
