"""Reaching a cluster: addresses, credentials, certificates and versions."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from listening.errors import ConfigError, TransientError
from listening.records import Written
from listening.stores.elastic_cluster import Address, connect
from listening.stores.elasticsearch import ElasticsearchStore
from tests.contract.store import GOOD, everything, said
from tests.elastic import Elastic, elastic, remove, server  # noqa: F401 - a fixture

SECURE = (
    "no secured Elasticsearch: export ELASTICSEARCH_SECURE_URL=https://..., ELASTICSEARCH_PASSWORD"
    " and ELASTICSEARCH_CA_CERTS, the file of its authority's certificate"
)

OTHER_AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUJTjrjsZnd6wJ6zPMswtqxrTH/skwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRQW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTI1MDIwMTQ5WhgP
MjEyNjExMDEwMjAxNDlaMBwxGjAYBgNVBAMMEUFub3RoZXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3E/rVA6c7xF0MJfc55utD6YwzcK9MKzp
8QIV1rmjX2k9+BkBGxd3iJgyi7kZ4qQMMOJxH1HX/w/AxweuDF0RDKNTMFEwHQYD
VR0OBBYEFNfdZhEabM38QMOA6UkGafv+QNsiMB8GA1UdIwQYMBaAFNfdZhEabM38
QMOA6UkGafv+QNsiMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
eg+2BhCxoz3c3BN8PUVPEiMclSGxvW31Vov7/Qj8TOICIAF+l8a/fEyfWTQC6npQ
cui1IKhRO9Cxhr7hKYYERlK+
-----END CERTIFICATE-----
"""


@pytest.mark.parametrize(
    ("url", "hosts", "name"),
    [
        ("elasticsearch://es1", ["http://es1:9200"], "listening"),
        ("http://es1:9201/", ["http://es1:9201"], "listening"),
        ("https://es1,es2:9300/brand_a", ["https://es1:9200", "https://es2:9300"], "brand_a"),
        ("https://[::1]:9200/x-1", ["https://[::1]:9200"], "x-1"),
    ],
)
def test_an_address_names_hosts_and_the_store(url: str, hosts: list[str], name: str) -> None:
    assert Address.read(url) == (tuple(hosts), name)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://elastic:secret@es1/x", "ELASTICSEARCH_PASSWORD in the environment"),
        ("https://", "is no host; write it as https://"),
        ("https://es1:99999", "is no host"),
        ("https://es1,,es2", "is no host"),
        ("https://es1/Über", "cannot name a store"),
        ("https://es1/a/b", "cannot name a store"),
        ("https://es1/listening-v2", "cannot name a store"),
        ("https://es1/x-state-y", "cannot name a store"),
        ("https://es1/_all", "cannot name a store"),
    ],
)
def test_an_address_that_cannot_be_is_a_config_error(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as error:
        Address.read(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "secret", [{"ELASTICSEARCH_API_KEY": "hush"}, {"ELASTICSEARCH_PASSWORD": "hush"}]
)
def test_no_secret_leaves_the_machine_unencrypted(secret: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="write https://") as error:
        connect("http://localhost,es.example/x", secret)
    assert "es.example" in str(error.value)
    assert "hush" not in str(error.value)


def test_a_missing_certificate_file_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="ELASTICSEARCH_CA_CERTS names /none"):
        connect("https://es.example", {"ELASTICSEARCH_CA_CERTS": "/none"})


class _Answering(BaseHTTPRequestHandler):
    answer: tuple[str, str, str]  # product, kind, body

    def do_GET(self) -> None:
        product, kind, body = self.answer
        self.send_response(200)
        self.send_header("X-Elastic-Product", product)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def answering(product: str, kind: str, body: str) -> Iterator[str]:
    """A server that says the same to everything."""
    handler = type("Handler", (_Answering,), {"answer": (product, kind, body)})
    served = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def of_version(version: str) -> str:
    return json.dumps({"nodes": {"n": {"version": version}}})


