"""The pages as people see them: in a Chromium, which must neither complain nor run anything."""

import importlib.util
import re
import shutil
import signal
import subprocess
import threading
import time
from urllib.request import urlopen

import pytest
import uvicorn
from pytest_socket import enable_socket, socket_allow_hosts

from listening.app import App, demo_settings
from listening.records import Kind
from listening.stores.sqlite import SqliteStore
from listening.web.serve import Reach, _listening, guarded
from tests.cli_support import PROGRAM, environment
from tests.web_support import MANY_HOSTILE, PAGES, filled, one

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Reports of the policy come as console errors and as events; either fails a test.
WATCH = """
window.reports = [];
document.addEventListener('securitypolicyviolation', e => window.reports.push(e.violatedDirective));
"""

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("playwright") is None,
        reason="Playwright is not installed: pip install playwright",
    ),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt install chromium"),
]


@pytest.fixture(scope="module", autouse=True)
def loopback():
    _only_loopback()


@pytest.fixture(autouse=True)
def _loopback_again(loopback):
    """Every test blocks the network anew before it begins."""
    _only_loopback()


def _only_loopback():
    """The browser's driver and the pages talk over this machine's own network, and no other."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture(scope="module")
def browser(loopback):
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not everybody has it

    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


def served(app):
    """The address of the pages, and what stops them."""
    _only_loopback()
    sock = _listening("127.0.0.1", 0)
    server = uvicorn.Server(
        uvicorn.Config(guarded(app, Reach()), log_level="error", ws="none", lifespan="off")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def stop():
        server.should_exit = True
        thread.join()
        sock.close()

    return f"http://127.0.0.1:{sock.getsockname()[1]}", stop


@pytest.fixture(scope="module")
def address(demo, loopback):
    store, _ = demo
    base, stop = served(App(demo_settings(store), creates=False))
    yield base
    stop()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, cache, loopback):
    """A store whose brand, source, segment and texts are hostile, served."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        path = tmp_path_factory.mktemp("hostile") / "store.sqlite"
        app = filled(path)
        store = SqliteStore(str(path))
        store.put(
            [
                one(10_000 + n, f"crew {text}", brand=name, kind=Kind.REVIEW, segment=name)
                for n, text in enumerate(MANY_HOSTILE)
                for name in [text[:60].strip()]
                if text.isprintable()
            ]
        )
        store.close()
        base, stop = served(app)
        yield base
        stop()


@pytest.fixture
def opened(browser):
    """Opens pages of one width and gives what went wrong in them."""
    contexts = []

    def call(width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.troubles = []
        page.on("console", lambda said: page.troubles.append(said.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("dialog", lambda dialog: (page.troubles.append(dialog.message), dialog.dismiss()))
        page.on("requestfailed", lambda asked: page.troubles.extend(broken(asked)))
        contexts.append(context)
        return page

    yield call
    for context in contexts:
        context.close()


def broken(asked):
    """What failed, but for what the browser gave up itself to open the next page."""
    return [] if asked.failure == "net::ERR_ABORTED" else [f"{asked.url}: {asked.failure}"]


def quiet(page):
    return [*page.troubles, *page.evaluate("window.reports")] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_load_without_complaint_and_nothing_overflows(opened, address, width, scheme):
    page = opened(width, scheme)

    for path in (*PAGES, "/?brand=Medus&by=day", "/mentions?q=bag%C4%81%C5%BEa"):
        assert page.goto(address + path).status == 200
        assert quiet(page), page.troubles
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_bar_opens_the_mentions_that_it_counts(opened, address):
    page = opened()
    page.goto(f"{address}/")
    bar = page.locator(".chart .plot a:has(rect.negative)").nth(1)
    told = bar.locator("title").text_content()
    bar.click()

    assert f"{int(page.locator('#total').text_content())} negative of" in told
    assert "sentiment=negative" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_chart_tells_its_figures_at_once_and_inside_the_page(opened, address, width, scheme):
    page = opened(width, scheme)
    page.goto(f"{address}/surveys")
    tip = page.locator(".tip")
    bars = page.locator(".chart").first.locator(".plot a:has(rect)")
    for bar in (bars.first, bars.last):
        bar.hover()
        place = tip.bounding_box()
        assert re.fullmatch(r"[\d,]+ answered \d+", tip.text_content())
        assert place["x"] >= 0
        assert place["x"] + place["width"] <= width
    bars.first.focus()
    assert tip.text_content() == bars.first.get_attribute("aria-label")
    page.keyboard.press("Escape")

    assert tip.is_hidden()
    colour = {"light": "rgb(29, 150, 128)", "dark": "rgb(53, 184, 159)"}[scheme]
    fill = "getComputedStyle(document.querySelector('rect.positive')).fill"
    assert page.evaluate(fill) == colour
    assert quiet(page), page.troubles


def test_without_the_script_a_chart_tells_and_leads_all_the_same(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/?by=week")
    bar = page.locator(".chart .plot a:has(rect.positive)").first
    told = bar.locator("title").text_content()
    bar.click()

    assert f"{int(page.locator('#total').text_content())} positive of" in told
    context.close()


def test_a_marketer_searches_narrows_and_goes_back(opened, address):
    page = opened()
    page.goto(f"{address}/mentions")
    page.get_by_role("searchbox").first.fill("bagāža OR crew")
    page.get_by_role("button", name="Show").click()
    total = int(page.locator("#total").text_content())
    assert total == page.locator("article.hit").count()
    assert page.locator("article.hit mark").count() >= total
    narrowed = page.locator(".facets li a", has_text="Amberwing").first
    count = int(narrowed.locator(".count").text_content())
    narrowed.click()
    assert int(page.locator("#total").text_content()) == count < total
    page.locator(".facets a[aria-current]").click()
    assert int(page.locator("#total").text_content()) == total
    assert quiet(page)


def test_a_wrong_query_shows_where_and_can_be_mended(opened, address):
    page = opened()
    page.goto(f"{address}/mentions?q=(crew")

    assert page.locator(".typed mark").is_visible()
    page.get_by_role("searchbox").fill("(crew)")
    page.get_by_role("button", name="Search").click()
    assert int(page.locator("#total").text_content()) > 0


def test_hostile_texts_run_nothing(opened, hostile):
    page = opened()
    seen = 0

    def looked_at(path):
        assert page.goto(hostile + path).status == 200
        page.mouse.move(400, 500)
        assert quiet(page), (path, page.troubles)
        assert page.title().endswith("· Listening")
        assert page.locator("script:not([src^='/static/']), iframe, object, embed").count() == 0
        assert page.evaluate("location.origin") == hostile

    for path in (*PAGES, "/?q=crew", "/query?q=crew", "/jobs", "/people", "/alerts/rules"):
        looked_at(path)
    following = "/mentions?q=crew&limit=200&apart=1"
    while following:
        looked_at(following)
        seen += page.locator("article.hit").count()
        older = page.locator("a[rel=next]")
        following = older.get_attribute("href") if older.count() else ""
    assert seen > len(MANY_HOSTILE) > 500


def test_the_command_serves_until_it_is_interrupted(demo):
    command = [*PROGRAM, "serve", "--store", str(demo[0]), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as running:
        assert running.stdout is not None
        said = re.match(r"Serving on (http://127\.0\.0\.1:\d+/) ", running.stdout.readline())
        assert said
        with urlopen(said[1], timeout=10) as page:  # noqa: S310 - our own address
            assert b"What people say" in page.read()
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0


def test_a_keyboard_reaches_the_content_first(opened, address):
    page = opened()
    page.goto(f"{address}/")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
