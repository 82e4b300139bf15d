import html
import json
import re
import time
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from fastapi.routing import APIRoute

from listening.alerts.rules import Rule
from listening.web import alert_rules, alerts
from listening.web.people import Role
from tests.alert_support import SECRET, serving
from tests.web_alerts_support import alarming
from tests.web_support import HOSTILE, client, counted_links

ROUTES = [
    route
    for each in (alerts, alert_rules)
    for routes in (each.router.routes, each.calls.routes)
    for route in routes
]
SPIKES = {"name": "spikes", "when": "spike", "false_alarms": "0.5", "by": ["brand"]}


@pytest.fixture
def app(tmp_path):
    return alarming(tmp_path)


@pytest.fixture
def pages(app):
    return client(app)


def finished(pages, response):
    """Wait for the job that a form started; returns where it leads."""
    assert response.status_code in {202, 303}, response.text
    job = response.headers.get("location", "").removeprefix("/jobs/") or response.json()["job"]
    for _ in range(600):
        found = pages.get(f"/api/jobs/{job}").json()
        if found["state"] not in {"waiting", "running"}:
            assert found["state"] == "done", found
            return found["result"]
        time.sleep(0.05)
    raise AssertionError(found)


def save(pages, **more):
    return pages.post("/alerts/rules", data={"do": "save", **SPIKES, **more})


def firing(pages):
    """The alert of the brand in a crisis, after a rule was made and evaluated."""
    assert save(pages).status_code == 303
    finished(pages, pages.post("/alerts/evaluate"))
    (found,) = pages.get("/api/alerts?state=firing").json()["alerts"]
    return found


def part(pattern, text):
    """What a pattern finds in a page, as a browser reads it."""
    found = re.search(pattern, text, re.DOTALL)
    assert found, pattern
    return html.unescape(found[1])


def total(pages, address):
    reply = pages.get(f"/api/search?limit=1&{urlsplit(address).query}")
    assert reply.status_code == 200, address
    return reply.json()["total"]


def test_what_fires_comes_first_and_is_told_on_every_page(pages):
    found = firing(pages)

    listed = pages.get("/alerts").text
    assert found["labels"]["brand"] == "Sēlija"
    states = re.findall(r'<tr><td><span class="state ([\w-]+)"', listed)
    assert states[0] == "firing"
    assert states[1:] == sorted(states[1:], key=["pending", "learning", "normal"].index)
    assert f'href="/alerts/{found["alert"]}"' in listed
    assert '<b class="badge">1</b>' in pages.get("/sources").text
    assert "1 alert fires" in pages.get("/").text
    assert "Medus" not in pages.get("/alerts?brand=S%C4%93lija").text.split("<main")[1]


def test_the_evidence_opens_exactly_the_texts_that_were_counted(pages):
    found = firing(pages)

    shown = pages.get(f"/api/alerts/{found['alert']}").json()["evidence"]
    page = pages.get(f"/alerts/{found['alert']}").text
    links = set(counted_links(page))
    assert shown["texts"] >= 20
    assert len(links) > 30
    for link in links:
        assert total(pages, link.href) == link.count, link
    whole = part(r'href="([^"]+)"><span>See all <i class="count">', page)
    said = int(part(r'See all <i class="count">([\d,]+)<', page))
    assert total(pages, whole) == said == shown["texts"]


def test_only_analysts_change_anything():
    for route in ROUTES:
        assert isinstance(route, APIRoute)
        needed = [getattr(each.dependency, "role", None) for each in route.dependencies]
        changes = route.methods & {"POST", "DELETE"}
        assert needed == ([Role.ANALYST] if changes else []), route.path


def test_the_parts_of_the_evidence_add_up(pages):
    found = firing(pages)

    shown = pages.get(f"/api/alerts/{found['alert']}").json()["evidence"]
    dimensions = {part["dimension"] for part in shown["parts"]}
    assert {"source", "country", "author", "link"} & dimensions >= {"source", "author"}
    for dimension in dimensions:
        parts = [part for part in shown["parts"] if part["dimension"] == dimension]
        assert sum(part["observed"] for part in parts) == pytest.approx(shown["texts"], abs=0.01)
        assert sum(part["excess"] for part in parts) == pytest.approx(
            shown["texts"] - shown["expected"], abs=0.05
        )


