"""The way to an Elasticsearch cluster: address, credentials, retries, and its errors made ours."""

from __future__ import annotations

import json
import random
import re
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from listening.errors import ConfigError, TransientError

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # a tenth of the time of a write

Body = dict[str, Any]
Environ = Mapping[str, str]
Doubt = Callable[[Body], str | None]  # why an answer cannot be believed, if so

PATIENCE = 60.0  # seconds without any success
TIMEOUT = 30.0  # seconds a request may take
MAJORS = (8, 9)
BUSY = frozenset({408, 429, 500, 502, 503, 504})
_BASE, _CAP = 0.1, 5.0
_SHOWN = 300  # characters of what a server says
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED = re.compile(r"(^|-)(v\d+|w\d+|state)(-|$)")


class Address(NamedTuple):
    """Where a cluster is, and the name that its indices of ours begin with."""

    hosts: tuple[str, ...]  # such as https://es1:9200
    name: str

    @classmethod
    def read(cls, url: str) -> Address:
        """``elasticsearch://``, ``http://`` or ``https://host[:port][,host...][/name]``."""
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise ConfigError(
                "the address of the store holds a password: take it out, and set"
                " ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD in the environment"
            )
        scheme = "https" if parts.scheme == "https" else "http"
        hosts = tuple(f"{scheme}://{_host(one, url)}" for one in parts.netloc.split(","))
        return cls(hosts, _name(parts.path.strip("/") or "listening"))


def _host(text: str, url: str) -> str:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", text.strip())
    if found is None or not 0 < int(found[2] or 9200) < 1 << 16:
        raise ConfigError(
            f"{url}: {text!r} is no host; write it as https://es1:9200,es2:9200/listening"
        )
    return f"{found[1]}:{found[2] or 9200}"


def _name(name: str) -> str:
    if not _NAME.fullmatch(name) or _RESERVED.search(name):
        raise ConfigError(
            f"{name!r} cannot name a store: use up to 64 small letters, digits, _ and -, and no"
            " part like v1, w1 or state, which the store adds itself"
        )
    return name


@dataclass(slots=True)
class Retries:
    """Full-jitter exponential back-off, until ``patience`` seconds without success are over."""

    cluster: Cluster
    _attempt: int = 0
    _end: float = 0.0

    def wait(self, reason: str, advice: str = "is it running and reachable?") -> None:
        """Sleep before the next attempt; TransientError when there should be none."""
        clock, most = self.cluster.clock, self.cluster.patience
        self._end = self._end or clock() + most
        longest = min(_CAP, self.cluster.base * 2**self._attempt)
        self._attempt += 1
        pause = longest * self.cluster.random()
        if clock() + pause > self._end:
            raise TransientError(
                f"Elasticsearch at {self.cluster.where}: {reason}, for {most:g} seconds; {advice}",
                retry_after=most,
            )
        self.cluster.sleep(pause)

    def progress(self) -> None:
        self._attempt, self._end = 0, 0.0


class Answer(NamedTuple):
    """What came back: ``status`` 0 means that nothing readable did, for ``trouble``."""

    status: int
    body: Body
    trouble: str = ""

    @property
    def error(self) -> str:
        """The type of error, such as ``index_not_found_exception``; empty when there is none."""
        error = self.body.get("error")
        return str(error.get("type", "")) if isinstance(error, dict) else ""

    @property
    def reason(self) -> str:
        error = self.body.get("error")
        if not isinstance(error, dict):
            return self.trouble or f"HTTP {self.status}"
        first = (error.get("root_cause") or [error])[0]
        said = f"{first.get('type')}: {first.get('reason')}"[:_SHOWN]
        cause = error.get("caused_by", {}).get("reason")
        return f"{said} ({cause[:_SHOWN]})" if cause else said


