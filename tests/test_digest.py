"""The report as a document, and the mail of a week: the figures of the JSON, sent once."""

import json
import re
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from io import BytesIO
from types import MappingProxyType

import pytest
from pypdf import PdfReader

from listening import settings
from listening.alerts.alert import Finding
from listening.alerts.ledger import Ledger
from listening.alerts.weekly import Weekly
from listening.app import App
from listening.digest import Format, compose, written
from listening.digest.post import Post, Status
from listening.errors import ConfigError, TransientError
from tests.alert_support import SECRET, serving, tick
from tests.test_charts import size
from tests.web_support import HOSTILE, filled, one

MONDAY = datetime(2026, 10, 12, 9, tzinfo=UTC)  # the week before it is in the store
GEORGIAN = "ბარგი დაკარგეს"


@pytest.fixture(scope="module")
def app(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield filled(tmp_path_factory.mktemp("digest") / "store.sqlite")


@pytest.fixture(scope="module")
def report(app):
    return app.report(app.where(""))


def markdown(report, alerts=()):
    return written(report, alerts, Format.MD).decode()


def signed(value):
    return f"{'−' if round(value) < 0 else '+' if round(value) > 0 else ''}{abs(round(value))}"


# Documents


def test_markdown_has_the_figures_of_the_json(report):
    found, said = report.as_json(), markdown(report)
    rows = {line.split(" | ")[0].strip("| "): line for line in said.splitlines() if "|" in line}

    net = found["overall"]["net"]
    margin = (net["high"] - net["low"]) / 2
    assert f"| Feedback | {found['overall']['items']} |" in said
    assert f"| Net sentiment | {signed(net['value'])} ± {margin:.0f} | n = {net['n']} |" in said
    for table in found["surveys"]:
        assert f"| n = {table['overall']['n']} |" in said
    amberwing = next(one for one in found["brands"] if one["name"] == "Amberwing")
    assert f"| Amberwing | {amberwing['sentiment']['items']} |" in said
    assert all(brand["headline"].split(":")[1] in said for brand in found["brands"])
    for row in found["languages"]:
        counts = [row["items"], row["negative"], row["neutral"], row["positive"]]
        assert rows[row["key"][0]].split(" | ")[1:5] == [str(count) for count in counts]


def test_each_step_of_the_chart_is_a_row_of_the_markdown(report):
    said = markdown(report)

    assert said.count("\n| ") > len(report.over_time)
    for row in report.over_time:
        assert f" | {row.items} | {row.negative} | {row.neutral} | {row.positive} | " in said


def test_html_needs_nothing_but_itself(report):
    html = written(report, (), Format.HTML).decode()

    sources = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^" >)]{1,40})', html)
    assert [one for one in sources if one.startswith("data:image/png;base64,")] != []
    assert {one.split(":")[0] for one in sources} <= {"data", "https", "http", "HTTP"}
    assert not re.search(r"<script|<link|@import|\son\w+=|javascript:", html)
    assert GEORGIAN in html


def test_a_pdf_has_every_alphabet_as_text(report):
    said = "".join(page.extract_text() for page in pdf(written(report, (), Format.PDF)).pages)

    assert GEORGIAN in said
    assert "Bagāža pazuda, un reisā" in said
    assert "Net sentiment and volume by week" in said
    assert f"n = {report.overall.net.n}" in said


def pdf(content):
    return PdfReader(BytesIO(content))


def test_emoji_and_letters_in_a_pdf_come_from_fonts_that_have_them(tmp_path, cache, report):
    sample = replace(report.complaints[0].samples[0], text="Šķūnī įžūlūs ūdrai 😡👍 და ბარგი")
    topic = replace(report.complaints[0], samples=(sample,))
    found = pdf(written(replace(report, complaints=(topic,)), (), Format.PDF))
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in found.pages
        for font in page["/Resources"]["/Font"].values()
    }

    assert {re.sub(r"^/\w+\+|-.*$", "", name) for name in fonts} == {"DejaVuSans", "NotoEmoji"}
    assert "😡" in "".join(page.extract_text() for page in found.pages)