def test_an_alarm_is_acknowledged_and_silenced_by_whoever_asks(pages):
    found = firing(pages)
    address = f"/alerts/{found['alert']}"

    assert pages.post(f"{address}/acknowledge").headers["location"] == address
    assert "acknowledged by you" in pages.get(address).text
    comment = {"comment": "known <b>", "back": address}
    labels = {"label": ["brand=Sēlija", "rule=spikes"], "span": "8h"}
    assert pages.post("/alerts/silences", data=labels | comment).headers["location"] == address
    page = pages.get(address).text
    assert "known &lt;b&gt;" in page
    assert pages.get("/api/alerts?state=firing").json()["alerts"][0]["silenced"]
    key = part(r"/alerts/silences/(\w+)/end", page)
    assert pages.post(f"/alerts/silences/{key}/end").status_code == 303
    assert pages.get("/api/alerts").json()["silences"] == []


def test_a_silence_that_matches_nothing_or_everything_is_refused(pages):
    for label in ("brand", "=x", "brand="):
        assert pages.post("/alerts/silences", data={"label": label}).status_code == 400
    assert pages.post("/alerts/silences", data={}).status_code == 400
    assert pages.post("/alerts/silences", data={"label": "a=b", "span": "soon"}).status_code == 400


def test_what_happened_to_an_alert_and_what_a_channel_took_is_told(tmp_path):
    with serving() as server:
        pages = client(alarming(tmp_path, {"CRM": server.url, "CRM_SECRET": SECRET}))
        save(pages, channels="crm")
        finished(pages, pages.post("/alerts/evaluate"))
        (found,) = pages.get("/api/alerts?state=firing").json()["alerts"]
        shown = pages.get(f"/api/alerts/{found['alert']}").json()
        tested = pages.post("/alerts/test", data={"channel": "crm"})
        told = pages.get(tested.headers["location"]).text

    assert [one["status"] for one in shown["history"]][-2:] == ["firing", None]
    assert (shown["history"][-1]["reason"], shown["history"][-1]["channel"]) == ("started", "crm")
    assert "told: began" in pages.get(f"/alerts/{found['alert']}").text
    assert "A test message was sent to crm" in told
    assert len(server.requests) == 2


def test_a_channel_that_fails_says_why(tmp_path):
    pages = client(alarming(tmp_path))
    save(pages, channels="crm")
    finished(pages, pages.post("/alerts/evaluate"))

    (found,) = pages.get("/api/alerts?state=firing").json()["alerts"]
    why = "the environment variable CRM is not set"
    assert why in pages.get("/alerts").text
    assert why in pages.get(f"/alerts/{found['alert']}").text
    assert pages.post("/alerts/test", data={"channel": "crm"}).status_code == 400


