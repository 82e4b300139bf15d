import ast
import asyncio
import importlib.util
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from jinja2 import Environment
from pytest_socket import enable_socket, socket_allow_hosts

from listening import query
from listening.records import Kind
from listening.views.figures import change, net, share
from listening.web import locale, locale_terms
from listening.web.locale import (
    CATALOGS,
    COOKIE,
    LANGUAGES,
    _,
    gettext,
    in_html,
    ngettext,
    speaking,
)
from listening.web.locale_query import describe
from listening.web.render import HERE
from tests.test_web_browser import CHROMIUM, served
from tests.web_support import PAGES, client, filled, over

ROOT = Path(__file__).parent.parent
OTHERS = [tag for tag in LANGUAGES if tag != "en"]
ALL = (
    *dict.fromkeys((*PAGES, "/alerts", "/alerts/rules", "/alerts/rule", "/jobs")),
    *("/query", "/query?q=crew&examples=my+crew", "/mentions/all?brand=Amberwing"),
    *("/mentions?q=crew+OR+bag%C4%81%C5%BEa&kind=review&sort=positive", "/people", "/account"),
)
WRONG = ("/mentions?q=(crew", "/no-such-page")
EMPTY = ("/?q=nobodysaysthis", "/mentions?q=nobodysaysthis", "/surveys?q=nobodysaysthis")
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")
SAYS = {"_", "gettext", "ngettext"}
TAG = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def app(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield filled(tmp_path_factory.mktemp("web") / "store.sqlite")


@pytest.fixture
def pages(app):
    """A browser of its own for each test, since it keeps a cookie."""
    return client(app)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """All messages of the code and the templates, as ``make messages`` finds them."""
    found = tmp_path_factory.mktemp("messages") / "messages.pot"
    options = ["--mapping-file", str(ROOT / "pyproject.toml"), "--keywords", "N_"]
    CommandLineInterface().run(
        ["pybabel", "-q", "extract", *options, "-o", str(found), str(ROOT / "listening")]
    )
    return messages(found)


def messages(path):
    with path.open("rb") as source:
        return [message for message in read_po(source) if message.id]


def catalog(tag):
    with (CATALOGS / tag / "LC_MESSAGES" / "messages.po").open("rb") as source:
        return read_po(source, locale=tag)


def forms(text):
    return text if isinstance(text, tuple) else (text,)


@pytest.mark.parametrize("tag", OTHERS)
def test_everything_the_pages_say_is_translated_and_nothing_else_is_kept(extracted, tag):
    ours = catalog(tag)
    said = {message.id: message for message in ours if message.id}

    assert {message.id for message in extracted} - set(said) == set(), "run make messages"
    assert set(said) - {message.id for message in extracted} == set(), "run make messages"
    assert [one.id for one in said.values() if not all(forms(one.string))] == []
    assert [one.id for one in said.values() if one.fuzzy] == []
    assert list(ours.obsolete) == []


def test_messages_are_said_when_a_page_is_made_and_stand_where_they_are_found():
    """At import there is no request yet; inside an f-string not every Python shows them."""
    hidden = [
        f"{path.name}:{call.lineno}"
        for path in sorted((ROOT / "listening").rglob("*.py"))
        for outer in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(outer, ast.JoinedStr | ast.Module)
        for call in said_in(outer)
    ]

    assert hidden == []


def said_in(outer):
    """The calls of ``_`` and ``ngettext`` in it; of a module, only those outside of functions."""
    left = [outer]
    while left:
        node = left.pop()
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in SAYS:
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_keep_placeholders_and_tags_and_break_no_attribute(tag):
    for message in catalog(tag):
        for source in forms(message.id) if message.id else ():
            for text in filter(None, forms(message.string)):
                assert sorted(set(PLACEHOLDER.findall(source))) == sorted(
                    set(PLACEHOLDER.findall(text))
                ), text
                assert Counter(TAG.findall(source)) == Counter(TAG.findall(text)), text
                assert '"' not in TAG.sub("", text), text
                assert "<" not in TAG.sub("", text), text


@pytest.mark.parametrize("tag", OTHERS)
def test_the_forms_of_a_plural_are_as_many_as_the_language_has(tag):
    ours = catalog(tag)

    for message in ours:
        if message.id and message.pluralizable:
            assert len(forms(message.string)) == ours.num_plurals == {"ka": 1}.get(tag, 3)


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("en", ["0 items", "1 item", "2 items", "11 items", "21 items", "1,111 items"]),
        ("lv", ["0 ierakstu", "1 ieraksts", "2 ieraksti", "11 ieraksti", "21 ieraksts"]),
        ("lt", ["0 įrašų", "1 įrašas", "2 įrašai", "11 įrašų", "21 įrašas", "1 111 įrašų"]),
        ("ka", ["0 ჩანაწერი", "1 ჩანაწერი", "2 ჩანაწერი", "11 ჩანაწერი", "21 ჩანაწერი"]),
    ],
)
def test_a_number_takes_the_form_that_goes_with_it(tag, said):
    with speaking(tag):
        for number, expected in zip((0, 1, 2, 11, 21, 1111), said, strict=False):
            found = ngettext("%(num)s item", "%(num)s items", number)
            assert found.replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", ["1,234.5", "9 Oct 2026", "9–12 Oct 2026", "9 Oct 2026, 15:05"]),
        ("ka", ["1 234,5", "9 ოქტ. 2026", "9–12 ოქტ, 2026", "9 ოქტ. 2026, 15:05"]),
        (
            "lv",
            [
                "1 234,5",
                "2026. gada 9. okt.",
                "2026. gada 9.–12. okt.",
                "2026. gada 9. okt. 15:05",
            ],
        ),
        ("lt", ["1 234,5", "2026-10-09", "2026 spal. 9–12", "2026-10-09 15:05"]),
    ],
)
def test_figures_and_days_are_written_as_the_language_writes_them(tag, written):
    first, last = date(2026, 10, 9), date(2026, 10, 12)
    noon = datetime(2026, 10, 9, 12, 5, tzinfo=UTC)
    with speaking(tag):
        said = (
            locale.number(1234.5, 1),
            locale_terms.day(first),
            locale_terms.span(first, last),
            locale_terms.clock(noon, "Europe/Riga"),
        )

    assert [re.sub(r"\s", " ", one) for one in said] == written


