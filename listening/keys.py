"""The key of authors' pseudonyms, where the environment gives none: a file beside the store."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from listening.errors import ConfigError
from listening.settings import KEY

_BYTES = 32
SHARED = (
    f"{KEY} is not set: where machines share a store, authors' pseudonyms need one key on all of "
    f"them. Make one once: python -c 'import secrets; print(secrets.token_hex({_BYTES}))', and "
    f"export {KEY} with it on every worker"
)


def beside(store: Path, *, creates: bool) -> bytes:
    """The key of the store in this file, made where there is neither; kept if it ``creates``.

    Raises ConfigError where a store has lost it: another would find none of its authors.
    """
    stored = store.exists()  # asked first: other processes write the key before the store
    path = store.with_name(store.name + ".key")
    if path.exists():
        return path.read_bytes().strip()
    if stored:
        raise ConfigError(
            f"{path}, the key of the store's authors, is gone; put it back or, if it is lost, "
            f"export {KEY} with a new one: authors stored so far are not found by it"
        )
    new = secrets.token_hex(_BYTES)
    if not creates:
        return new.encode()
    _write_once(path, new)
    return path.read_bytes().strip()


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all, and only by the first of several processes."""
    try:
        with NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="ascii") as file:
            file.write(text)  # such a file is its owner's alone
        with suppress(FileExistsError):
            os.link(file.name, path)
        Path(file.name).unlink()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}; create its folder and give this user "
            f"the right to write there, or export {KEY}"
        ) from error
