"""Whatever is asked of the REST interface, it answers as documented and never breaks."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from listening.web.site import site
from tests.web_support import filled, over

CALLS = [
    (method, path)
    for path, calls in site(over("none.sqlite", Path())).openapi()["paths"].items()
    for method in calls
]


@pytest.fixture(scope="module")
def api(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        app = site(filled(tmp_path_factory.mktemp("fuzz") / "store.sqlite"))
        yield schemathesis.openapi.from_asgi("/api/openapi.json", app)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_no_call_breaks(api, method, path):
    @settings(
        max_examples=30, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(case=api[path][method].as_strategy())
    def fuzzed(case):
        answer = case.call()
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert answer.headers["content-type"][0].startswith(("application/json", "text/csv"))

    fuzzed()