def test_the_picture_is_the_chart_with_its_title(report):
    content = written(report, (), Format.PNG)

    assert size(content)[0] > 1440
    assert compose.over_time(report, titled=True)["title"]["text"].endswith("by week")


@pytest.mark.parametrize("form", [Format.HTML, Format.MD, Format.PDF])
def test_what_people_write_is_text_in_a_document(report, form):
    samples = [
        replace(report.complaints[0].samples[0], text=text, url="javascript:alert(1)")
        for text in HOSTILE
    ]
    topic = replace(report.complaints[0], samples=tuple(samples), brand="#[x](http://evil.example)")
    content = written(replace(report, complaints=(topic,)), (), form)

    if form is Format.HTML:
        assert not re.search(rb"<(script|img src=x|iframe|meta http|base|form|svg)", content)
        assert b"javascript:alert" not in re.sub(rb"<p>.*?</p>", b"", content)
    if form is Format.MD:
        assert not re.search(rb"(?<!\\)\]\(http://evil", content)
        assert not re.search(rb"(?<!\\)<(?!https?:)", content)
    if form is Format.PDF:
        assert "{{ 7*7 }}" in "".join(page.extract_text() for page in pdf(content).pages)


def test_open_alerts_of_its_brands_are_in_it(app, report, tmp_path):
    ledger = Ledger(app.store)
    entry = tick(ledger, Finding.HIGH, MONDAY)
    assert entry.alert.is_firing
    mine = replace(entry, alert=replace(entry.alert, labels={"rule": "x", "brand": "Amberwing"}))

    assert "40 seen, 8 expected" in markdown(report, [mine])
    assert "Open alerts" not in markdown(report, [entry])


def test_nothing_found_is_said(app):
    assert "Nothing was found" in markdown(app.report(app.where("unfindable")))


# The week


@pytest.mark.parametrize(
    ("weekday", "at", "now", "since", "until"),
    [
        ("monday", "08:00", "2026-10-12T08:00+03:00", "2026-10-05", "2026-10-12"),
        ("monday", "08:00", "2026-10-12T07:59+03:00", "2026-09-28", "2026-10-05"),
        ("monday", "08:00", "2026-10-18T23:59+03:00", "2026-10-05", "2026-10-12"),
        ("sunday", "00:00", "2026-10-17T21:00+00:00", "2026-10-11", "2026-10-18"),
        ("friday", "18:30", "2026-10-26T12:00+02:00", "2026-10-16", "2026-10-23"),
    ],
)
def test_the_week_that_was_due_last(weekday, at, now, since, until):
    week = Weekly(weekday=weekday, time=at).due(datetime.fromisoformat(now), "Europe/Riga")

    assert (week.since, week.until) == (date.fromisoformat(since), date.fromisoformat(until))
    assert week.key == until


def test_the_schedule_is_a_cron_line():
    assert Weekly(weekday="monday", time="08:05").cron() == "5 8 * * 1"
    assert Weekly(weekday="sunday", time="23:00").cron() == "0 23 * * 0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('channels = ["tema"]', r"\[digest\]: there is no channel 'tema' \(known: crm\)"),
        ('time = "8 o\'clock"', r"\[digest\]: time = .* is none; write e.g. \"08:00\""),
        ('weekday = "mon"', r"\[digest\]: weekday|weekday = 'mon'"),
        ('site = "listening.example"', "is no address; write e.g."),
        ('weekdays = "monday"', "unknown key 'weekdays'; did you mean 'weekday'"),
    ],
)
def test_a_mistake_in_the_settings_says_the_mend(tmp_path, line, message):
    path = tmp_path / "listening.toml"
    path.write_text(CHANNEL + f"[digest]\n{line}\n")

    with pytest.raises(ConfigError, match=message):
        settings.load(path)


# Sending

CHANNEL = """
zone = "Europe/Riga"
internal_hosts = ["127.0.0.1"]
[alerts.channels.crm]
webhook = { env = "CRM" }
secret = { env = "CRM_SECRET" }
"""


