"""Sixteen ways in which an answer goes wrong; ``rng`` decides what they leave to chance."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.faults.proxy import Answer, Fault, Forward, Refuse, Request, Reset

JSON = {
    "x-elastic-product": "Elasticsearch",
    "content-type": "application/vnd.elasticsearch+json;compatible-with=8",
}
HTML = {"content-type": "text/html; charset=utf-8"}
PAGE = b"<!doctype html><title>Maintenance</title><h1>We are back soon</h1>"
LARGEST = 4_000
"""Bytes of a bulk request that the 413 lets pass; one document is smaller."""
# The lists of an answer whose entries stand for those of the request.
LISTS = ("items", "docs")


def problem(status: int, kind: str, reason: str) -> Answer:
    error = {"type": kind, "reason": reason}
    body = {"error": {"root_cause": [error], **error}, "status": status}
    return Answer(status, JSON, json.dumps(body).encode())


def busy(request: Request, forward: Forward, rng: random.Random) -> Answer:
    if rng.random() < 0.5:
        return problem(429, "circuit_breaking_exception", "[parent] Data too large")
    return problem(429, "es_rejected_execution_exception", "rejected execution of coordinating op")


def broken(request: Request, forward: Forward, rng: random.Random) -> Answer:
    return problem(500, "null_pointer_exception", "Cannot invoke method")


def unavailable(request: Request, forward: Forward, rng: random.Random) -> Answer:
    if rng.random() < 0.5:
        return problem(
            503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master]"
        )
    return Answer(503, HTML, b"<h1>503 Service Unavailable</h1>No server is available.")


@dataclass(frozen=True)
class Gateway:
    """A load balancer gives up; the server may have done the work all the same."""

    status: int

    def __call__(self, request: Request, forward: Forward, rng: random.Random) -> Answer:
        if rng.random() < 0.5:
            forward(request)
        return Answer(self.status, HTML, f"<h1>{self.status}</h1>".encode())


def refused(request: Request, forward: Forward, rng: random.Random) -> Answer:
    raise Refuse


def reset_before(request: Request, forward: Forward, rng: random.Random) -> Answer:
    raise Reset


def reset_after(request: Request, forward: Forward, rng: random.Random) -> Answer:
    forward(request)
    raise Reset


@dataclass(frozen=True)
class Late:
    """``held`` seconds: more than the client waits for."""

    held: float

    def __call__(self, request: Request, forward: Forward, rng: random.Random) -> Answer:
        answer = forward(request)
        time.sleep(self.held)
        return answer


def truncated(request: Request, forward: Forward, rng: random.Random) -> Answer:
    """Cut by whoever stands between: with the connection, or with a new and wrong length."""
    answer = forward(request)
    cut = answer.body[: rng.randrange(len(answer.body))] if answer.body else b""
    return replace(answer, body=cut, length=rng.choice([None, len(answer.body)]))


def short(request: Request, forward: Forward, rng: random.Random) -> Answer:
    return _listed(forward(request), lambda entries: entries[: rng.randrange(len(entries))])


def reordered(request: Request, forward: Forward, rng: random.Random) -> Answer:
    return _listed(forward(request), lambda entries: rng.sample(entries, len(entries)))


def _listed(answer: Answer, change: object) -> Answer:
    assert callable(change)
    body = json.loads(answer.body)
    changed = {name: change(body[name]) for name in LISTS if body.get(name)}
    return replace(answer, body=json.dumps(body | changed).encode())


def too_large(request: Request, forward: Forward, rng: random.Random) -> Answer:
    return Answer(413, HTML, b"<h1>413 Request Entity Too Large</h1>")


def web_page(request: Request, forward: Forward, rng: random.Random) -> Answer:
    return Answer(200, HTML, PAGE)


def garbage(request: Request, forward: Forward, rng: random.Random) -> Answer:
    answer = forward(request) if rng.random() < 0.5 else Answer(200, JSON, b"")
    body = b"\x1f\x8b\x08\x00" + rng.randbytes(200)
    return Answer(200, {**answer.headers, "content-encoding": "gzip"}, body)


def busy_items(request: Request, forward: Forward, rng: random.Random) -> Answer:
    """Some items of a bulk are turned away, the others done; the answer keeps their order."""
    asked = list(bulk(request.text))
    kept = [rng.random() < 0.5 for _ in asked]
    passed = b"".join(lines for (_, _, lines), keep in zip(asked, kept, strict=True) if keep)
    headers = {k: v for k, v in request.headers.items() if k != "content-encoding"}
    if passed:
        answer = forward(replace(request, headers=headers, body=passed))
        done = iter(json.loads(answer.body)["items"])
    else:
        answer, done = Answer(200, JSON, b""), iter(())
    items = [
        next(done) if keep else {action: turned_away(about)}
        for (action, about, _), keep in zip(asked, kept, strict=True)
    ]
    body = {"took": 1, "errors": not all(kept), "items": items}
    return replace(answer, body=json.dumps(body).encode(), length=None)


def bulk(body: bytes) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Each action of a bulk request: its name, what it is about, and its lines."""
    lines = iter(body.splitlines(keepends=True))
    for line in lines:
        ((action, about),) = json.loads(line).items()
        yield action, about, line if action == "delete" else line + next(lines)


def turned_away(about: dict[str, str]) -> dict[str, object]:
    error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of primary"}
    return {"_index": about["_index"], "_id": about["_id"], "status": 429, "error": error}


def _is_list(request: Request) -> bool:
    return request.is_bulk or request.path.partition("?")[0].endswith("/_mget")


def _is_large(request: Request) -> bool:
    return request.is_bulk and len(request.body) > LARGEST


def every(*, held: float) -> tuple[Fault, ...]:
    """All sixteen; ``held`` is how many seconds an answer comes too late by."""
    return (
        Fault("429 whole", busy),
        Fault("429 per item", busy_items, lambda request: request.is_bulk),
        Fault("500", broken),
        Fault("502", Gateway(502)),
        Fault("503", unavailable),
        Fault("504", Gateway(504)),
        Fault("refused", refused),
        Fault("reset before", reset_before),
        Fault("reset after", reset_after),
        Fault("timeout", Late(held), longest=2),
        Fault("truncated", truncated),
        Fault("short items", short, _is_list),
        Fault("reordered items", reordered, _is_list),
        Fault("413", too_large, _is_large, longest=1_000),
        Fault("web page", web_page),
        Fault("garbage gzip", garbage),
    )