def test_a_figure_has_its_margin_or_the_reason_why_it_has_none():
    few, many = net(2, 1, 4), net(900, 300, 2000)
    with speaking("lv"):
        assert locale_terms.points(few) == "par maz"
        assert locale_terms.points(many) == "+30 ± 3"
        assert locale_terms.percent(share(400, 1000)) == "40 % ± 3"
        assert locale_terms.change_of(change(many, net(300, 900, 2000))) == "▲ +60"
        assert locale_terms.change_of(change(many, few)) == "par maz"
    with speaking("en"):
        assert locale_terms.points(few) == "too few"


def test_a_language_that_has_no_name_here_is_called_by_its_tag():
    with speaking("lt"):
        said = [locale_terms.language(tag) for tag in ("en-GB", "und", "x1", "<b>", "sr-Latn")]

    assert said == ["Anglų (Jungtinė Karalystė)", "neaišku", "x1", "<b>", "Serbų (sr-Latn)"]


def test_what_a_message_is_filled_with_is_escaped_and_its_own_tags_are_not():
    say = in_html(gettext)

    assert say("<b>%(brand)s</b>", brand="<script>") == "<b>&lt;script&gt;</b>"
    assert _("%(share)s %% of 100 %", share=5) == "5 % of 100 %"
    assert in_html(ngettext)("%(num)s item", "%(num)s items", 2000) == "2,000 items"


