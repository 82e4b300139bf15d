"""What leaves for chats, mails and webhooks, and that nothing in it bites."""

from __future__ import annotations

import json
import logging
import re
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apprise
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listening.alerts import wording
from listening.alerts.alert import Finding, Notification, Outcome, Reason
from listening.alerts.lifecycle import advance, fresh
from listening.alerts.notify import Channel, Notifier, payload, signature
from listening.alerts.rules import Severity
from listening.alerts.wording import inert
from listening.errors import ConfigError, TransientError
from listening.http import Http
from tests.alert_support import HTTP, NOON, RULE, SECRET, serving, webhook

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
OUTCOME = Outcome(
    at=NOON,
    finding=Finding.HIGH,
    kind="negative spike",
    observed=83,
    expected=11.7,
    low=6,
    high=19,
    p=2e-9,
    hours=3,
)


def told(brand: str = "Sēlija", **changes: object) -> Notification:
    _, (one,) = advance(fresh(RULE, {"brand": brand}), OUTCOME, RULE, NOON)
    return replace(one, **changes)  # type: ignore[arg-type]  # a test's own business


ONE = told()


def team(url: str, **more: object) -> Notifier:
    return Notifier(channels={"team": Channel(name="team", apprise=url)}, http=HTTP, **more)  # type: ignore[arg-type]  # likewise


def test_a_webhook_is_signed_as_the_specification_says():
    # The example that the specification's libraries are tested with.
    found = signature(
        SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', "here"
    )

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_key_is_replaced_both_sign():
    two = signature(f"{SECRET} whsec_{'A' * 32}", "id", 1, b"", "here").split()

    assert two[0] == signature(SECRET, "id", 1, b"", "here")
    assert len(two) == 2


@pytest.mark.parametrize("secret", ["", "hunter2", SECRET[6:], "whsec_!", "whsec_QUJD"])
def test_a_secret_that_is_no_key_is_refused_and_not_shown(secret):
    with pytest.raises(ConfigError, match="here: the secret must be whsec_") as caught:
        signature(secret, "id", 1, b"", "here")
    assert not secret or secret.removeprefix("whsec_") not in str(caught.value)


def test_a_webhook_carries_the_key_and_what_happened():
    with serving() as server:
        webhook(server).send("crm", [ONE])
        webhook(server).send("crm", [ONE])

    (headers, body), (_, again) = server.requests
    assert headers["webhook-id"] == ONE.key
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature(SECRET, ONE.key, stamp, body, "")
    assert body == again
    event = json.loads(body)
    assert (event["type"], event["timestamp"]) == ("alert.started", "2026-03-10T12:00:00+00:00")
    assert event["data"]["labels"]["brand"] == "Sēlija"
    assert event["data"]["outcome"]["observed"] == 83
    assert event["data"]["episode"]["started"] == "2026-03-10T12:00:00+00:00"
    assert not {"channels", "due"} & event["data"].keys()


def test_half_a_character_is_no_reason_not_to_send():
    assert json.loads(payload(told(samples=("\ud83d broken",))))


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (500, TransientError, "is in trouble"),
        (429, TransientError, "allows no more requests"),
        (401, ConfigError, "refused"),
        (410, ConfigError, "gone for good"),
        (302, ConfigError, "leads elsewhere"),
    ],
)
def test_a_refused_webhook_says_why_and_keeps_the_address_to_itself(status, kind, said):
    with serving() as server:
        server.statuses, server.location = [status], "http://127.0.0.1:9/internal"
        with pytest.raises(kind, match=said) as caught:
            webhook(server).send("crm", [ONE])

    assert len(server.requests) == 1
    assert str(caught.value).startswith("[alerts.channels.crm]")
    assert not re.search(r"127|k3y|t0ken", str(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/k3y",
        "http://169.254.169.254/k3y",
        "http://[::1]/k3y",
        "http://2130706433/k3y",
        "ftp://example.org/k3y",
        "http://",
    ],
)
@pytest.mark.usefixtures("socket_enabled")
def test_a_webhook_goes_to_no_private_address(url):
    channel = Channel(name="crm", webhook=url, secret=SECRET)
    with pytest.raises((ConfigError, TransientError)) as caught:
        Notifier(channels={"crm": channel}, http=Http(interval=0)).send("crm", [ONE])
    assert "k3y" not in str(caught.value)


def test_apprise_gets_the_words_and_the_picture():
    with serving() as server:
        notifier = team(server.url.replace("http", "json"), picture=lambda _: PNG)
        notifier.send("team", [ONE])

    ((_, body),) = server.requests
    sent = json.loads(body)
    assert sent["title"] == "(warning) Sēlija: negative spike began"
    assert sent["message"].splitlines() == [
        "83 seen, 11.7 expected (6 to 19) in 3 h, by chance 2e-09, until 2026-03-10 12:00 UTC",
        "since 2026-03-10 12:00 UTC",
        f"more: listening alerts show {ONE.fingerprint}",
    ]
    assert sent["type"] == "warning"
    (picture,) = sent["attachments"]
    assert b64decode(picture["base64"]) == PNG
    assert picture["mimetype"] == "image/png"


def test_a_picture_may_be_a_file(tmp_path: Path):
    (tmp_path / "spike.png").write_bytes(PNG)
    with serving() as server:
        url = server.url.replace("http", "json")
        team(url, picture=lambda _: tmp_path / "spike.png").send("team", [ONE])

    assert b64decode(json.loads(server.requests[0][1])["attachments"][0]["base64"]) == PNG


