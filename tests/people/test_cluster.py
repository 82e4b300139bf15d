"""Accounts in an Elasticsearch, which several servers share."""

import pytest

from listening.web import audit
from listening.web.audit import Deed
from tests.elastic import Elastic, server
from tests.people_support import NEW, entered, log_in, peopled
from tests.web_support import client, over


@pytest.fixture
def shared(tmp_path, clock):
    elastic = Elastic(server())
    name = elastic.name()
    elastic.store(name)
    app = over(f"{elastic.url}/{name}", tmp_path)
    yield app
    elastic.close()


def test_what_is_changed_on_one_server_holds_on_the_other(shared, clock):
    accounts = peopled(shared, clock)
    one, other = (entered(shared, clock, name) for name in ("ann", "ben"))
    assert other.get("/account").status_code == 200

    assert one.post("/people/remove", data={"name": "ben"}).status_code == 303
    clock.wait(seconds=1)
    assert other.get("/account").status_code == 401
    again = {"name": "ben", "role": "viewer", "password": NEW}
    assert one.post("/people", data=again).status_code == 303
    assert log_in(client(shared, clock=clock), "ben", NEW).status_code == 303
    assert len(accounts.everyone()) == 3
    assert audit.events(shared.store)[0].deed is Deed.LOGIN