@pytest.mark.parametrize("tag", LANGUAGES)
@pytest.mark.parametrize("path", [*ALL, *EMPTY, *WRONG])
def test_every_page_is_in_the_language_chosen(pages, path, tag):
    pages.cookies.set(COOKIE, tag)
    response = pages.get(path)

    assert response.status_code == (200 if path not in WRONG else 400 if "q=" in path else 404)
    assert f'<html lang="{tag}">' in response.text
    if tag != "en":
        assert english(response.text, tag) == []


def english(html, tag):
    """Messages of several words that the page says in English although they are translated."""
    shown = re.sub(r"<[a-z]+[^>]* lang=\"en\">.*?</", "</", html, flags=re.DOTALL)
    return [
        source
        for message in catalog(tag)
        for source, text in zip(forms(message.id), forms(message.string), strict=False)
        if " " in source and "%" not in source and source != text and source in shown
    ]


def test_no_template_says_a_word_that_cannot_be_translated():
    """Code, and names that are the same in every language, may stand there as they are."""
    unmarked = {
        f"{path.name}: {text}"
        for path in sorted((HERE / "templates").glob("*.html"))
        for text in words(path.read_text("utf-8"))
        if not re.fullmatch(r"\W*(Listening|API|CSV|JSON|n)?\W*", text)
    }

    assert unmarked == set()


def words(template):
    tokens = Environment().lex(template)  # noqa: S701 - nothing is rendered
    html = "".join(value if kind == "data" else "\0" for _line, kind, value in _outside(tokens))
    html = re.sub(r"<(code|pre|kbd)\b.*?</\1>|<!--.*?-->", "", html, flags=re.DOTALL)
    told = re.findall(r'\b(?:title|aria-label|placeholder|alt)="([^"]*)"', html)
    shown = re.split(r"<[^>]*>|\0|&\w+;|\n", re.sub(r'"[^"]*"', "", html))
    told = [text for text in told if not re.search(" OR |[=:]", text)]  # examples of queries
    return [text.strip() for text in [*told, *shown] if re.search(r"[^\W\d_]{2}", text)]


def _outside(tokens):
    """Without what stands in ``{% trans %}`` blocks."""
    inside, opened = False, False
    for token in tokens:
        opened = token[1] == "block_begin" or (opened and token[1] == "whitespace")
        if token[1] == "name" and token[2] in {"trans", "endtrans"}:
            inside = token[2] == "trans"
        if not inside and token[1] in {"data", "variable_end", "block_end"}:
            yield token


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", "en"),
        ("ka", "ka"),
        ("lv-LV,lv;q=0.9,en;q=0.8", "lv"),
        ("de-DE,de;q=0.9,lt;q=0.5,en;q=0.4", "lt"),
        ("en;q=0.2, ka;q=0.7", "ka"),
        ("lt;q=0,lv;q=0.1", "lv"),
        ("fr,de", "en"),
        ("lv;q=high, *;;;, ,;q=1", "en"),
        ("lv" * 400, "en"),
    ],
)
def test_without_a_choice_the_browser_says_which_language(pages, header, tag):
    html = pages.get("/sources", headers={"Accept-Language": header}).text

    assert f'<html lang="{tag}">' in html


def test_the_switch_keeps_the_filters_and_is_remembered(pages):
    address = (
        "/mentions?q=crew+OR+%22call+centre%22&brand=Me%22dus+%26+S%C3%B6hne&sentiment=negative"
    )
    english = pages.get(address)
    link = re.search(r'<a href="([^"]+)" hreflang="lv"', english.text)
    assert link
    there = pages.get(link[1].replace("&amp;", "&"))

    assert there.status_code == 303
    assert there.headers["location"] == address
    latvian = pages.get(address, headers={"Accept-Language": "ka"})
    assert '<html lang="lv">' in latvian.text
    assert total(latvian.text) == total(english.text)


def total(html):
    found = re.search(r'<b id="total">(.*?)</b>', html)
    assert found
    return found[1]


def test_the_cookie_is_for_this_site_only_and_no_script_reads_it(pages):
    said = pages.get("/?ui=ka").headers["set-cookie"].casefold().split("; ")

    assert said[0] == f"{COOKIE}=ka"
    assert {"httponly", "samesite=lax", "path=/", "max-age=31536000"} <= set(said)


