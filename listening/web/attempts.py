"""How often a password may be tried: ever longer waits for an account and for an address."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import NamedTuple

FREE = {"account": 5, "address": 20}  # many people may share an address
LONGEST = timedelta(minutes=15)
FORGOTTEN = timedelta(hours=24)
_MOST = 20_000  # that are remembered
_DOUBLINGS = 10


class _Tries(NamedTuple):
    failed: int
    last: datetime


class Attempts:
    """In memory, so a restart forgets; refused attempts do not count, and lengthen nothing."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._lock = Lock()

    def wait(self, account: str, address: str) -> timedelta | None:
        """How long to wait; None: it may be tried now, and counts as failed until ``passed``."""
        with self._lock:
            now = self._clock()
            longest = max(self._left(key, now) for key in _keys(account, address))
            if longest > timedelta(0):
                return longest
            for key in _keys(account, address):
                self._tries[key] = _Tries(self._failed(key, now) + 1, now)
                self._tries.move_to_end(key)
            while len(self._tries) > _MOST:
                self._tries.popitem(last=False)
            return None

    def passed(self, account: str, address: str) -> None:
        """The account's failures are forgotten, of the address's only this try.

        Else whoever has one account could try those of others for ever.
        """
        with self._lock:
            of_account, of_address = _keys(account, address)
            self._tries.pop(of_account, None)
            tries = self._tries.get(of_address)
            if tries is not None:
                self._tries[of_address] = tries._replace(failed=tries.failed - 1)

    def _failed(self, key: tuple[str, str], now: datetime) -> int:
        tries = self._tries.get(key)
        return 0 if tries is None or now - tries.last > FORGOTTEN else tries.failed

    def _left(self, key: tuple[str, str], now: datetime) -> timedelta:
        over = self._failed(key, now) - FREE[key[0]]
        if over < 0:
            return timedelta(0)
        pause = min(timedelta(seconds=2 ** min(over, _DOUBLINGS)), LONGEST)
        return self._tries[key].last + pause - now


def _keys(account: str, address: str) -> Iterator[tuple[str, str]]:
    yield "account", account
    yield "address", _network(address)


def _network(address: str) -> str:
    """Of IPv6 the network, of which one customer has all addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))
