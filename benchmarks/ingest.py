"""Rows a second from files to the store, and texts a second from the store to their scores.

    python benchmarks/ingest.py FILE... [--score]

Everything goes through the product's own pipeline into a fresh SQLite file.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from listening.app import App
from listening.pipeline import EVERYTHING
from listening.settings import Settings


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--score", action="store_true")
    given = parser.parse_args()
    print("| what | rows | rows/s | peak MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        app = App(Settings(folder=Path(folder)))
        total, spent = 0, 0.0
        for name in given.files:
            began = time.perf_counter()
            result = app.ingest(
                app.file_stream(name, {}), window=EVERYTHING, dry_run=False, progress=lambda _: None
            )
            seconds = time.perf_counter() - began
            total, spent = total + result.rows, spent + seconds
            speed = result.rows / seconds
            print(f"| {Path(name).name} | {result.rows:,} | {speed:,.0f} | {peak():.0f} |")
        print(f"| all files | {total:,} | {total / spent:,.0f} | {peak():.0f} |")
        if given.score:
            began = time.perf_counter()
            scored = app.score(limit=None, progress=lambda _: None)
            seconds = time.perf_counter() - began
            print(f"| scored | {scored.texts:,} | {scored.texts / seconds:,.0f} | {peak():.0f} |")


if __name__ == "__main__":
    main()