@dataclass(slots=True)
class Pace:
    """How much goes into one bulk request: less when the cluster pushes back."""

    docs: int = 500
    most: int = 500
    size: int = 5_000_000  # bytes

    def slower(self, sent: int) -> None:
        self.docs = max(1, min(self.docs, sent) // 2)

    def faster(self) -> None:
        self.docs = min(self.most, self.docs * 2)


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """Every request is tried again while that may help, for up to ``patience`` seconds.

    ``base`` is the first longest pause in seconds; ``sleep``, ``random`` (0 to 1) and ``clock``
    replace chance and time. Raises ConfigError when a person must act, else TransientError.
    """

    hosts: tuple[str, ...]
    auth: Mapping[str, object] = field(default_factory=dict, repr=False)
    patience: float = PATIENCE
    timeout: float = TIMEOUT
    base: float = _BASE
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(default_factory=Pace)
    _open: list[Any] = field(init=False, repr=False, default_factory=list)

    @property
    def _client(self) -> Any:  # noqa: ANN401 - the client is an extra
        if not self._open:
            client = _library().Elasticsearch(
                list(self.hosts),
                request_timeout=self.timeout,
                max_retries=0,
                connections_per_node=10,
                dead_node_backoff_factor=0.5,
                max_dead_node_backoff=5,
                **self.auth,
            )
            self._open.append(client)
        return self._open[0]

    @property
    def where(self) -> str:
        return ", ".join(self.hosts)

    def close(self) -> None:
        """Hang up; another request calls again."""
        while self._open:
            self._open.pop().close()

    def retries(self) -> Retries:
        return Retries(self)

    def once(
        self, method: str, path: str, body: object = None, params: Mapping[str, object] = {}
    ) -> Answer:
        """One attempt; ConfigError when no other can do better. Bytes are newline-delimited."""
        kind = "x-ndjson" if isinstance(body, bytes) else "json"
        sent = {} if body is None else {"content-type": f"application/{kind}"}
        headers = {"accept": "application/json", **sent}
        try:
            answer = self._client.perform_request(
                method, path, params=params or None, headers=headers, body=body
            )
        except _library().ApiError as error:
            return self._refused(error)
        except _transport().TransportError as error:
            return Answer(0, {}, self._unanswered(error))
        if not isinstance(answer.body, dict):
            return Answer(0, {}, "it answered with something that is not its JSON")
        return Answer(answer.meta.status, answer.body)

    def request(  # noqa: PLR0913 - four of them are seldom wanted
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, object] = {},
        expected: Collection[str] = (),
        doubt: Doubt = lambda _: None,
    ) -> Body:
        """The answer, also when its error is of a type ``expected`` (or 404 without an error)."""
        retries = self.retries()
        while True:
            answer = self.once(method, path, body, params)
            if answer.error and answer.error in expected:
                return answer.body
            if 200 <= answer.status < 300 or (answer.status == 404 and not answer.error):  # noqa: PLR2004 - HTTP
                reason = doubt(answer.body)
                if reason is None:
                    return answer.body
            elif answer.status and answer.status not in BUSY and not is_blocked(answer):
                raise ConfigError(f"Elasticsearch at {self.where} refused: {answer.reason}")
            else:
                reason = answer.reason
            retries.wait(reason)

    def search(self, index: str, body: Body, **params: object) -> Body:
        """A whole answer, of all shards; an index or alias that is not there holds nothing.

        ``index`` is None where ``body`` names a point in time.
        """
        defaults = {"allow_partial_search_results": "false"}
        if index:
            defaults["ignore_unavailable"] = "true"
        path = f"/{index}/_search" if index else "/_search"
        return self.request("POST", path, body, params={**defaults, **params}, doubt=_no_search)

    def mget(self, docs: Sequence[Body], source: str = "") -> list[Body]:
        """What is stored now, refreshed or not; ``source`` names the fields wanted, or all."""
        if not docs:
            return []

        def doubt(body: Body) -> str | None:
            found = body.get("docs")
            if not isinstance(found, list) or [d.get("_id") for d in found] != [
                d["_id"] for d in docs
            ]:
                return "it answered for other documents than it was asked for"
            errors = {one["error"].get("type") for one in found if "error" in one}
            return next(iter(errors - {"index_not_found_exception"}), None)

        params = {"_source_includes": source} if source else {}
        found: list[Body] = self.request(
            "POST", "/_mget", {"docs": docs}, params=params, doubt=doubt
        )["docs"]
        return found

    def refresh(self, index: str) -> None:
        """Make all that was written to an index or alias visible to searches."""
        self.request("POST", f"/{index}/_refresh", params={"ignore_unavailable": "true"})

    def check_version(self) -> None:
        """Raise ConfigError for a server that this client cannot speak to."""
        body = self.request(
            "GET",
            "/_nodes/_local",
            params={"filter_path": "nodes.*.version"},
            doubt=lambda body: None if body.get("nodes") else "it did not say its version",
        )
        for node in body["nodes"].values():
            major = int(node["version"].partition(".")[0])
            if major not in MAJORS:
                change = "Elasticsearch" if major < MAJORS[0] else "Listening"
                raise ConfigError(
                    f"Elasticsearch at {self.where} is version {node['version']}; Listening needs"
                    f" 8 or 9: upgrade {change}"
                )

    def _refused(self, error: Any) -> Answer:  # noqa: ANN401 - the client is an extra
        answer = Answer(error.meta.status, error.body if isinstance(error.body, dict) else {})
        if isinstance(error, _library().UnsupportedProductError) and answer.body:
            raise ConfigError(f"{self.where} is no Elasticsearch server; name one") from error
        unread = answer.status == 404 and not isinstance(error.body, dict)  # noqa: PLR2004 - HTTP
        if unread or answer.status < 300:  # noqa: PLR2004 - HTTP
            return Answer(0, {}, "it answered with something that is not its JSON")
        if answer.status == 401:  # noqa: PLR2004 - HTTP
            raise ConfigError(
                f"Elasticsearch at {self.where} does not accept the credentials; set"
                " ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD"
            ) from error
        if answer.status == 403 and not is_blocked(answer):  # noqa: PLR2004 - HTTP
            raise ConfigError(
                f"Elasticsearch at {self.where} does not allow this ({answer.reason}); give the"
                " user or key all privileges on the store's indices, and manage_index_templates"
                " and monitor on the cluster"
            ) from error
        return answer

    def _unanswered(self, error: Any) -> str:  # noqa: ANN401 - the client is an extra
        said = str(error)
        if isinstance(error, _transport().TlsError):
            raise ConfigError(
                f"{self.where}: no secure connection ({said[:300]}); does the server speak TLS,"
                " and is its authority's certificate the file that ELASTICSEARCH_CA_CERTS names?"
            ) from error
        for cause in _causes(error):
            if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME:
                raise ConfigError(
                    f"{self.where}: there is no such host; correct the store's address"
                ) from error
        return f"no answer ({said[:200]})"