def test_a_trial_shows_the_alarms_that_would_have_rung(pages):
    made = {**SPIKES, "do": "try", "days": "30"}
    address = finished(pages, pages.post("/alerts/rules", data=made))
    found = pages.get(address.replace("/alerts/trials", "/api/alerts/trials")).json()
    page = pages.get(address).text

    assert [alarm["scope"] for alarm in found["alarms"]] == [["Sēlija"]]
    assert found["promised"] == 0.5
    assert "0.50 in 30 days" in page
    assert found["rate"] == pytest.approx(1 * 30 / (found["days"] * found["alerts"]))
    assert pages.get("/api/alerts/rules").json()["rules"][1:] == []
    bars = [bar for course in found["courses"] for bar in course["bars"]]
    assert any(bar["alarm"] for bar in bars)
    assert sum(bar["low"] <= bar["observed"] <= bar["high"] for bar in bars[7:]) > len(bars) / 2
    links = counted_links(page)
    assert len(links) > 20
    for link in links:
        assert total(pages, link.href) == link.count, link
    table = part(r'name="table" value="([^"]*)"', page)
    kept = {"do": "save", "name": "spikes", "revision": "0", "table": table}
    assert pages.post("/alerts/rules", data=kept).status_code == 303
    assert pages.get("/api/alerts/rules").json()["rules"][1]["table"] == {"false_alarms": 0.5}


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"false_alarms": "31"}, "false_alarms", "more than 0 and at most 30"),
        ({"false_alarms": "many"}, "false_alarms", "valid number"),
        ({"query": "(crew"}, "query", ""),
        ({"query": 'saved:"Nothing"'}, "query", "there is no saved search"),
        ({"quiet_hours": "9-5"}, "quiet_hours", "is no part of a day"),
        ({"zone": "Mars/Olympus"}, "zone", "is no time zone"),
        ({"channels": "pager"}, "channels", "there is no channel"),
        ({"inhibits": "nothing"}, "inhibits", "there is no other rule"),
        ({"keep_firing_for": "soon"}, "keep_firing_for", "is no interval"),
        ({"name": "steady"}, "name", "the settings have a rule steady"),
        ({"name": "a*b"}, "name", "a name has up to 60"),
        ({"when": "threshold"}, "count", "either a count or a share"),
        ({"when": "drop"}, "scale", "scale is missing"),
    ],
)
def test_a_mistake_is_told_at_its_field(pages, more, field, message):
    reply = save(pages, **more)

    assert reply.status_code == 400
    wrong = rf'<small id="{field}-wrong" class="wrong" role="alert">(.*?)</small>'
    assert message in part(wrong, reply.text)
    assert f'aria-describedby="{field}-help {field}-wrong" aria-invalid="true"' in reply.text
    assert pages.get("/api/alerts/rules").json()["rules"][1:] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_in_a_rule_are_shown_as_words(pages, text):
    refused = save(pages, name=text)
    kept = save(pages, owner=text, group=text, quiet_hours="", query="")

    assert refused.status_code == 400
    for reply in (refused, kept if kept.status_code == 400 else pages.get("/alerts/rules")):
        assert "<script>document" not in reply.text
        assert "alert(1)>" not in re.sub(r'value="[^"]*"', "", reply.text)
    assert pages.get("/alerts/rule?name=spikes").status_code in {200, 400}


def test_a_rule_watches_what_a_saved_search_finds(app, pages):
    app.searches.save("Lost bags", "luggage", by="you")
    page = pages.get("/alerts/rules/new?query=crew").text
    assert '<option value="saved:&#34;Lost bags&#34;">' in page
    assert 'value="crew"' in page
    more = {"when": "threshold", "false_alarms": "", "count": "30", "within": "6h"}
    assert save(pages, **more, query='saved:"Lost bags"').status_code == 303
    finished(pages, pages.post("/alerts/evaluate"))

    (found,) = pages.get("/api/alerts?rule=spikes&state=firing").json()["alerts"]
    shown = pages.get(f"/api/alerts/{found['alert']}").json()["evidence"]
    assert shown["texts"] == total(pages, f"/mentions?q={quote(shown['query'])}") == 30


def test_two_people_do_not_overwrite_each_other(pages):
    save(pages)
    assert save(pages).status_code == 400
    assert save(pages, revision="1", false_alarms="2").status_code == 303
    late = save(pages, revision="1", false_alarms="3")

    assert "somebody else changed the rule" in late.text
    assert pages.get("/api/alerts/rules").json()["rules"][1]["table"]["false_alarms"] == 2


def test_a_rule_is_switched_off_removed_and_made_anew(pages):
    found = firing(pages)
    pages.post("/alerts/rules/spikes/switch")
    assert pages.get("/api/alerts?state=firing").json()["alerts"] == []
    assert "alert fires" not in pages.get("/").text
    pages.post("/alerts/rules/spikes/switch")
    assert pages.get("/api/alerts?state=firing").json()["alerts"] != []
    pages.post("/alerts/rules/spikes/remove")
    assert pages.get("/api/alerts?rule=spikes").json()["alerts"] == []
    assert pages.get(f"/alerts/{found['alert']}").status_code == 400
    assert firing(pages)["alert"] == found["alert"]


def test_single_answers_are_opened_from_their_alert(pages):
    more = {"when": "instant", "false_alarms": "", "label": "negative", "within": "3h"}
    assert save(pages, **more, name="answers").status_code == 303
    finished(pages, pages.post("/alerts/evaluate"))
    alerts = pages.get("/api/alerts?rule=answers").json()["alerts"]
    (found,) = [one for one in alerts if one["labels"]["brand"] == "Sēlija"]
    page = pages.get(f"/alerts/{found['alert']}").text

    opened = part(r'href="([^"]+)">See the answers<', page)
    assert total(pages, opened) >= 20


