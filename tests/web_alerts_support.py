"""A store of five weeks in which there is a crisis just now, with rules and a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from listening import keys, settings
from listening.app import App
from listening.stores.sqlite import SqliteStore
from tests.alert_world import END, crisis, put, texts

SETTINGS = """
store = "store.sqlite"
zone = "Europe/Riga"
internal_hosts = ["127.0.0.1"]

[alerts.channels.crm]
webhook = { env = "CRM" }
secret = { env = "CRM_SECRET" }

[alerts.rules.steady]
when = "threshold"
count = 5000
within = "1d"
channels = ["crm"]
"""


def alarming(folder: Path, environ: Mapping[str, str] | None = None) -> App:
    """One brand has a spike that ended an hour ago, the other has none."""
    (folder / settings.FILE).write_text(SETTINGS, "utf-8")
    keys.beside(folder / "store.sqlite", creates=True)
    store = SqliteStore(str(folder / "store.sqlite"))
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    later = hour - timedelta(hours=1) - END
    said = [one for one in (*texts(), *crisis()) if one.created_at < END]
    put(store, [replace(one, created_at=one.created_at + later) for one in said])
    store.close()
    return App(settings.load(folder / settings.FILE), creates=False, environ=environ or {})
