from datetime import UTC, datetime, timedelta, timezone

import pytest

from listening.errors import InvalidItem
from listening.normalise import LONGEST, Defaults, identifier, normalise, pseudonym
from listening.records import Kind, Rating, Scale

DEFAULTS = Defaults(source="x", brand="Amberwing", key=b"secret")


def test_what_the_item_says_goes_before_what_the_stream_says(item):
    own = normalise(item(brand="Medus", source="kiosk", kind=Kind.RATING), DEFAULTS)
    theirs = normalise(item(kind=None), DEFAULTS)

    assert (own.brand, own.source, own.kind) == ("Medus", "kiosk", Kind.RATING)
    assert (theirs.brand, theirs.source, theirs.kind) == ("Amberwing", "x", Kind.MENTION)


def test_times_become_utc(item):
    tbilisi = datetime(2026, 10, 9, 18, tzinfo=timezone(timedelta(hours=4)))

    assert normalise(item(created_at=tbilisi), DEFAULTS).created_at == datetime(
        2026, 10, 9, 14, tzinfo=UTC
    )


def test_a_later_edit_has_a_higher_version(item):
    first = normalise(item(), DEFAULTS)
    edited = normalise(item(updated_at=datetime(2026, 10, 10, tzinfo=UTC)), DEFAULTS)

    assert edited.id == first.id
    assert edited.version > first.version


def test_authors_are_pseudonyms_that_no_other_source_shares(item):
    stored = normalise(item(author="@Rita_K"), DEFAULTS)

    assert stored.author == pseudonym("rita_k", "X", b"secret")
    assert stored.author != pseudonym("rita_k", "reviews", b"secret")
    assert stored.author != pseudonym("rita_k", "x", b"other key")
    assert "rita" not in repr(stored).lower()


def test_colons_in_a_brand_cannot_make_two_ids_equal():
    assert identifier("a:b", "c", "1") != identifier("a", "b:c", "1")
    assert len(identifier("a", "b", "9" * 5000)) < 300


@pytest.mark.parametrize(
    ("text", "claimed", "expected"),
    [
        ("bagaža pazuda, neviens neatbild", "en", "lv"),
        ("bagaza pazuda un neviens neatbild jau treso dienu", None, "lv"),
        ("ძალიან ცუდი მომსახურება", None, "ka"),
        ("👍", "lt", "lt"),
        ("👍", None, "und"),
    ],
)
def test_our_ear_for_language_goes_before_the_claim(item, text, claimed, expected):
    assert normalise(item(text=text, language=claimed), DEFAULTS).language == expected


def test_characters_that_no_store_takes_are_replaced(item):
    assert normalise(item(text=" a\x00b \ud83d c "), DEFAULTS).text == "ab ? c"


def test_a_rating_needs_no_text(item):
    assert normalise(item(text="", ratings=(Rating(Scale.NPS, 9),)), DEFAULTS).text == ""


@pytest.mark.parametrize(
    ("change", "column"),
    [({"text": "  "}, "text"), ({"text": "a" * (LONGEST + 1)}, "text")],
)
def test_what_cannot_be_used_says_which_column(item, change, column):
    with pytest.raises(InvalidItem) as caught:
        normalise(item(**change), DEFAULTS)

    assert caught.value.column == column


def test_without_a_brand_the_item_is_set_aside(item):
    with pytest.raises(InvalidItem, match="--brand"):
        normalise(item(), Defaults(source="x"))
