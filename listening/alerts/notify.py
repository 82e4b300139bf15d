"""Channels: the services that Apprise knows, and signed webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from listening.alerts import wording
from listening.alerts.alert import Notification, Reason
from listening.alerts.rules import Severity
from listening.errors import ConfigError, TransientError

if TYPE_CHECKING:
    from listening.http import Http

Picture = Callable[[Notification], bytes | Path | None]
_LEAST_KEY, _MOST_KEY = 24, 64  # bytes, by the specification
_TELLTALES = ("apprise", "urllib3.connectionpool")
_ENDS = {Reason.RESOLVED, Reason.RETURNED}
_OURS = {"channels", "group", "zone", "due", "reason"}  # how it is sent, not what is


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Either ``apprise``, an address as Apprise reads it, or ``webhook`` with its ``secret``.

    All three are secret: they are in no message, log or repr.
    """

    name: str
    apprise: str = field(default="", repr=False)
    webhook: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is no alert: ``html`` with its ``pictures`` (PNG, by name), ``data`` for webhooks.

    Webhooks get ``type``; ``key`` is the same however often it is sent, and no other's.
    """

    key: str
    type: str
    at: datetime
    title: str
    html: str
    pictures: Mapping[str, bytes]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """A ``Sender`` of the outbox. ``picture`` may give a PNG of an alert, as bytes or a file.

    ``http`` should have no ``interval``: what is sent is a few lines.
    """

    channels: Mapping[str, Channel]
    http: Http
    picture: Picture = lambda _: None

    def groups(self, channel: str) -> bool:
        return not self._channel(channel).webhook

    def send(self, channel: str, notifications: Sequence[Notification]) -> None:
        """Raises ConfigError when a person must act, TransientError when later may do."""
        chosen = self._channel(channel)
        if chosen.webhook:
            for one in notifications:
                _post(chosen, one.key, payload(one), self.http)
        else:
            pictures = (self.picture(one) for one in notifications)
            _apprise(chosen, notifications, [each for each in pictures if each is not None])

    def post(self, channel: str, letter: Letter) -> None:
        """Raises as ``send`` does. Mail shows the pictures where the HTML names them."""
        chosen = self._channel(channel)
        if chosen.webhook:
            event = {"type": letter.type, "timestamp": letter.at, "data": letter.data}
            _post(chosen, letter.key, _json(event), self.http)
            return
        form = _library().NotifyFormat.HTML
        _hand_over(chosen, letter.pictures, title=letter.title, body=letter.html, body_format=form)

    def _channel(self, name: str) -> Channel:
        if name not in self.channels:
            raise ConfigError(
                f"there is no channel {name!r} any more, and notifications wait for it; add "
                f"[alerts.channels.{name}] again"
            )
        return self.channels[name]


def payload(one: Notification) -> bytes:
    """The body of a webhook: what happened, in the words of those who wrote it."""
    data = {name: value for name, value in asdict(one).items() if name not in _OURS}
    return _json({"type": f"alert.{one.reason}", "timestamp": one.at, "data": data})


def _json(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, default=_plain, ensure_ascii=False).encode(errors="replace")


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON has
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(value)


def signature(secret: str, id_: str, timestamp: int, body: bytes, where: str) -> str:
    """As the Standard Webhooks specification has it, one for each key in ``secret``.

    Raises ConfigError, naming ``where``, for what is no key.
    """
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(_key(each, where), signed, hashlib.sha256)).decode()
        for each in secret.split() or [""]
    )


def _key(text: str, where: str) -> bytes:
    try:
        found = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not text.startswith("whsec_") or not _LEAST_KEY <= len(found) <= _MOST_KEY:
        raise ConfigError(
            f"{where}: the secret must be whsec_ and {_LEAST_KEY} to {_MOST_KEY} bytes in base64; "
            "make one with: echo whsec_$(openssl rand -base64 32)"
        )
    return found


def _post(channel: Channel, key: str, body: bytes, http: Http) -> None:
    where, now = f"[alerts.channels.{channel.name}]", http.now()
    timestamp = int(now.timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(channel.secret, key, timestamp, body, where),
    }
    try:
        http.post(channel.webhook, content=body, headers=headers)
    except TransientError as error:
        said = _without(str(error), channel.webhook, where)
        raise TransientError(said, retry_after=error.retry_after) from None
    except ConfigError as error:
        raise ConfigError(_without(str(error), channel.webhook, where)) from None


def _without(message: str, url: str, where: str) -> str:
    """A message in which an address is called by its channel."""
    parts = urlsplit(url)
    host = parts.hostname or url
    return re.sub(rf"(\w+://)?{re.escape(host)}({re.escape(parts.path)})?", where, message)


def _apprise(
    channel: Channel, notifications: Sequence[Notification], pictures: Sequence[bytes | Path]
) -> None:
    drawn = {
        f"alert-{number}.png": each.read_bytes() if isinstance(each, Path) else each
        for number, each in enumerate(pictures, 1)
    }
    _hand_over(
        channel,
        drawn,
        title=wording.title(notifications),
        body=wording.body(notifications),
        body_format=_library().NotifyFormat.TEXT,
        notify_type=_kind(notifications),
    )


def _hand_over(channel: Channel, pictures: Mapping[str, bytes], **message: str) -> None:
    apprise = _library()
    where = f"[alerts.channels.{channel.name}]"
    with _Heard() as heard:
        service = apprise.Apprise()
        if not service.add(channel.apprise):
            raise ConfigError(
                f"{where}: this is no address that Apprise knows; see "
                "https://github.com/caronc/apprise/wiki"
            )
        for each in service:  # of mail: whether pictures stand in the text, which names them
            each.inline = message["body_format"] == apprise.NotifyFormat.HTML
        taken = service.notify(**message, attach=_attachment(apprise, pictures))
    if not taken:
        raise TransientError(f"{where}: the message was not taken ({heard.reason}); it is kept")


def _kind(notifications: Sequence[Notification]) -> str:
    if all(one.reason in _ENDS for one in notifications):
        return "success"
    if any(one.severity is Severity.CRITICAL for one in notifications):
        return "failure"
    return "warning" if any(one.severity is Severity.WARNING for one in notifications) else "info"


def _attachment(apprise: Any, pictures: Mapping[str, bytes]) -> Any:  # noqa: ANN401 - an extra
    if not pictures:
        return None
    from apprise.attachment.memory import AttachMemory  # noqa: PLC0415 - an extra

    found = apprise.AppriseAttachment()
    for name, content in pictures.items():
        found.add(AttachMemory(content=content, name=name, mimetype="image/png"))
    return found


class _Heard(logging.Filter):
    """Keeps the libraries' own records, which hold addresses and so keys, out of every log."""

    reason = "it did not say why"

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        if found := re.search(r"error=(\d{3})", said):
            self.reason = f"HTTP {found[1]}"
        elif "onnection error" in said:
            self.reason = "it cannot be reached"
        return False

    def __enter__(self) -> Self:
        for name in _TELLTALES:
            logging.getLogger(name).addFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        for name in _TELLTALES:
            logging.getLogger(name).removeFilter(self)


def _library() -> Any:  # noqa: ANN401 - an extra
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise ConfigError("this channel needs Apprise: pip install 'listening[alerts]'") from None
    return apprise
