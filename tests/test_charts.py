"""One specification of a chart: drawn by us for pages and by Vega for all else, and both agree."""

import json
import re
import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from listening.charts import png, reports, svg, vega
from listening.charts.picture import vector
from listening.charts.reports import Step
from listening.records import Bucket, Label, Scale
from listening.views.sentiment import sentiment
from listening.views.surveys import surveys

CSS = (Path(__file__).parent.parent / "listening/web/static/style.css").read_text("utf-8")
WEEKS = {
    "2026-09-07": {Label.NEGATIVE: 60, Label.NEUTRAL: 20, Label.POSITIVE: 40, Label.UNKNOWN: 5},
    "2026-09-14": {Label.NEGATIVE: 10, Label.NEUTRAL: 50, Label.POSITIVE: 90},
    "2026-09-21": {Label.NEGATIVE: 3},
    "2026-09-28": {Label.NEGATIVE: 80, Label.NEUTRAL: 9, Label.POSITIVE: 1},
}
COUNTS, FIGURES = 4 + 3 + 1 + 3, 3  # labels that somebody has, and weeks with net sentiment
HOSTILE = "\"'><script>alert(1)</script>&{7*7}"
SVG = "{http://www.w3.org/2000/svg}"


def over_time(weeks=None, name="week of {}"):
    def step(start):
        href = f"/mentions?since={start}&sentiment="
        return Step(name.replace("{}", start), start[5:], lambda wanted: f"{href}{''.join(wanted)}")

    weeks = WEEKS if weeks is None else weeks
    rows = sentiment(Bucket((s,), sum(n.values()), labels=n) for s, n in weeks.items())
    return reports.over_time(rows, [step(s) for s in weeks], too_few="Too few")


def answers():
    (row,) = surveys([Bucket((), 64, ratings={Scale.NPS: {0: 4, 6: 10, 7: 20, 10: 30}})], Scale.NPS)
    return reports.answers(row, lambda answer: f"/mentions?score=nps:{answer}")


def plot(spec):
    """The picture of a page, which must be well-formed."""
    return ET.fromstring(svg(spec))[1]  # noqa: S314 - our own


def told(drawn):
    return {link.find("title").text: link.get("href") for link in drawn.iter("a")}


def size(picture):
    return struct.unpack(">II", picture[16:24])


def test_each_count_and_figure_is_a_mark_that_tells_it_and_leads_to_it():
    drawn = plot(over_time())
    links = told(drawn)

    assert len(list(drawn.iter("rect"))) == COUNTS + FIGURES
    assert len(list(drawn.iter("circle"))) == FIGURES
    assert len(list(drawn.iter("a"))) == COUNTS + 2 * FIGURES
    assert links["week of 2026-09-07: 60 negative of 125"] == (
        "/mentions?since=2026-09-07&sentiment=negative"
    )
    assert links["week of 2026-09-07: net sentiment −17 ± 16 (n = 120)"] == (
        "/mentions?since=2026-09-07&sentiment=negativeneutralpositive"
    )


def test_answers_are_bars_in_the_colour_of_what_they_mean():
    drawn = plot(answers())
    colours = [bar.get("class") for bar in drawn.iter("rect")]

    assert colours == ["negative", "negative", "neutral", "positive"]
    assert told(drawn)["20 answered 7"] == "/mentions?score=nps:7"


def test_the_line_is_broken_where_a_week_has_no_figure():
    drawn = plot(over_time())

    assert [line.get("class") for line in drawn.iter("line")].count("path") == 1


def test_too_little_for_any_figure_says_so():
    drawn = plot(over_time({"2026-09-21": {Label.NEGATIVE: 3}}))

    assert "Too few" in [text.text for text in drawn.iter("text")]


@pytest.mark.parametrize("spec", [over_time(), answers()])
def test_vega_draws_the_same_bars_in_the_same_places(spec):
    theirs = ET.fromstring(vector(spec))  # noqa: S314 - our own
    drawn = {
        path.get("aria-label"): [100 * left / vega.WIDTH, 100 * width / vega.WIDTH, height]
        for path in theirs.iter(f"{SVG}path")
        if path.get("aria-roledescription") == "bar"
        for left, _, width, height in [map(float, re.findall(r"-?[\d.]+", path.get("d") or "")[:4])]
    }
    ours = {
        link.find("title").text: [
            float(bar.get(name).rstrip("%")) for name in ("x", "width", "height")
        ]
        for link in plot(spec).iter("a")
        for bar in link.iter("rect")
    }

    assert ours.keys() == drawn.keys()
    for said, place in ours.items():
        assert place == pytest.approx(drawn[said], abs=0.06), said


def test_what_others_named_is_text_only():
    drawn = plot(over_time(name="{}" + HOSTILE))
    html = svg(over_time(name="{}" + HOSTILE))

    assert all(HOSTILE in said for said in told(drawn))
    assert {element.tag for element in drawn.iter()} <= {
        *("svg", "g", "a", "title", "rect", "circle", "line", "text")
    }
    assert not re.search(r"<script|\sstyle=|\son\w+=", html)


def test_every_mark_has_a_colour_of_the_page_s_own():
    classes = set(re.findall(r'<(\w+) class="(\w+)"', svg(over_time()) + svg(answers())))
    classes |= {("rect", name) for name in (*vega.COLOURS, "interval")} | {("line", "expected")}
    classes -= {("div", "chart"), ("svg", "axis"), ("svg", "plot")}

    assert [f"{tag}.{name}" for tag, name in classes if f"{tag}.{name} {{" not in CSS] == []


def test_a_picture_has_the_size_of_its_panels():
    width, height = size(png(over_time(), scale=1))
    twice = size(png(over_time()))

    assert vega.WIDTH < width < vega.WIDTH + 80
    assert 2 * 110 + vega.SPACING < height < 2 * 110 + vega.SPACING + 60
    assert twice == pytest.approx((2 * width, 2 * height), abs=2)


@pytest.mark.parametrize("pair", ["ბღ", "ēģ", "ųū", "😡👍"])
def test_letters_have_a_shape_each_in_pictures(pair):
    """Letters that no font has are all the same box."""
    one, other = (dict(answers(), title={"text": letter}) for letter in pair)

    assert png(one, scale=1) != png(other, scale=1)


def test_without_addresses_nothing_is_a_link():
    (row,) = surveys([Bucket((), 64, ratings={Scale.NPS: {0: 4, 10: 60}})], Scale.NPS)
    spec = reports.answers(row)

    assert "<a " not in vector(spec) + svg(spec)
    assert "60 answered 10" in svg(spec)


def test_a_specification_is_plain_json():
    assert json.loads(json.dumps(over_time())) == over_time()