def is_blocked(answer: Answer) -> bool:
    """Whether an index is closed for writing: a full disk, or a migration; both end."""
    return answer.error == "cluster_block_exception"


def _no_search(body: Body) -> str | None:
    if "hits" not in body and "timed_out" not in body:
        return "its answer is no search result"
    failed = body.get("_shards", {}).get("failed", 0)
    return "not every shard answered" if failed else None


def _causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in found:
            continue
        found.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "errors", ())]
    return found


def connect(url: str, environ: Environ, **options: Any) -> tuple[Cluster, str]:  # noqa: ANN401 - Cluster's
    """The cluster behind a store's address, spoken to once, and the store's name."""
    address = Address.read(url)
    cluster = Cluster(address.hosts, _auth(address.hosts, environ), **options)
    cluster.check_version()
    return cluster, address.name


def _auth(hosts: Sequence[str], environ: Environ) -> dict[str, object]:
    auth: dict[str, object] = {}
    key, password = environ.get("ELASTICSEARCH_API_KEY"), environ.get("ELASTICSEARCH_PASSWORD")
    if key:
        auth["api_key"] = key
    elif password:
        auth["basic_auth"] = (environ.get("ELASTICSEARCH_USERNAME") or "elastic", password)
    if auth and (open_ := [host for host in hosts if host.startswith("http:") and _far(host)]):
        raise ConfigError(
            f"{open_[0]}: a password or key would cross the network unencrypted; write https://"
        )
    if hosts[0].startswith("https:") and (file := environ.get("ELASTICSEARCH_CA_CERTS")):
        if not Path(file).is_file():
            raise ConfigError(f"ELASTICSEARCH_CA_CERTS names {file}, which is no file; correct it")
        auth["ca_certs"] = file
    return auth


def _far(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return not ip_address(host).is_loopback
    return host != "localhost"


def dumps(value: object) -> bytes:
    """JSON as Elasticsearch reads it; UnicodeEncodeError for half a character."""
    if orjson is not None:
        with suppress(TypeError):  # half a character, or a number beyond 64 bits
            return orjson.dumps(value)
    return _encode(value).encode()


def _library() -> Any:  # noqa: ANN401 - an extra, and 0.3 s to import
    try:
        import elasticsearch  # noqa: PLC0415 - likewise
    except ImportError:
        raise ConfigError(
            "an Elasticsearch store needs its client: pip install 'listening[elasticsearch]'"
        ) from None
    return elasticsearch


def _transport() -> Any:  # noqa: ANN401 - likewise
    import elastic_transport  # noqa: PLC0415 - likewise

    return elastic_transport
