"""Bulk writes in which every item of every answer is looked at.

Done twice is the same as done once, so whatever is in doubt is sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from listening.errors import ConfigError
from listening.stores.elastic_cluster import BUSY, Answer, Cluster, Retries, dumps, is_blocked

_OK, _DENIED, _CONFLICT, _TOO_LARGE, _TOO_MANY = 200, (401, 403), 409, 413, 429
_SPLIT = (400, _TOO_LARGE)


class Action(NamedTuple):
    """One operation on document ``id``; ``lines`` are as the bulk API reads them."""

    kind: str
    alias: str
    id: str
    lines: bytes


def index(index: str, id_: str, document: bytes, version: int) -> Action:
    """Write a whole document, where the stored one has a lower version."""
    line = (
        f'{{"index":{{"_index":"{index}","_id":"{id_}","version":{version},'
        f'"version_type":"external"}}}}\n'
    )
    return Action("index", index, id_, line.encode() + document + b"\n")


def create(index: str, id_: str, document: bytes) -> Action:
    """Write a document that must not be there."""
    line = f'{{"create":{{"_index":"{index}","_id":"{id_}"}}}}\n'
    return Action("create", index, id_, line.encode() + document + b"\n")


def update(index: str, id_: str, fields: dict[str, Any], number: int, term: int) -> Action:
    """Change fields of the document that has this sequence number and primary term."""
    line = (
        f'{{"update":{{"_index":"{index}","_id":"{id_}","if_seq_no":{number},'
        f'"if_primary_term":{term}}}}}\n'
    )
    return Action("update", index, id_, line.encode() + dumps({"doc": fields}) + b"\n")


def delete(index: str, id_: str, version: int | None = None) -> Action:
    """Delete; given a ``version``, only where the stored one is lower."""
    which = "" if version is None else f',"version":{version},"version_type":"external"'
    line = f'{{"delete":{{"_index":"{index}","_id":"{id_}"{which}}}}}\n'
    return Action("delete", index, id_, line.encode())


class Outcome(NamedTuple):
    """What became of an action: 2xx done, 409 somebody else was first, 404 not there, 400 refused.

    ``unsure``: an earlier attempt had no readable answer, so it may have been done then.
    """

    status: int
    reason: str = ""
    unsure: bool = False

    @property
    def is_done(self) -> bool:
        return self.status < 300  # noqa: PLR2004 - HTTP

    @property
    def is_refused(self) -> bool:
        return self.status in _SPLIT


def require(outcomes: Sequence[Outcome], what: str) -> None:
    """Raise ConfigError unless every document to be created is there now."""
    for outcome in outcomes:
        if not outcome.is_done and outcome.status != _CONFLICT:
            raise ConfigError(
                f"Elasticsearch cannot keep {what}: {outcome.reason or outcome.status}; correct"
                " that (http.max_content_length, or a proxy's limit, if it is too large) and run"
                " this again"
            )


Create = Callable[[str], None]  # makes the index behind an alias


def send(
    cluster: Cluster,
    actions: Sequence[Action],
    *,
    aliases: bool = True,
    create: Create | None = None,
    refresh: bool = False,
) -> list[Outcome]:
    """The outcome of each action, in order.

    With ``aliases`` no action makes an index by itself: one that is missing is made by ``create``,
    or else 404. TransientError leaves it open which were done: do all again.
    """
    sending = _Sending(cluster, actions, create, cluster.retries())
    params = {"filter_path": "error,items.*._id,items.*.status,items.*.error"}
    if aliases:
        params["require_alias"] = "true"
    if refresh:
        params["refresh"] = "true"
    while part := sending.next():
        body = b"".join(actions[n].lines for n in part)
        sending.judge(part, cluster.once("POST", "/_bulk", body, params))
    return [sending.outcomes[n] for n in range(len(actions))]


class _Sending:
    """Actions on their way."""

    def __init__(
        self, cluster: Cluster, actions: Sequence[Action], create: Create | None, retries: Retries
    ) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self._actions = actions
        self._create = create
        self._retries = retries
        self._pace = cluster.pace
        self._waiting = deque(range(len(actions)))
        self._unsure: set[int] = set()
        self._created: set[str] = set()

    def next(self) -> list[int]:
        part: list[int] = []
        size = 0
        while self._waiting and len(part) < self._pace.docs:
            size += len(self._actions[self._waiting[0]].lines)
            if part and size > self._pace.size:
                break
            part.append(self._waiting.popleft())
        return part

    def judge(self, part: list[int], answer: Answer) -> None:
        if answer.status == _OK:
            self._items(part, answer.body.get("items"))
        elif answer.status in _SPLIT:
            self._split(part, answer)
        elif answer.status in BUSY or answer.status == 0 or is_blocked(answer):
            if answer.status == _TOO_MANY:
                self._pace.slower(len(part))
            self._again(part, answer.reason, unsure=answer.status != _TOO_MANY)
        else:
            raise ConfigError(f"Elasticsearch refused a bulk write: {answer.reason}")

    def _split(self, part: list[int], answer: Answer) -> None:
        """Halve what is too large or unreadable as a whole, down to the one that is at fault."""
        if len(part) == 1:
            self.outcomes[part[0]] = Outcome(answer.status, _refusal(answer))
            return
        self._pace.slower(len(part))
        self._waiting.extendleft(reversed(part))

    def _items(self, part: list[int], items: object) -> None:
        found = items if isinstance(items, list) else []
        if len(found) != len(part) or not all(map(self._is_of, part, found)):
            self._again(part, "it answered for other documents than it was sent", unsure=True)
            return
        again: list[int] = []
        reason = ""
        for n, item in zip(part, found, strict=True):
            if why := self._item(n, item[self._actions[n].kind]):
                again.append(n)
                reason = why
        if len(again) < len(part):
            self._retries.progress()
        if any(_status(item) == _TOO_MANY for item in found):
            self._pace.slower(len(part))
        elif not again:
            self._pace.faster()
        if again:
            self._again(again, reason, unsure=False)

    def _is_of(self, n: int, item: Any) -> bool:  # noqa: ANN401 - whatever JSON held
        action = self._actions[n]
        result = item.get(action.kind) if isinstance(item, dict) else None
        return (
            isinstance(result, dict)
            and result.get("_id") == action.id
            and isinstance(result.get("status"), int)
        )

    def _item(self, n: int, result: dict[str, Any]) -> str | None:
        """Note an outcome, or say why there is none yet."""
        answer = Answer(result["status"], result)
        if answer.status in BUSY:
            if answer.status != _TOO_MANY:
                self._unsure.add(n)
            return answer.reason
        if is_blocked(answer):
            return f"{answer.reason} (a full disk, or a migration: listening store check tells)"
        if answer.status in _DENIED:
            raise ConfigError(f"Elasticsearch does not allow this write: {answer.reason}")
        if answer.error == "index_not_found_exception" and self._create is not None:
            alias = self._actions[n].alias
            if alias not in self._created:
                self._created.add(alias)
                self._create(alias)
            return f"{alias} is not there"
        unsure = n in self._unsure
        self.outcomes[n] = Outcome(answer.status, answer.reason if answer.error else "", unsure)
        return None

    def _again(self, part: list[int], reason: str, *, unsure: bool) -> None:
        if unsure:
            self._unsure.update(part)
        self._waiting.extendleft(reversed(part))
        self._retries.wait(reason)


def _status(item: dict[str, Any]) -> int:
    return int(next(iter(item.values()))["status"])


def _refusal(answer: Answer) -> str:
    if answer.status == _TOO_LARGE:
        return "it is larger than Elasticsearch takes in one request"
    return answer.reason
