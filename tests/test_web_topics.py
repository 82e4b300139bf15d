from datetime import timedelta

import pytest

from listening.records import Kind, Rating, Scale, Sentiment
from listening.stores.sqlite import SqliteStore
from tests.test_web import site_counts
from tests.web_support import (
    HOSTILE,
    MOODS,
    START,
    client,
    counted_links,
    filled,
    one,
    over,
)

RIVAL = 'Me"dus & Söhne'
ASKED = (
    "",
    "?sentiment=negative",
    "?brand=Amberwing&since=2026-09-20&to=2026-10-05",
    "?brand=Amberwing&against=rest",
    "?brand=Me%22dus+%26+S%C3%B6hne&against=rest",
    "?against=brand:Me%22dus+%26+S%C3%B6hne&language=lv",
    "?sentiment=none&sentiment=negative&against=sentiment",
    "?q=crew+OR+flight&against=rest&sentiment=positive",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield client(filled(tmp_path_factory.mktemp("topics") / "store.sqlite"))


@pytest.fixture(scope="module")
def moved(tmp_path_factory, cache):
    """Two periods: a word that comes, one that goes, and one that only complaints have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        folder = tmp_path_factory.mktemp("moved")
        store = SqliteStore(str(folder / "store.sqlite"))
        said = list(_said())
        store.put([each for each, _ in said])
        store.annotate([(o.id, o.text, Sentiment(*MOODS[mood], "m")) for o, mood in said])
        store.close()
        yield client(over(str(folder / "store.sqlite"), folder))


def _said():
    for number in range(400):
        late, bad = number >= 200, number % 2
        words = ["plane", "seat"]
        if number % 4 == 0:
            words.append("lounges" if late else "vouchers")
        if bad and number % 3 == 0:
            words += ["queue", "queue"]
        brand = "Amberwing" if number % 5 else RIVAL
        moment = START + timedelta(hours=2 * number)
        spoken = one(number, " ".join(words), brand=brand, created_at=moment)
        yield spoken, "negative" if bad else "positive"


def words(reply, name="words"):
    return {word["term"]: word for group in reply[name] for word in group["words"]}


@pytest.mark.parametrize("asked", ASKED)
def test_behind_every_count_is_as_much_feedback(pages, asked):
    links = set(counted_links(pages.get("/topics" + asked).text))

    seen = site_counts(pages, {link.href for link in links})
    assert {link for link in links if seen[link.href] != link.count} == set()


def test_a_word_of_complaints_has_its_counts_shares_and_sentiment(moved):
    reply = moved.get("/api/topics?sentiment=negative").json()

    assert reply["against"] == "sentiment"
    assert list(words(reply)) == ["queue"]
    queue = words(reply)["queue"]
    assert queue["count"] == 67
    assert queue["share"]["value"] == pytest.approx(33.5)
    assert (queue["others"], queue["times"]) == (0, None)
    assert queue["sentiment"] == {"negative": 67, "neutral": 0, "positive": 0, "unknown": 0}


def test_the_page_links_a_word_to_the_mentions_that_have_it(moved):
    links = counted_links(moved.get("/topics?sentiment=negative").text)

    assert 67 in {link.count for link in links if "%22queue%22" in link.href}


def test_words_rise_and_fall_against_the_period_before(moved):
    reply = moved.get("/api/topics").json()

    assert reply["against"] == "period"
    assert list(words(reply, "rising")) == ["lounges"]
    assert list(words(reply, "falling")) == ["vouchers"]
    assert words(reply, "falling")["vouchers"]["others"] < 5


def test_a_brand_is_set_against_another_whatever_its_name(moved):
    reply = moved.get("/api/topics", params={"against": f"brand:{RIVAL}"}).json()
    (group,) = reply["words"]

    assert (group["items"], group["others"]) == (320, 80)


def test_all_other_feedback_is_what_the_filters_leave_out(moved):
    reply = moved.get("/api/topics", params={"brand": RIVAL, "against": "rest"}).json()
    (group,) = reply["words"]

    assert (group["items"], group["others"]) == (80, 320)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("against=rest", "The filters leave nothing out"),
        ("against=sentiment", "There is no other sentiment"),
        ("brand=Amberwing&against=brand:Amberwing", "A brand cannot be compared with itself"),
        ("since=2030-01-01&to=2030-01-02", "Nothing was found"),
    ],
)
def test_where_nothing_can_be_compared_the_page_says_so(moved, asked, said):
    response = moved.get(f"/topics?{asked}")

    assert response.status_code == 200
    assert said in response.text


def test_too_few_texts_are_said_to_be_too_few(moved):
    html = moved.get("/topics?since=2026-09-14&to=2026-09-15").text

    assert "Too few texts to tell" in html
    assert 'class="cloud"' not in html


def test_an_unknown_comparison_says_what_there_is(moved):
    reply = moved.get("/api/topics?against=yesterday")

    assert reply.status_code == 400
    assert "period, rest, sentiment or brand:NAME" in reply.json()["message"]


def test_every_address_of_the_page_keeps_the_comparison(moved):
    html = moved.get("/topics?brand=Amberwing&against=rest").text

    assert "sentiment=negative&amp;against=rest" in html
    assert '<option value="rest" selected>' in html


def test_hostile_names_stay_text(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("LISTENING_CACHE", cache)
    store = SqliteStore(str(tmp_path / "store.sqlite"))
    store.put(
        [one(n, "crew", brand=" ".join(name.split()) or "x") for n, name in enumerate(HOSTILE)]
    )
    store.close()
    pages = client(over(str(tmp_path / "store.sqlite"), tmp_path))

    for name in [" ".join(name.split()) for name in HOSTILE][:20]:
        for asked in ({"against": f"brand:{name}"}, {"brand": name, "against": "rest"}):
            response = pages.get("/topics", params=asked)
            assert response.status_code == 200
            assert "<script>document" not in response.text
            assert "<img" not in response.text.replace('<img src="/static/icon', "")


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    """Two full weeks and one of too few answers."""
    folder = tmp_path_factory.mktemp("surveyed")
    store = SqliteStore(str(folder / "store.sqlite"))
    days = [*range(7), *range(7)] * 3 + [14]
    store.put([_answered(number, day + 7 * (number % 2)) for number, day in enumerate(days)])
    store.close()
    return client(over(str(folder / "store.sqlite"), folder))


def _answered(number, day):
    ratings = (Rating(Scale.NPS, number % 11), Rating(Scale.CES, 1 + number % 7))
    moment = START + timedelta(days=min(day, 14) if day < 14 else 15)
    more = {"kind": Kind.SURVEY, "language": "und", "created_at": moment, "ratings": ratings}
    return one(number, "", **more)


@pytest.mark.parametrize("by", ["day", "week", "month"])
def test_every_step_of_a_survey_opens_its_answers(surveyed, by):
    links = set(counted_links(surveyed.get(f"/surveys?by={by}").text))

    seen = site_counts(surveyed, {link.href for link in links})
    assert len(links) > 10
    assert {link for link in links if seen[link.href] != link.count} == set()


def test_a_step_of_too_few_answers_has_no_score(surveyed):
    html = surveyed.get("/surveys?by=day").text

    assert "Too few answers in any day for a score" in html
    assert "NPS too few (n = " in html
    assert "no answers" in html