@pytest.mark.parametrize("tag", ["xx", "", "en_US", "../en", "<b>"])
def test_a_language_that_there_is_not_changes_nothing(pages, tag):
    response = pages.get("/sources", params={"ui": tag})

    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert '<html lang="en">' in response.text


def test_a_broken_cookie_is_left_alone(pages):
    pages.cookies.set(COOKIE, "xx")

    assert '<html lang="lt">' in pages.get("/", headers={"Accept-Language": "lt"}).text


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/what?&ā/"])
def test_the_switch_leads_back_and_never_to_another_site(path):
    """Asked as a server would, since a client tidies such addresses up."""
    sent = []

    async def ask():
        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "root_path": "",
            "query_string": b"ui=lv",
            "headers": [(b"host", b"localhost")],
        }
        await locale.Speaking(_unused)(scope, _unused, send)

    asyncio.run(ask())
    location = dict(sent[0]["headers"])[b"location"].decode()

    assert urlsplit(location) == ("", "", "/" + quote(path.lstrip("/\\")), "", "")


async def _unused(*_):
    raise AssertionError


def test_programs_are_answered_in_english(pages):
    pages.cookies.set(COOKIE, "ka")
    response = pages.get("/api/search?q=(crew&ui=lv", headers={"Accept-Language": "lt"})

    assert response.status_code == 400
    assert "set-cookie" not in response.headers
    assert response.json()["message"].isascii()


def test_numbers_dates_and_names_of_a_page_are_those_of_its_language(pages):
    pages.cookies.set(COOKIE, "lv")
    html = pages.get("/mentions?language=lv&kind=review&sentiment=negative").text

    assert "negatīvs 80 %" in html
    assert re.search(r"2026. gada \d+. okt. \d\d:\d\d", html)
    assert ">Latviešu<" in html
    assert "recenzija" in html
    assert f">{Kind.REVIEW}<" not in html


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bagāža", "„bagāža” jebkurā formā"),
        ('"lost bag" OR late*', "„lost bag” jebkurā formā vai vārds, kas sākas ar „late”"),
        (
            "(late* OR slow*) NEAR/5 flight* lang:lv",
            (
                "(vārds, kas sākas ar „late” vai vārds, kas sākas ar „slow”) un tuvumā "
                "vārds, kas sākas ar „flight”, pa vidu ne vairāk kā 5 vārdi un valoda: Latviešu"
            ),
        ),
        ("-brand:Medus nps:0..6", "bez: zīmols: Medus un NPS: 0..6"),
        ("after:2026-10-09 tag:any", "no 2026. gada 9. okt. un birka: jebkurš"),
        ("kind:review sentiment:negative", "veids: recenzija un noskaņojums: negatīvs"),
    ],
)
def test_what_a_query_finds_is_said_in_the_language(text, meaning):
    node = query.parse(text)
    with speaking("lv"):
        assert describe(node) == meaning
    assert describe(node) == query.describe(node)


@pytest.mark.skipif(
    importlib.util.find_spec("playwright") is None or CHROMIUM is None,
    reason="needs Playwright and a Chromium",
)
def test_on_a_phone_nothing_reaches_beyond_the_edge_in_any_language(app):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not everybody has it

    enable_socket()
    socket_allow_hosts(["127.0.0.1", "::1"])
    base, stop = served(over(app.settings.store, app.settings.folder))
    try:
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for tag in OTHERS:
                page = browser.new_page(viewport={"width": 390, "height": 800}, locale=tag)
                for path in ALL:
                    page.goto(base + path)
                    assert page.get_attribute("html", "lang") == tag
                    assert page.evaluate("document.documentElement.scrollWidth") <= 390, (tag, path)
                page.get_by_role("link", name="English", exact=True).click()
                assert page.get_attribute("html", "lang") == "en"
            browser.close()
    finally:
        stop()
