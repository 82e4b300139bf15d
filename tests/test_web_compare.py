from datetime import timedelta

import pytest

from listening.records import Kind, Sentiment
from listening.stores.sqlite import SqliteStore
from tests.test_web import site_counts
from tests.web_support import HOSTILE, MOODS, START, client, counted_links, filled, one, over

RIVAL = 'Me"dus & Söhne'
ASKED = (
    "",
    "?brand=Amberwing",
    "?since=2026-09-20&to=2026-10-05&by=week",
    "?sentiment=negative&source=reviews",
    "?q=crew+OR+flight&language=en",
    "?score=nps:9..10",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory, cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        yield client(filled(tmp_path_factory.mktemp("compare") / "store.sqlite"))


@pytest.fixture(scope="module")
def rivals(tmp_path_factory, cache):
    """Two brands whose complaints differ, one of which got much worse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LISTENING_CACHE", cache)
        folder = tmp_path_factory.mktemp("rivals")
        store = SqliteStore(str(folder / "store.sqlite"))
        said = list(_said())
        store.put([each for each, _ in said])
        store.annotate([(o.id, o.text, Sentiment(*MOODS[mood], "m")) for o, mood in said])
        store.close()
        yield client(over(str(folder / "store.sqlite"), folder))


def _said():
    for number in range(400):
        brand = "Amberwing" if number % 4 else RIVAL
        bad = number % 8 < 4 if brand == RIVAL else number >= 200
        word = "queue" if brand == RIVAL else "luggage"
        moment = START + timedelta(hours=2 * number)
        kind = Kind.SURVEY if number % 10 == 9 else Kind.REVIEW
        spoken = one(
            number, f"plane {word if bad else 'nice'}", brand=brand, created_at=moment, kind=kind
        )
        yield spoken, "negative" if bad else "positive"


def brands(pages, **asked):
    return {one["name"]: one for one in pages.get("/api/compare", params=asked).json()["brands"]}


@pytest.mark.parametrize("asked", ASKED)
def test_behind_every_number_are_as_many_mentions(pages, asked):
    links = set(counted_links(pages.get("/compare" + asked).text))

    seen = site_counts(pages, {link.href for link in links})
    assert len(links) > 10
    assert {link for link in links if seen[link.href] != link.count} == set()


def test_a_share_of_voice_is_that_of_public_texts_of_these_brands(rivals):
    found = brands(rivals)

    public = {name: one["public"] for name, one in found.items()}
    assert sum(public.values()) == 360
    for name, one_ in found.items():
        assert one_["share_of_voice"]["n"] == 360
        assert one_["share_of_voice"]["value"] == pytest.approx(100 * public[name] / 360, abs=0.001)


def test_a_change_is_told_with_whether_it_is_significant(rivals):
    found = brands(rivals)

    assert found["Amberwing"]["moved"]["net"]["significant"] is True
    assert found["Amberwing"]["moved"]["net"]["value"] < 0
    assert found[RIVAL]["moved"]["net"]["significant"] is False


def test_a_brand_has_the_complaints_that_the_others_lack(rivals):
    found = brands(rivals)

    told = {
        name: [word["term"] for group in one_["complaints"] for word in group["words"]]
        for name, one_ in found.items()
    }
    assert told == {"Amberwing": ["luggage"], RIVAL: ["queue"]}


def test_all_brands_have_the_same_steps_and_axes(rivals):
    found = brands(rivals, by="week")
    html = rivals.get("/compare?by=week").text

    steps = [[row["key"] for row in one_["over_time"]] for one_ in found.values()]
    assert steps[0] == steps[1]
    axes = [part.split("</svg>")[0] for part in html.split('class="axis"')[1:]]
    assert len(axes) == 2
    assert axes[0] == axes[1]


def test_a_brand_alone_is_set_beside_the_largest_others(rivals):
    assert list(brands(rivals, brand=RIVAL)) == [RIVAL, "Amberwing"]


def test_more_than_six_brands_are_refused_and_a_store_of_one_says_so(rivals, tmp_path):
    many = rivals.get("/api/compare", params={"brand": list("abcdefg")})
    store = SqliteStore(str(tmp_path / "one.sqlite"))
    store.put([one(1, "crew")])
    store.close()
    alone = client(over(str(tmp_path / "one.sqlite"), tmp_path)).get("/compare")

    assert many.status_code == 400
    assert "name up to 6" in many.json()["message"]
    assert "There is nothing to compare" in alone.text


def test_brands_are_chosen_and_left_out_by_links(pages):
    html = pages.get("/compare").text

    assert 'href="/compare?brand=Amberwing"' in html
    assert '<select name="brand">' not in html


def test_hostile_names_stay_text(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("LISTENING_CACHE", cache)
    store = SqliteStore(str(tmp_path / "store.sqlite"))
    names = [" ".join(name.split()) for name in HOSTILE]
    store.put([one(n, "crew", brand=name) for n, name in enumerate(names)])
    store.close()
    pages = client(over(str(tmp_path / "store.sqlite"), tmp_path))

    for place in range(0, len(names), 6):
        chosen = {"brand": names[place : place + 6]}
        response = pages.get("/compare", params=chosen)
        assert response.status_code == 200
        assert "<script>document" not in response.text
        assert "<img" not in response.text.replace('<img src="/static/icon', "")
        links = set(counted_links(response.text))
        seen = site_counts(pages, {link.href for link in links})
        assert {link for link in links if seen[link.href] != link.count} == set()
