"""The one table of sources; their heavy libraries load when a source fetches, not before."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from listening.protocols import Source
from listening.sources.app_store import AppStore
from listening.sources.files import Files
from listening.sources.rss import Rss
from listening.sources.x import X

SOURCES: Mapping[str, type[Source]] = MappingProxyType(
    {source.name: source for source in (X, Rss, AppStore, Files)}
)