@pytest.fixture
def week(app, tmp_path):
    """Makes the mail of a week, with the webhook and whatever Apprise address is given."""

    def made(url, more="", apprise="", **environ):
        table = "channels = [" + ('"crm"' if not apprise else '"crm", "team"') + "]"
        team = '[alerts.channels.team]\napprise = { env = "TEAM" }\n' if apprise else ""
        path = tmp_path / "listening.toml"
        path.write_text(f"{CHANNEL}{team}[digest]\n{table}\n{more}")
        store = tmp_path / "store.sqlite"
        if not store.exists():
            filled(store)
        secrets = {"CRM": f"{url}/hook", "CRM_SECRET": SECRET, "TEAM": apprise, **environ}
        chosen = replace(settings.load(path), store=str(store))
        return App(chosen, creates=False, environ=MappingProxyType(secrets))

    return made


def test_a_week_is_sent_once_however_often_it_is_sent(week):
    with serving() as server:
        app = week(server.url)
        first = Post(app, MONDAY).send()
        again = [Post(app, MONDAY + timedelta(days=n)).send() for n in (0, 3, 6)]
        late = Post(app, MONDAY + timedelta(days=7)).send()

    assert [one.status for one in first] == [Status.SENT]
    assert {one.status for run in again for one in run} == {Status.BEFORE}
    assert [one.status for one in late] == [Status.SENT]
    assert server.ids == ["digest-2026-10-12", "digest-2026-10-19"]


def test_a_webhook_gets_the_report_of_the_week_as_json(week):
    with serving() as server:
        app = week(server.url, 'brand = ["Amberwing"]')
        Post(app, MONDAY).send()
    event = json.loads(server.requests[0][1])

    assert event["type"] == "digest.sent"
    assert event["data"]["period"]["since"] == "2026-10-05"
    assert event["data"]["period"]["until"] == "2026-10-12"
    assert event["data"]["comparison"]["before_since"] == "2026-09-28"
    assert [brand["name"] for brand in event["data"]["brands"]] == ["Amberwing"]
    where = app.where("brand:Amberwing after:2026-10-04T21:00Z before:2026-10-11T21:00Z")
    assert event["data"]["overall"]["items"] == app.search(where, limit=200).total


def test_what_one_channel_does_not_take_only_it_gets_again(week):
    with serving() as server, serving() as chat:
        app = week(server.url, apprise=chat.url.replace("http", "json"))
        chat.statuses = [500, 200]
        first = {one.channel: one for one in Post(app, MONDAY).send()}
        second = {one.channel: one.status for one in Post(app, MONDAY).send()}

    assert first["crm"].status is Status.SENT
    assert isinstance(first["team"].error, TransientError)
    assert second == {"crm": Status.BEFORE, "team": Status.SENT}
    assert (len(server.requests), len(chat.requests)) == (1, 2)


def test_several_that_send_at_once_send_one(week):
    with serving() as server:
        posts = [Post(week(server.url), MONDAY) for _ in range(4)]
        done = []
        threads = [threading.Thread(target=lambda p=p: done.extend(p.send())) for p in posts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.requests) == 1
    assert [one.status for one in done].count(Status.SENT) == 1


def test_one_that_was_killed_while_sending_is_followed_by_another_later(week):
    with serving() as server:
        app = week(server.url)
        post = Post(app, MONDAY)
        post._keep("crm", {"until": (datetime.now(UTC) + timedelta(minutes=4)).isoformat()})
        soon = Post(app, MONDAY).send()
        post._keep("crm", {})
        post._keep("crm", {"until": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()})
        later = Post(app, MONDAY).send()

    assert [one.status for one in (*soon, *later)] == [Status.CLAIMED, Status.SENT]


def test_a_chat_gets_words_in_which_nothing_bites(week):
    with serving() as server, serving() as chat:
        app = week(server.url, apprise=chat.url.replace("http", "json"))
        app.store.put(
            [
                one(9_000 + n, f"<!channel> @everyone {n}", created_at=MONDAY - timedelta(days=2))
                for n in range(60)
            ]
        )
        Post(app, MONDAY).send()
    sent = json.loads(chat.requests[0][1])

    assert sent["title"] == "What people say: 5 to 11 Oct 2026 (Europe/Riga)"
    assert "Net sentiment" in sent["message"]
    assert not re.search(r"<!channel|@everyone", sent["message"])
    assert [one["filename"] for one in sent["attachments"]] == ["over-time.png"]


