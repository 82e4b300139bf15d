"""The round trip of a rule as a marketer makes it: in a Chromium that must not complain."""

import pytest

from tests.test_web_browser import (
    _loopback_again,  # noqa: F401 - a fixture
    browser,  # noqa: F401 - a fixture
    loopback,  # noqa: F401 - a fixture
    opened,  # noqa: F401 - a fixture
    pytestmark,  # noqa: F401 - skips all of this where there is no browser
    quiet,
    served,
)
from tests.web_alerts_support import alarming


@pytest.fixture
def address(tmp_path, loopback):  # noqa: F811
    base, stop = served(alarming(tmp_path))
    yield base
    stop()


def result_of(page):
    """A job's page opens its result when that is there, or has a link to it."""
    while "/jobs/" in page.url:
        if page.get_by_role("link", name="Look at the result").count():
            page.get_by_role("link", name="Look at the result").click()
        page.wait_for_timeout(50)


def test_a_rule_rings_from_its_making_to_its_acknowledgement(opened, address):  # noqa: F811
    page = opened()
    page.goto(f"{address}/alerts/rules")
    page.get_by_role("link", name="Make a rule").click()
    page.get_by_label("Name").fill("Complaints of people")
    page.get_by_label("False alarms in 30 days, at most").fill("40")
    page.get_by_role("button", name="Try it on the past").click()
    assert page.locator("#false_alarms-wrong").text_content() == (
        "false_alarms must be more than 0 and at most 30"
    )
    page.troubles.clear()  # the browser says that the answer was 400, as it is to be
    page.get_by_label("False alarms in 30 days, at most").fill("0.5")
    page.get_by_role("button", name="Try it on the past").click()
    result_of(page)
    assert "Sēlija" in page.locator("article.alarm h3").text_content()
    assert page.locator(".chart rect.alarm").count() > 0
    page.get_by_role("button", name="Save this rule").click()
    assert page.get_by_role("heading", name="Complaints of people").is_visible()
    page.get_by_role("link", name="Alerts").first.click()
    page.get_by_role("button", name="Evaluate now").click()
    result_of(page)
    assert page.locator(".badge").text_content() == "1"
    assert page.locator("table.alerts .state").first.text_content() == "firing"
    page.get_by_role("link", name="Sēlija").first.click()
    counted = int(page.locator("a.button.strong .count").text_content())
    page.get_by_role("button", name="Acknowledge").click()
    assert page.get_by_text("acknowledged by you").count() > 0
    page.locator("a.button.strong").click()
    assert int(page.locator("#total").text_content()) == counted >= 20
    assert quiet(page), page.troubles


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_pages_of_alerts_fit(opened, address, width, scheme):  # noqa: F811
    page = opened(width, scheme)
    for path in ("/alerts", "/alerts/rules", "/alerts/rule", "/alerts/rule?when=drop"):
        assert page.goto(address + path).status == 200
        assert quiet(page), page.troubles
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