def test_several_are_one_message_with_a_paragraph_each():
    other = told("Zefīra", severity=Severity.CRITICAL, facts=("delivery is 61 of 83",))
    with serving() as server:
        team(server.url.replace("http", "json")).send("team", [ONE, other])

    sent = json.loads(server.requests[0][1])
    assert sent["title"] == "(critical) 2 alerts: Sēlija, Zefīra"
    first, second = sent["message"].split("\n\n")
    assert first.startswith("(warning) Sēlija: negative spike began\n83 seen")
    assert "delivery is 61 of 83" in second
    assert sent["type"] == "failure"


def test_the_end_of_an_alarm_is_good_news():
    with serving() as server:
        url = server.url.replace("http", "json")
        team(url).send("team", [replace(ONE, reason=Reason.RESOLVED)])

    assert json.loads(server.requests[0][1])["type"] == "success"


@pytest.mark.parametrize(("status", "said"), [(500, "HTTP 500"), (None, "it cannot be reached")])
def test_a_service_that_fails_is_named_and_its_address_is_not(status, said, caplog):
    caplog.set_level(logging.DEBUG)
    with serving() as server:
        url = server.url.replace("http://", "json://user:t0ken@") + "/k3y/"
        if status:
            server.statuses = [status]
            with pytest.raises(TransientError, match=said) as caught:
                team(url).send("team", [ONE])
    if not status:  # nobody listens there any more
        with pytest.raises(TransientError, match=said) as caught:
            team(url).send("team", [ONE])

    assert str(caught.value).startswith("[alerts.channels.team]: the message was not taken")
    assert not re.search("k3y|t0ken", f"{caught.value} {caplog.text} {team(url)!r}")


def test_an_address_that_apprise_does_not_know_is_not_shown(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigError, match="no address that Apprise knows") as caught:
        team("slcak://k3y/t0ken").send("team", [ONE])
    assert not re.search("k3y|t0ken", f"{caught.value} {caplog.text}")


HOSTILE = [
    *("<!channel>", "<!here|x>", "@everyone", "@here", "<@U123>", "<@&99>", "＠everyone"),
    *("&lt;!channel&gt;", "&#60;!here&#62;", "<https://evil.example|bank>", "www.evil.example"),
    *("[bank](https://evil.example)", "https://evil.example/a?b", "ftp://evil.example"),
    *("mail me: boss@evil.example", "```\n# x", "*bold* _it_ ~gone~ __init__", "#general"),
    *("<b>x</b><script>alert(1)</script>", "a\r\nBcc: victim@evil.example", "/kick all"),
    *("\u202egnp.exe", "x\0y\x1b[31m", "a\u2028b\u2029c\x85d", ":bomb: :x:", "|spoiler|"),
    *("@\u200beveryone", "<\u200b!channel>", "@\u2060here", "\ufeff<!here>"),
]
LIVE = re.compile(
    r"[<>`*~|\[\]\\]|[@#!＠]\w|://|\w\.[^\W\d]|&[\w#]|[\x00-\x1f\x7f\x85\u2028\u2029\u202a-\u202e"
    r"\u2066-\u2069]|:\w+:|(?<!\w)/\w|(?<![^\W_])_|_(?![^\W_])"
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_write_pings_links_and_formats_nothing(text):
    one = told(f"Sēlija {text}", samples=(text,), facts=(f"by {text}",), query=f'"{text}"')

    lines = [wording.title([one]), *wording.body([one, one]).splitlines()]
    assert [line for line in lines if LIVE.search(line)] == []
    assert (
        len(lines) == len(wording.body([told(samples=("a",), facts=("b",))] * 2).splitlines()) + 1
    )


@given(st.text(max_size=400))
def test_no_text_at_all_is_live_or_longer_than_a_line(text):
    found = inert(text)

    assert not LIVE.search(found)
    assert len(found.replace("\u200b", "")) <= wording.SAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "Piegāde kavējās 3 dienas, un neviens neatbildēja!",
        "შეკვეთა დაგვიანდა — 12:30-ზე მოვიდა",
        "Paslauga 4,5 iš 10 (kaina 12.50 €) & nieko gero",
        "👩‍👩‍👧 pakalpojums 👎🏽",
    ],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert inert(text) == text


def test_a_query_is_shown_where_it_can_be_copied_as_it_is():
    plain = 'brand:Amberwing sentiment:negative "late parcel"'

    assert f"to see them: {plain}" in wording.body([told(query=plain)])
    assert "to see them" not in wording.body([told(query="brand:x <!channel>")])


def test_slack_itself_would_ping_nobody():
    """With the pattern that its plugin looks for people and channels by."""
    slack = apprise.plugins.N_MGR["slack"]
    service = slack(access_token="xoxb-1234-1234-abc124", targets="#a")  # noqa: S106 - none
    for text in HOSTILE:
        said = wording.body([told(samples=(text,))])
        for pattern in (service._re_channel_support, service._re_user_id_support):
            assert not pattern.search(said)
            assert not pattern.search(said.replace("&", "&amp;"))


def test_times_are_those_of_the_rule_s_zone():
    assert "since 2026-03-10 14:00 EET" in wording.body([told(zone="Europe/Riga")])


def test_what_is_not_known_is_not_said():
    unknown = Outcome(at=NOON + timedelta(hours=1), finding=Finding.ERROR, error="no <index>")

    assert wording.figures(unknown) == "no ‹index›"
