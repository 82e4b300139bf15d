"""A morning's work on Mentions, in a Chromium that must not complain."""

import re

import pytest

from listening.stores.sqlite import SqliteStore
from listening.web.asked import Asked
from tests.test_web_browser import (  # noqa: F401 - fixtures
    _loopback_again,
    browser,
    loopback,
    opened,
    pytestmark,
    served,
)
from tests.test_web_mentions import prepared, total
from tests.web_support import over


@pytest.fixture
def desk(tmp_path, loopback):  # noqa: F811 - a fixture
    store = SqliteStore(str(tmp_path / "store.sqlite"))
    app = prepared(store, over(str(tmp_path / "store.sqlite"), tmp_path))
    base, stop = served(app)
    yield app, base
    stop()
    store.close()


def found(page):
    return int(page.locator("#total").inner_text().replace(",", ""))


@pytest.mark.parametrize("width", [1280, 390])
def test_a_mornings_work(desk, opened, width):  # noqa: F811 - a fixture
    app, base = desk
    page = opened(width)
    search_for_coffee(page, base)
    ticked = tag_all_on_the_page(page, app)
    work_on_the_first(page, app)
    save_and_open_the_search(page, on_a_phone=width < 860)
    assert found(page) == ticked
    take_the_tag_from_all(page, ticked)
    assert total(app, tag=("vip",)) == 0
    assert total(app, tag=("cold coffee",)) == ticked
    look_at_copies(page, base)
    build_a_query(page, base)
    for path in ("/mentions?q=coffee", "/mentions/all?q=coffee", "/query?q=coffee"):
        fits(page, base + path, width)
    assert page.troubles == []
    assert page.evaluate("window.reports") == []


def search_for_coffee(page, base):
    page.goto(f"{base}/mentions")
    page.get_by_label("Search", exact=True).fill("coffee")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Why it was found").first.click()
    assert page.get_by_text("it has “coffee” for coffee").first.is_visible()


def tag_all_on_the_page(page, app):
    page.get_by_text("Change many").click()
    page.get_by_label("tick all on this page").check()
    ticked = page.locator('input[name="ids"]:checked').count()
    page.get_by_label("Add tags").fill("vip, cold coffee")
    page.locator("#bulk").get_by_label("Status").select_option("open")
    page.get_by_role("button", name="Change the ticked ones").click()
    assert page.get_by_role("link", name="# cold coffee").count() == 20
    assert total(app, tag=("vip",), status=("open",)) == ticked

    page.get_by_role("link", name="# vip").first.click()
    assert found(page) == ticked
    assert "tag: vip" in page.locator(".chosen").inner_text()
    return ticked


def work_on_the_first(page, app):
    first = page.locator("article").first
    first.get_by_text("Edit", exact=True).click()
    first.get_by_label("Assignee").fill("Ilze Ozola")
    first.get_by_label("Internal note").fill("Called back at nine.")
    first.get_by_role("button", name="Save").click()
    assert page.locator(".hit > .note").inner_text() == "Called back at nine."
    assert total(app, assignee=("Ilze Ozola",)) == 1

    before = total(app, q="coffee", sentiment=("neutral",))
    first.get_by_text("Correct the label").click()
    first.get_by_role("button", name="neutral").click()
    assert page.get_by_text("neutral, by you").is_visible()
    assert total(app, q="coffee", sentiment=("neutral",)) == before + 1


def save_and_open_the_search(page, *, on_a_phone):
    searches = page.locator("#searches")
    if on_a_phone:
        searches.locator("summary").first.click()
    page.get_by_text("Save this search").click()
    page.get_by_label("Name").fill("Cold coffee")
    searches.get_by_role("button", name="Save").click()
    if on_a_phone:
        searches.locator("summary").first.click()
    searches.get_by_role("link", name="Cold coffee").click()


def take_the_tag_from_all(page, many):
    page.get_by_text("Change many").click()
    page.get_by_role("link", name=re.compile(r"Change all \d+ that were found")).click()
    page.get_by_label("Take tags away").fill("VIP")
    page.get_by_role("button", name=f"Change all {many} mentions").click()
    page.locator("[data-job]").wait_for(state="detached")  # it goes on by itself


def look_at_copies(page, base):
    page.goto(f"{base}/mentions?q=terminal+floor")
    page.get_by_text("and 30 copies").click()
    assert page.get_by_label("Choose this copy").count() == 30
    page.get_by_text("Sort", exact=True).click()
    page.get_by_role("link", name="Show copies apart").click()
    assert page.locator("article").count() == 20


def build_a_query(page, base):
    page.goto(f"{base}{Asked(q='coffee AND (cold').link('/query')}")
    assert page.get_by_text("This query cannot be read").is_visible()
    page.locator("textarea[name=q]").fill("coffee cold")
    page.locator("textarea[name=examples]").fill("My coffee is cold")
    page.get_by_role("button", name="Check and preview").click()
    assert page.get_by_text("matches", exact=True).is_visible()


def fits(page, address, width):
    """With everything open."""
    page.goto(address)
    for folded in page.locator("main details").all():
        folded.evaluate("one => { one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_a_script_the_ticked_ones_are_changed_as_well(desk, browser):  # noqa: F811 - a fixture
    app, base = desk
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{base}/mentions?q=coffee")
    assert page.get_by_label("tick all on this page").is_hidden()
    page.get_by_label("Choose this mention").first.check()
    page.get_by_text("Change many").click()
    page.get_by_label("Add tags").fill("vip")
    page.get_by_role("button", name="Change the ticked ones").click()
    assert page.get_by_role("link", name="# vip").count() == 1
    assert total(app, tag=("vip",)) == 1
    page.context.close()
