"""The command line: thin faces over ``app``. Everything it prints is there as ``--json``."""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line.

    Exit codes: 0 done, 2 a person must act, 75 try again later, 130 interrupted.
    """
    try:
        # Ctrl-C while the libraries load, a second or more, must end as cleanly as later.
        from listening.cli.main import run  # noqa: PLC0415

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("listening: stopped before anything was done; run it again to go on.\n")
        code = INTERRUPTED
    sys.exit(code)
