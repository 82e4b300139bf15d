"""A job in a browser: its page follows the work to its result, and it outlives the page."""

import pytest

from listening.web.jobs import Jobs
from listening.web.people import Person, Role
from tests.test_web_browser import (
    _loopback_again,  # noqa: F401 - a fixture
    browser,  # noqa: F401 - a fixture
    loopback,  # noqa: F401 - a fixture
    opened,  # noqa: F401 - a fixture
    pytestmark,  # noqa: F401 - skips all of this where there is no browser
    served,
)
from tests.test_web_jobs import Held
from tests.web_support import filled

ANN = Person("Ann", Role.ANALYST)


@pytest.fixture
def served_app(tmp_path):
    app = filled(tmp_path / "store.sqlite")
    base, stop = served(app)
    yield base, app
    stop()


def test_the_page_of_a_job_goes_on_to_its_result(opened, served_app):  # noqa: F811
    base, app = served_app
    jobs, held = Jobs(app), Held()
    id_ = jobs.start("score", "Score", ANN, held, total=5)
    page = opened()
    page.goto(f"{base}/jobs/{id_}")
    assert page.get_by_text("running").is_visible()
    held.go.set()
    page.wait_for_url(f"{base}/mentions?q=crew")
    assert page.troubles == []
    page.goto(f"{base}/jobs/{id_}")
    assert page.get_by_role("link", name="Look at the result").is_visible()
    jobs.close()


def test_a_job_is_cancelled_on_its_page(opened, served_app):  # noqa: F811
    base, app = served_app
    jobs, held = Jobs(app), Held()
    running = jobs.start("score", "Score", ANN, held)
    page = opened(390)
    page.goto(f"{base}/jobs")
    page.get_by_role("link", name="Score").click()
    page.wait_for_url(f"{base}/jobs/{running}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    jobs.cancel(running)
    held.go.set()
    page.get_by_text("Somebody cancelled it").wait_for()
    assert page.troubles == []
    jobs.close()
