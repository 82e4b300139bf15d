"""Which column of a file is which field."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listening.errors import ConfigError
from listening.records import Kind, Scale
from listening.sources.files import Files
from tests.reading import Write, mapping, ratings, read, writer


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return writer(tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        "თარიღი;შეფასება;კომენტარი;მომხმარებელი;ფილიალი;სერვისი",
        "Datums;Vērtējums;Komentārs;Lietotājs;Filiāle;Pakalpojums",
        "Data;Įvertinimas;Atsiliepimas;Vartotojas;Filialas;Paslauga",
        "Дата;Оценка;Комментарий;Пользователь;Филиал;Услуга",
        "Datum;Bewertung;Kommentar;Benutzer;Filiale;Dienstleistung",
        "Date;Rating;Comment;User name;Store;Service category",
        "created_at;overallRating;reviewText;user_name;store;service",
    ],
)
def test_headers_in_seven_manners(write: Write, header: str) -> None:
    rows = "01.09.2026;4;Good coffee and kind people;Nia;North;Delivery\n" * 3
    fields = [read and read.split()[0] for read in mapping(write(f"{header}\n{rows}")).values()]
    assert fields == ["created_at", "stars", "text", "author", "touchpoint", "service"]


def test_one_word_is_a_rating_or_a_text_by_its_values(write: Write) -> None:
    texts = write(
        "Datum;Bewertung\n01.09.2026;Sehr freundlich und schnell\n02.09.2026;Nie wieder dorthin\n"
    )
    assert mapping(texts)["Bewertung"] == "text"
    numbers = write("Datum;Bewertung\n01.09.2026;4\n02.09.2026;1\n")
    assert mapping(numbers)["Bewertung"] == "stars (1-5)"


@pytest.mark.parametrize(
    ("kind", "values", "scale", "read_as"),
    [
        (Kind.SURVEY, "1 3 5", "csat (1-5)", [1, 3, 5]),
        (Kind.SURVEY, "0 9 10", "nps (0-10)", [0, 9, 10]),
        (Kind.REVIEW, "1 3 5", "stars (1-5)", [1, 3, 5]),
        (Kind.REVIEW, "1 7 10", "stars (of 10, scaled to 1-5)", [1, 4, 5]),
        (Kind.REVIEW, "0,5 3,5 5,0", "stars (1-5)", [1, 4, 5]),
        (None, "20% 55% 100%", "stars (of 100, scaled to 1-5)", [1, 3, 5]),
        (None, "8/10 3/10 10/10", "stars (of 10, scaled to 1-5)", [4, 2, 5]),
        (None, "★★★☆☆ ★☆☆☆☆ ★★★★★", "stars (1-5)", [3, 1, 5]),
    ],
)
def test_a_bare_rating_gets_its_scale_from_the_kind_and_the_values(
    write: Write, kind: Kind | None, values: str, scale: str, read_as: list[int]
) -> None:
    source = write(
        "rating;comment\n" + "".join(f"{v};Fine by me\n" for v in values.split()), kind=kind
    )
    assert mapping(source)["rating"] == scale
    items, rejected = read(source)
    assert rejected == []
    assert [item.ratings[0].value for item in items] == read_as


def test_scale_and_value_pairs(write: Write) -> None:
    items, rejected = read(write(
        "respondent;metric;value;date\na;NPS;9;2026-09-01\nb;CSAT;4;2026-09-01\n"
        "c;CES score;6;2026-09-02\nd;NPS;12;2026-09-02\n"
    ))  # fmt: skip
    assert [ratings(item) for item in items] == [{Scale.NPS: 9}, {Scale.CSAT: 4}, {Scale.CES: 6}]
    assert [(row.line, row.column, row.reason) for row in rejected] == [
        (5, "value", "nps 12 is outside 0-10")
    ]


def test_kinds_in_a_column(write: Write) -> None:
    items, _ = read(write("type,text\ntweet,A\napp_review,B\nsurvey,C\nlive chat,D\natsauksme,E\n"))
    assert [item.kind for item in items] == [
        Kind.MENTION, Kind.REVIEW, Kind.SURVEY, Kind.CHAT, Kind.REVIEW
    ]  # fmt: skip


def test_a_column_of_other_types_is_no_kind_unless_declared(write: Write) -> None:
    content = "type,text\ncomplaint,Slow\npraise,Quick\n"
    assert mapping(write(content))["type"] is None
    items, rejected = read(write(content, map={"type": "kind"}))
    assert items == []
    assert rejected[0].column == "type"


def test_declared_columns_overrule_the_guess(write: Write) -> None:
    content = "Score,Text,Junk,When\n9,Good value,Nothing of note here,2026-09-01\n"
    source = write(content, map={"Score": "nps", "Text": "ignore", "Junk": "text"})
    assert mapping(source) == {
        "Score": "nps (0-10)", "Text": None, "Junk": "text", "When": "created_at"
    }  # fmt: skip


def test_a_declared_column_or_field_that_is_not_there_names_the_nearest(write: Write) -> None:
    with pytest.raises(ConfigError, match="no column 'Scor'; nearest: Score"):
        read(write("Score,Text\n9,Good\n", map={"Scor": "nps"}))
    with pytest.raises(ConfigError, match="'npss' is not a field; nearest: nps"):
        Files(path="x.csv", map={"Score": "npss"})


def test_defaults_stand_in_where_the_file_is_silent(write: Write) -> None:
    items, _ = read(write(
        "text,country\nGood,LV\nBad,\n",
        brand="Zefira", country="LT", source="panel", service="Post",
    ))  # fmt: skip
    assert [item.country for item in items] == ["LV", "LT"]
    assert {(item.brand, item.source, item.service) for item in items} == {
        ("Zefira", "panel", "Post")
    }


def test_without_dates_rows_get_the_time_of_the_file(write: Write) -> None:
    source = write("text\nGood coffee\n")
    os.utime(source.path, (1788253200, 1788253200))
    assert read(source)[0][0].created_at == datetime(2026, 9, 1, 9, tzinfo=UTC)
    assert any("no date column" in note for note in source.inspect().notes)


def test_what_the_brand_answered_is_no_customers_text(write: Write) -> None:
    items, _ = read(
        write(
            "Review ID,Date,App Version Name,Review Text,Developer Reply Text\n"
            "1,2026-10-01,1.0.1,It crashes at login,We are sorry to hear that\n"
        )
    )

    assert [(item.text, item.author) for item in items] == [("It crashes at login", None)]


def test_coordinates_and_constant_answers_are_neither_places_nor_texts(write: Write) -> None:
    items, rejected = read(
        write(
            "RecordedDate,Status,LocationLatitude,Q1,Q2\n"
            "Recorded Date,Response Type,Location Latitude,Would you recommend us?,Why?\n"
            + ",".join(['"{""ImportId"":""x""}"'] * 5)
            + "\n2026-10-01,IP Address,56.9,9,Friendly crew\n2026-10-02,IP Address,56.9,,\n"
        )
    )

    assert [(item.text, item.touchpoint) for item in items] == [("Friendly crew", None)]
    assert [row.reason for row in rejected] == ["no text and no rating"]


def test_the_names_of_kiosks_are_no_texts(write: Write) -> None:
    rows = "".join(f"Riga gate {n % 3},2026-10-01T10:{n:02}Z,{1 + n % 4}\n" for n in range(20))

    items, _ = read(write(f"Terminal code,Time,Smiley\n{rows}"))

    assert {item.text for item in items} == {""}


def test_a_value_beside_its_maximum_is_a_rating(write: Write) -> None:
    row = '{"id": 1, "date": "2026-10-01", "rating": {"value": 4, "max": 5}, "body": "All fine"}\n'

    items, _ = read(write(row, "reviews.jsonl"))

    assert [ratings(item) for item in items] == [{Scale.STARS: 4}]


def test_groups_of_promoters_tell_that_the_score_is_an_nps(write: Write) -> None:
    items, _ = read(
        write(
            "id,date,score,category,comment\n1,2026-10-01,10,promoter,Love it\n"
            "2,2026-10-02,4,detractor,Waiting for a refund\n3,2026-10-03,8,passive,Fine so far\n"
        )
    )

    assert [ratings(item) for item in items] == [{Scale.NPS: 10}, {Scale.NPS: 4}, {Scale.NPS: 8}]
    assert {item.service for item in items} == {None}


@pytest.mark.parametrize("name", ["Comments", "Atsauksmes", "Komentaras", "კომენტარები"])
def test_answers_of_one_word_are_texts_under_any_form_of_a_known_name(
    write: Write, name: str
) -> None:
    items, _ = read(write(f"id,date,{name}\n1,2026-10-01,Good\n2,2026-10-02,Slikti\n"))

    assert [item.text for item in items] == ["Good", "Slikti"]


def chat(*messages: tuple[str, str], key: str = "from") -> dict[str, object]:
    said = [{key: who, "body": text} for who, text in messages]
    return {"ticket_id": "t-100200", "opened_at": "2026-10-01T08:00:00Z", "messages": said}


@pytest.mark.parametrize(
    ("key", "agent"),
    [
        ("from", "agent"), ("role", "assistant"), ("sender", "bot"), ("author_type", "Operator"),
        ("senderType", "Support agent"), ("from", "system"), ("sender", "Operators"),
        ("from", "Оператор"), ("from", "ოპერატორი"),
    ],
)  # fmt: skip
def test_what_the_agent_says_in_a_chat_is_no_customers_text(
    write: Write, key: str, agent: str
) -> None:
    first = chat(("customer", "Kur ir mana paka?"), (agent, "Labdien! Skatos."), key=key)
    second = chat((agent, "Hello, how can I help?"), ("customer", "Refund, please."), key=key)
    items, _ = read(write(f"{json.dumps(first)}\n{json.dumps(second)}\n", "chats.jsonl"))

    assert [item.text for item in items] == ["Kur ir mana paka?", "Refund, please."]


def test_who_speaks_may_be_nested_and_is_no_author(write: Write) -> None:
    said = [
        {"author": {"type": "bot", "name": "Robbie"}, "text": "Welcome to the shop"},
        {"author": {"type": "user", "name": "Zane"}, "text": "Where is my parcel?"},
    ]
    row = {"conversation_id": "c-1", "created_at": "2026-10-01", "messages": said}
    items, _ = read(write(json.dumps([row]), "chats.json"))

    assert [(item.text, item.author) for item in items] == [("Where is my parcel?", None)]


SURVEY = "ID,Date,How likely are you to recommend us?,What is the main reason?{more}\n"


def test_the_one_open_question_of_a_survey_is_kept_with_its_answers(write: Write) -> None:
    source = write(SURVEY.format(more="") + "r1,2026-10-01,9,Friendly crew\nr2,2026-10-02,3,\n")

    assert {item.question for item in read(source)[0]} == {"What is the main reason?"}
    assert [item.question for item in read(replace(source, question="Q4"))[0]] == ["Q4", "Q4"]


def test_the_question_of_a_second_header_row_is_kept(write: Write) -> None:
    source = write(
        "RecordedDate,Q1,Q2\nRecorded Date,Would you recommend us?,Why?\n"
        + ",".join(['"{""ImportId"":""x""}"'] * 3)
        + "\n2026-10-01,9,Friendly crew\n2026-10-02,3,Late again\n"
    )

    assert {item.question for item in read(source)[0]} == {"Why?"}


def test_a_mere_name_of_a_column_is_no_question(write: Write) -> None:
    items, _ = read(write("Date,NPS,Comment\n2026-10-01,9,Friendly crew\n"))

    assert [item.question for item in items] == [None]


def test_several_open_questions_are_one_text_and_a_note_says_so(write: Write) -> None:
    source = write(
        SURVEY.format(more=",What can we improve?")
        + "r1,2026-10-01,9,Friendly crew,Seats\nr2,2026-10-02,3,Late again,\n"
    )
    items, _ = read(source)

    assert [item.text for item in items] == ["Friendly crew\nSeats", "Late again"]
    assert {item.question for item in items} == {None}
    [note] = [note for note in source.inspect().notes if "open questions" in note]
    assert note.startswith("2 open questions are joined into one text")
    assert "'What can we improve?'" in note


def people(*names: str) -> str:
    rows = (f"2026-10-0{1 + n % 9},{name},Text number {n}\n" for n, name in enumerate(names))
    return "Date,Klients,Comment\n" + "".join(rows)


def test_customers_of_few_sorts_are_segments(write: Write) -> None:
    items, _ = read(write(people(*["Privāts", "Bizness"] * 6)))

    assert {(item.author, item.segment) for item in items} == {
        (None, "Privāts"), (None, "Bizness")
    }  # fmt: skip


@pytest.mark.parametrize(
    "names", [["Jānis Ozols", "Anna Kalna"] * 6, ["@zane", "@juris"] * 6, ["Anna", "Juris"] * 6]
)
def test_customers_who_write_often_are_still_authors(write: Write, names: list[str]) -> None:
    assert {item.author for item in read(write(people(*names)))[0]} == set(names)


def test_russian_names_with_a_short_i_are_known(write: Write) -> None:
    rows = "Дата,Рейтинг,Язык,Отзыв\n2026-10-01,4,русский,Быстро\n2026-10-02,2,английский,Slow\n"
    source = write(rows)

    assert mapping(source)["Рейтинг"] == "stars (1-5)"
    assert [item.language for item in read(source)[0]] == ["ru", "en"]


def test_a_column_of_clocks_with_dots_belongs_to_the_date(write: Write) -> None:
    items, _ = read(write("Datums;Laiks;Komentārs\n01.10.2026;14.05;Ātri\n02.10.2026;9.30;Lēni\n"))

    assert [item.created_at.strftime("%d %R") for item in items] == ["01 14:05", "02 09:30"]