def test_a_rule_that_no_longer_parses_holds_up_no_other(app, pages):
    found = firing(pages)["alert"]
    note = app.store.notes("rule")["spikes"]
    broken = {**json.loads(note.value), "table": {"false_alarms": 99}}
    app.store.save_note("rule", "spikes", json.dumps(broken), revision=note.revision)
    app.store.save_note("rule", "newer", "{", revision=0)
    done = {one.rule: one for one in app.alerts.evaluate().rules}

    assert done["steady"].error == ""
    assert "at most 30" in done["spikes"].error
    assert "newer Listening" in done["newer"].error
    rules = {one["rule"]: one for one in pages.get("/api/alerts/rules").json()["rules"]}
    assert rules["steady"]["error"] is None
    assert rules["newer"]["error"]
    states = {one["state"] for one in pages.get("/api/alerts?rule=spikes").json()["alerts"]}
    assert states == {"error"}
    for path in ("/alerts", "/alerts/rules", "/alerts/rule?name=newer", "/", f"/alerts/{found}"):
        assert pages.get(path).status_code in {200, 400}
    assert "at most 30" in pages.get("/alerts/rule?name=spikes").text
    pages.post("/alerts/rules/newer/remove")
    assert "newer" not in {one["rule"] for one in pages.get("/api/alerts/rules").json()["rules"]}


def test_a_kept_rule_that_no_longer_goes_with_the_settings_is_an_error(app):
    app.alerts.keep("paging", {"channels": ["crm"]}, by="Ilze")
    app.alerts.keep("early", {}, by="Ilze")
    settings = app.settings.alerts
    without = replace(settings, channels={}, rules={"early": Rule(name="early")})
    later = replace(app, settings=replace(app.settings, alerts=without)).alerts
    errors = {(one.name, one.is_kept): one.error for one in later.book.written()}

    assert errors["early", False] == ""
    assert "the settings have a rule of this name" in errors["early", True]
    assert "there is no channel 'crm'" in errors["paging", True]
    done = {one.rule: one.error for one in later.evaluate().rules if one.alerts}
    assert done == {"early": ""}


def test_programs_make_rules_try_and_remove_them(pages):
    wanted = {"name": "more", "table": {"when": "threshold", "count": 20, "within": "6h"}}
    tried = finished(pages, pages.post("/api/alerts/backtest", json={**wanted, "days": 7}))
    found = pages.get(tried.replace("/alerts/trials", "/api/alerts/trials")).json()
    assert [alarm["brand"] for alarm in found["alarms"]] == ["Sēlija"]
    made = pages.post("/api/alerts/rules", json=wanted)
    assert (made.status_code, made.json()["revision"]) == (201, 1)
    wrong = pages.post("/api/alerts/rules", json={"name": "w", "table": {"points": 4}})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "points")
    finished(pages, pages.post("/api/alerts/evaluate"))
    (found,) = pages.get("/api/alerts?rule=more&state=firing").json()["alerts"]
    done = pages.post(f"/api/alerts/{found['alert']}/acknowledge").json()
    assert done["alarm"]["acknowledged_by"] == "you"
    silence = {"label": ["rule=more"], "span": "1h"}
    key = pages.post("/api/alerts/silences", json=silence).json()["id"]
    assert pages.delete(f"/api/alerts/silences/{key}").json() == {"ended": key}
    assert pages.delete("/api/alerts/rules/more").json() == {"removed": "more"}
    assert pages.delete("/api/alerts/rules/steady").status_code == 400


@pytest.mark.parametrize("when", ["spike", "threshold", "drop", "instant", "outage"])
def test_each_kind_of_rule_can_be_made_and_changed(pages, when):
    own = {"threshold": {"count": "3"}, "drop": {"scale": "nps"}, "instant": {"label": "negative"}}
    page = pages.get(f"/alerts/rule?when={when}")
    more = {
        "when": when,
        "false_alarms": "",
        "query": "crew",
        "brand": "Medus",
        **own.get(when, {}),
    }

    assert page.status_code == 200
    assert save(pages, **more).status_code == 303
    (rule,) = [one for one in pages.get("/api/alerts/rules").json()["rules"] if one["kept"]]
    assert rule["table"].get("when", "spike") == when
    assert (rule["table"]["query"], rule["table"]["brand"]) == ("crew", ["Medus"])
    again = pages.get("/alerts/rule?name=spikes").text
    assert '<option value="Medus" selected>' in again
    assert 'value="crew"' in again
