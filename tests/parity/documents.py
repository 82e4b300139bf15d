"""20,000 documents in ten languages, the same every time, from texts written for this project."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from listening.records import Feedback, Kind, Rating, Scale, Sentiment

HERE = Path(__file__).parent
MODELS = HERE.parent.parent / "models" / "data"
TAUGHT = ("held_out/demo", "ka-2", "ka", "lt", "lv", "plain")  # the queries are made for these
SOURCES = (HERE / "texts.jsonl", *(MODELS / f"{name}.jsonl" for name in TAUGHT))
BRANDS = ("Amberwing", "Ventora", "Medus", "Šķūņa maize")
PLACES = {"lv": "LV", "lt": "LT", "ka": "GE", "et": "EE", "de": "DE", "pl": "PL", "es": "ES"}
START, DAYS = datetime(2026, 7, 1, tzinfo=UTC), 90
SIZE = 20_000


def documents() -> Iterator[tuple[Feedback, Sentiment | None]]:
    """Oldest and newest are mixed; a third has no sentiment."""
    rng = random.Random(11)
    sentences = _sentences()
    for number in range(SIZE):
        one = _document(number, rng, sentences)
        scored = one.text.strip() and rng.random() < 0.67
        yield one, _sentiment(rng) if scored else None


def _sentences() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in SOURCES:
        for line in path.read_text("utf-8").splitlines():
            given = json.loads(line)
            found.setdefault(given["lang"], []).extend(
                re.split(r"(?<=[.!?])\s+|\n", given["text"].strip())
            )
    return found


def _document(number: int, rng: random.Random, sentences: dict[str, list[str]]) -> Feedback:
    language = rng.choice([*sentences])
    brand, source = rng.choice(BRANDS), rng.choice(("x", "play", "survey", "kiosk"))
    asked = source in {"survey", "kiosk"}
    text = "" if source == "kiosk" and rng.random() < 0.6 else _text(rng, sentences[language])
    # Whole minutes, so that several share a moment.
    moment = START + timedelta(minutes=rng.randrange(DAYS * 24 * 60))
    tag = {"en": "en-GB", "de": "de-AT"}.get(language, language) if number % 3 else language
    return Feedback(
        id=f"{brand}:{source}:{number}",
        brand=brand,
        source=source,
        native_id=str(number),
        kind=_kind(source),
        text=text,
        language=tag if text else "und",
        created_at=moment + timedelta(microseconds=rng.choice((0, 0, 1, 999_999))),
        version=1,
        ratings=_ratings(rng, source),
        author=f"Ieva {number % 97}" if number % 4 else None,
        url=f"https://example.com/{source}/{number}" if number % 2 else None,
        country=PLACES.get(language),
        touchpoint=rng.choice(("web", "branch", "call centre")) if asked else None,
        segment=rng.choice(("family", "business")) if asked else None,
        service=rng.choice(("flights", "groceries", "Loans")),
        campaign=rng.choice((None, None, "Autumn 2026")),
        question="Kāpēc?" if source == "survey" else None,
    )


def _kind(source: str) -> Kind:
    kinds = {"x": Kind.MENTION, "play": Kind.REVIEW, "survey": Kind.SURVEY, "kiosk": Kind.RATING}
    return kinds[source]


def _text(rng: random.Random, sentences: list[str]) -> str:
    text = " ".join(rng.choices(sentences, k=rng.choice((1, 1, 2, 3))))
    match rng.randrange(12):
        case 0:
            return _plain(text)
        case 1:
            return text.upper()
        case 2:
            return f"{text} #{rng.choice(BRANDS).replace(' ', '')} 👍🏽"
        case 3:
            return f"@amberwing {text} https://example.com/status/{rng.randrange(40)}"
        case _:
            return text


def _plain(text: str) -> str:
    """As phones type it."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def _ratings(rng: random.Random, source: str) -> tuple[Rating, ...]:
    match source:
        case "play":
            return (Rating(Scale.STARS, rng.randint(1, 5)),)
        case "survey":
            return (Rating(Scale.NPS, rng.randint(0, 10)), Rating(Scale.CES, rng.randint(1, 7)))
        case "kiosk":
            return (Rating(Scale.SMILEY, rng.randint(1, 4)),)
        case _:
            return ()


def _sentiment(rng: random.Random) -> Sentiment:
    negative, neutral = sorted((rng.random(), rng.random()))
    return Sentiment(negative, neutral - negative, 1 - neutral, "m", 0.4)