def test_mail_shows_the_picture_in_its_text(week):
    with serving() as server, mailbox() as (port, mails):
        url = f"mailto://127.0.0.1:{port}/?from=a@example.org&to=b@example.org&mode=insecure"
        app = week(server.url, 'site = "https://listening.example"', apprise=url)
        done = Post(app, MONDAY).send()
    assert [str(one.error or one.status) for one in done] == ["sent", "sent"]

    mail = message_from_bytes(mails[0], policy=policy.default)
    (text,) = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    html = text.get_content()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert '<img src="cid:over-time.png"' in html
    assert picture["Content-ID"] == "<over-time.png>"
    assert picture.get_content().startswith(b"\x89PNG")
    assert "https://listening.example/?since=2026-10-05&amp;to=2026-10-11" in html
    assert GEORGIAN in html
    assert str(mail["subject"]).startswith("What people say: 5 to 11 Oct 2026")


@contextmanager
def mailbox():
    """A mail server of a few commands, and what it took."""
    mails = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                command = line[:4].upper().strip()
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    mails.append(
                        b"".join(
                            one.removeprefix(b".") if one[:2] == b".." else one for one in lines
                        )
                    )
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 well\r\n")
                if command == b"QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server.server_address[1], mails
        server.shutdown()


# The command line


def test_a_report_as_a_file(listening, app, tmp_path):
    base = ("--store", app.settings.store, "report")
    for name, start in (("a.html", b"<!doctype html>"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")):
        done = listening(*base, "-o", name, "--json")
        assert (tmp_path / name).read_bytes().startswith(start)
        assert done.row == {"written": name, "bytes": (tmp_path / name).stat().st_size}
    listening(*base, "brand:Amberwing", "--by", "day", "--format", "md", "-o", "b.txt")
    assert '· brand:"Amberwing"' in (tmp_path / "b.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "a.docx"), "ends in no format; add --format, one of html, png, pdf, md"),
        (("--format", "pdf", "--json"), "name a file with -o FILE"),
    ],
)
def test_a_file_that_cannot_be_says_why(listening, app, arguments, message):
    done = listening("--store", app.settings.store, "report", *arguments)

    assert done.code == 2
    assert message in done.err


def test_the_digest_by_hand(listening, week, monkeypatch, tmp_path):
    with serving() as server:
        week(server.url)
        monkeypatch.setenv("CRM", f"{server.url}/hook")
        monkeypatch.setenv("CRM_SECRET", SECRET)
        dry = listening("digest", "send", "--dry-run", "--json", "--store", "store.sqlite")
        nothing = len(server.requests)
        sent = listening("digest", "send", "--json", "--store", "store.sqlite")
        again = listening("digest", "send", "--store", "store.sqlite")

    assert (dry.code, nothing) == (0, 0)
    assert dry.row["channels"] == [{"channel": "crm", "status": "due", "error": None}]
    assert dry.row["title"].startswith("What people say")
    assert sent.row["channels"][0]["status"] == "sent"
    assert "crm: sent before" in again.out
    assert len(server.requests) == 1


def test_a_channel_that_fails_is_an_exit_code(listening, week, monkeypatch):
    with serving() as server:
        server.statuses = [503]
        week(server.url)
        monkeypatch.setenv("CRM", f"{server.url}/hook")
        monkeypatch.setenv("CRM_SECRET", SECRET)
        busy = listening("digest", "send", "--json", "--store", "store.sqlite")
        monkeypatch.delenv("CRM_SECRET")
        wrong = listening("digest", "send", "--json", "--store", "store.sqlite")

    assert (busy.code, wrong.code) == (75, 2)
    assert "CRM_SECRET is not set; export it" in wrong.row["channels"][0]["error"]


def test_without_channels_the_mend_is_said(listening, app):
    done = listening("digest", "send", "--store", app.settings.store)

    assert done.code == 2
    assert "write [digest] with channels" in done.err
