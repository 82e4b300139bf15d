"""The ``name:value`` operators: which exist, and what their values may be."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import NamedTuple

from listening.query.errors import QueryError, suggestion
from listening.query.languages import LANGUAGES
from listening.records import Kind, Label, Scale, Status
from listening.tree import Field

ANY = "any"  # value of a desk field: whichever it is
CHOICES = {"kind": tuple(Kind), "sentiment": tuple(Label), "status": (*Status, ANY)}
SCALES = {str(scale): scale for scale in Scale}
DATES = ("after", "before")
TEXTS = (
    *("source", "brand", "author", "url", "country", "question"),
    *("segment", "service", "touchpoint", "campaign"),
    *("tag", "assignee", "saved"),
)
DESK = ("tag", "status", "assignee")  # what people keep of feedback, beside it
FIELDS = ("lang", *TEXTS, *CHOICES, *SCALES, *DATES)

# Names that other systems use; they are suggested, not accepted, so that a query reads one way.
_ELSEWHERE = {
    "category": "service",
    "assigned": "assignee",
    "from": "author",
    "label": "sentiment",
    "language": "lang",
    "link": "url",
    "locale": "lang",
    "place": "country",
    "rating": "stars",
    "score": "stars",
    "search": "saved",
    "since": "after",
    "site": "url",
    "tags": "tag",
    "type": "kind",
    "until": "before",
}
_COMPARISON = re.compile(r"(<=|>=|<|>|=|)(\d{1,3})")
_RANGE = re.compile(r"(\d{1,3})?(?:\.\.|…)(\d{1,3})?")
_TAG = re.compile(r"([A-Za-z]{3}|[A-Za-z]{2})((?:-[A-Za-z0-9]{1,8})*)")


class Typed(NamedTuple):
    """A ``name:value`` as typed: ``at`` is where the value starts."""

    name: str
    value: str
    start: int
    at: int
    end: int


def read(typed: Typed) -> Field:
    """The field that was meant; raises QueryError for an unknown name or an impossible value."""
    name = typed.name.casefold()
    if name not in FIELDS:
        raise _unknown_field(typed)
    value = typed.value.strip()
    if not value:
        what = f"“{typed.name}:” has no value"
        raise QueryError(what, f"write it right behind, e.g. {example(name)}", position=typed.start)
    if "," in value and name not in TEXTS:
        each = " OR ".join(f"{name}:{part.strip()}" for part in value.split(",") if part.strip())
        mend = f"for several, write ({each})"
        raise QueryError(f"“{typed.name}:” takes one value", mend, position=typed.start)
    if name in SCALES:
        return _number(SCALES[name], value, typed)
    return Field(name, _value(name, value, typed), start=typed.start, end=typed.end)


def _value(name: str, value: str, typed: Typed) -> str:
    if name == "lang":
        return _language(value, typed)
    if name in DATES:
        return _date(name, value, typed)
    if name in CHOICES:
        return _choice(name, value, typed)
    return _text(name, value, typed)


def example(name: str) -> str:
    """A value that the field accepts, as it is typed."""
    if name in SCALES:
        return f"{name}:{SCALES[name].low}..{SCALES[name].low + 1}"
    if name in DATES:
        return f"{name}:2026-09-01"
    if name in CHOICES:
        return f"{name}:{CHOICES[name][0]}"
    return f"{name}:lv" if name == "lang" else f'{name}:"two words"'


def _unknown_field(typed: Typed) -> QueryError:
    name = typed.name.casefold()
    meant = _ELSEWHERE.get(name) or suggestion(name, FIELDS)
    guess = f"did you mean {meant}:? " if meant else ""
    quoted = f'to search for the words, quote them: "{typed.name[:40]} {typed.value[:40]}"'
    mend = f"{guess}{'T' if guess else 't'}he fields are {', '.join(FIELDS)}; {quoted}"
    return QueryError(f"there is no field “{typed.name[:40]}:”", mend, position=typed.start)


def _number(scale: Scale, value: str, typed: Typed) -> Field:
    low, high = _bounds(value) or (None, None)
    span = range(scale.low, scale.high + 1)
    ordered = low is None or high is None or low <= high
    if (low is None and high is None) or not ordered or {low, high} - {None, *span}:
        forms = f"write {scale}:{scale.low}, {scale}:{scale.low}..{scale.high} or {scale}:<=2"
        what = f"{scale} runs from {scale.low} to {scale.high} in whole numbers, not “{value[:40]}”"
        raise QueryError(what, forms, position=typed.at)
    return Field(str(scale), low=low, high=high, start=typed.start, end=typed.end)


def _bounds(value: str) -> tuple[float | None, float | None] | None:
    if found := _COMPARISON.fullmatch(value):
        sign, number = found[1], int(found[2])
        low = number + (sign == ">")
        high = number - (sign == "<")
        return (None if "<" in sign else low), (None if ">" in sign else high)
    if found := _RANGE.fullmatch(value):
        low_text, high_text = found.groups()
        return (int(low_text) if low_text else None), (int(high_text) if high_text else None)
    return None


def _choice(name: str, value: str, typed: Typed) -> str:
    choices = CHOICES[name]
    if (lowered := "-".join(value.casefold().split())) in choices:
        return lowered
    meant = suggestion(lowered, choices) or next((c for c in choices if c[:3] == lowered[:3]), None)
    guess = f"did you mean {name}:{meant}? " if meant else ""
    mend = f"{guess}{'I' if guess else 'i'}t can be {', '.join(choices)}"
    raise QueryError(f"{name} cannot be “{value[:40]}”", mend, position=typed.at)


def _language(value: str, typed: Typed) -> str:
    found = _TAG.fullmatch(value)
    # There are thousands of three-letter codes; the two-letter ones are all known.
    if found and (found[1][2:] or found[1].lower() in LANGUAGES):
        return found[1].lower() + _subtags(found[2])
    names = {name.casefold(): code for code, name in LANGUAGES.items()}
    near = suggestion(value, names)
    code = names[near] if near else suggestion(value, LANGUAGES)
    guess = f"did you mean lang:{code}? " if code else ""
    tags = "a language tag such as lang:lv, lang:en-GB or lang:und (unsure)"
    mend = f"{guess}{'U' if guess else 'u'}se {tags}"
    raise QueryError(f"no language is tagged “{value[:40]}”", mend, position=typed.at)


def _subtags(rest: str) -> str:
    # BCP 47 case: scripts are Titled, regions UPPER, everything else lower.
    styles = {2: str.upper, 4: str.title}
    return "".join(f"-{styles.get(len(p), str.lower)(p)}" for p in rest.split("-")[1:])


def _date(name: str, value: str, typed: Typed) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        if moment := _moment(value):
            return moment
        numbers = re.fullmatch(r"(\d{4})\D(\d{1,2})\D(\d{1,2})", value)
        mended = f"{numbers[1]}-{numbers[2]:0>2}-{numbers[3]:0>2}" if numbers else "2026-09-01"
        what = f"“{value[:40]}” is no date"
        mend = f"write year-month-day, e.g. {name}:{mended} or, in UTC, {name}:{mended}T14:00Z"
        raise QueryError(what, mend, position=typed.at) from None


def _moment(value: str) -> str | None:
    """A time of day in UTC, e.g. 2026-09-01T14:00Z; it is UTC's where it says no other zone."""
    if "T" not in value.upper():
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return written(moment)


def written(moment: datetime) -> str:
    """A zone-aware time as ``after:`` and ``before:`` have it: a day where it begins one in UTC."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    text = utc.isoformat()
    return text[:10] if text.endswith("T00:00:00") else f"{text.removesuffix(':00')}Z"


def _text(name: str, value: str, typed: Typed) -> str:
    star = value.find("*")
    if star == -1 or (star == len(value) - 1 and star > 0):
        return value
    what = f"the * in “{value[:40]}” is not at the end of a beginning"
    mend = f"end the value with it, e.g. {name}:{value.replace('*', '')[:40] or 'app'}*"
    raise QueryError(what, mend, position=typed.at + star)