@pytest.mark.parametrize(
    ("version", "reason"),
    [("7.17.9", "needs 8 or 9: upgrade Elastic"), ("10.0.0", "needs 8 or 9: upgrade Listening")],
)
def test_another_version_of_the_server_is_named(
    elastic: Elastic,  # noqa: F811 - opens the network
    version: str,
    reason: str,
) -> None:
    with (
        answering("Elasticsearch", "application/json", of_version(version)) as url,
        pytest.raises(ConfigError, match=f"is version {version}.*{reason}"),
    ):
        ElasticsearchStore.open(url, environ={})


def test_what_is_no_elasticsearch_is_named(elastic: Elastic) -> None:  # noqa: F811 - likewise
    with (
        answering("", "application/json", of_version("8.0.0")) as url,
        pytest.raises(ConfigError, match="is no Elasticsearch server"),
    ):
        ElasticsearchStore.open(url, environ={})
    with (
        answering("", "text/html", "<p>Back soon</p>") as url,
        pytest.raises(TransientError, match="not its JSON"),
    ):
        ElasticsearchStore.open(url, environ={}, patience=0.1)


def test_an_unknown_host_is_a_config_error(
    elastic: Elastic,  # noqa: F811 - likewise
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import socket  # noqa: PLC0415 - replaced here only

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match=r"es.invalid:9200: there is no such host"):
        ElasticsearchStore.open("http://es.invalid", environ={}, patience=0.1)


def test_of_several_hosts_one_that_answers_is_enough(elastic: Elastic) -> None:  # noqa: F811
    host = elastic.url.removeprefix("http://")
    name = elastic.name()
    address = f"http://127.0.0.1:9,{host},127.0.0.1:19/{name}"
    store = ElasticsearchStore.open(address, environ={}, replicas=0, patience=10, base=0.01)
    assert store.put([said(1)]) == Written(stored=1)
    assert everything(store) == [said(1)]
    remove(store)


@pytest.fixture
def secured() -> tuple[str, dict[str, str]]:
    """The address of a server with TLS and a password, and what the environment says of it."""
    url = server("ELASTICSEARCH_SECURE_URL", SECURE)
    names = ("ELASTICSEARCH_CA_CERTS", "ELASTICSEARCH_USERNAME", "ELASTICSEARCH_PASSWORD")
    return url, {name: os.environ[name] for name in names if name in os.environ}


def test_a_secured_cluster_is_written_and_read(secured: tuple[str, dict[str, str]]) -> None:
    url, environ = secured
    name = Elastic(url).name()
    store = ElasticsearchStore.open(f"{url}/{name}", environ=environ, replicas=0)
    assert store.put([said(1), said(2)]) == Written(stored=2)
    assert store.annotate([(said(1).id, said(1).text, GOOD)]) == 1
    assert store.erase([said(2).id]) == 1
    assert everything(store) == [said(1)]
    assert store.check() == ()
    assert store.migrate(force=True) == 1
    assert environ["ELASTICSEARCH_PASSWORD"] not in repr(store)
    remove(store)


def test_wrong_credentials_and_certificates_are_config_errors(
    secured: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    url, environ = secured
    other = tmp_path / "other.crt"
    other.write_text(OTHER_AUTHORITY)
    plain = url.replace("https:", "http:")
    cases = (
        (url, {**environ, "ELASTICSEARCH_PASSWORD": "guess"}, "does not accept the credentials"),
        (
            url,
            {"ELASTICSEARCH_CA_CERTS": environ["ELASTICSEARCH_CA_CERTS"]},
            "ELASTICSEARCH_API_KEY",
        ),
        (url, {**environ, "ELASTICSEARCH_CA_CERTS": str(other)}, "ELASTICSEARCH_CA_CERTS names"),
        (url, {"ELASTICSEARCH_API_KEY": "x"}, "no secure connection"),
    )
    for address, given, reason in cases:
        with pytest.raises(ConfigError, match=reason) as error:
            ElasticsearchStore.open(address, environ=given, patience=0.1)
        assert "guess" not in str(error.value)
    with pytest.raises(TransientError, match="no answer"):
        ElasticsearchStore.open(plain, environ={}, patience=0.1)
