"""The command line: thin faces over ``app``. Everything it prints is there as ``--json``."""

from listening.cli.main import main

__all__ = ["main"]
