"""Which column is which field, guessed from names and values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from listening.errors import ConfigError, InvalidItem
from listening.records import Kind, Scale
from listening.sources import dates, scales
from listening.sources.headers import WORDS, hints
from listening.sources.nested import is_staff
from listening.sources.samples import Column, Sample, bare, samples_of
from listening.sources.scales import SCALES
from listening.sources.values import plain, words
from listening.sources.wordings import KINDS, NPS_GROUPS, SORTS

LABELS = (
    "native_id", "brand", "source", "language", "url", "author", "country", "touchpoint",
    "segment", "service", "campaign", "question",
)  # fmt: skip
FIELDS = (
    *LABELS, "text", "title", "created_at", "updated_at", "kind", "engagement", "deleted", "time",
    "rating", "ratings", "scale", "value", *SCALES, "ignore",
)  # fmt: skip
_MOST = 0.6
_SURE = 0.9
_BY_QUESTION = 0.5
_OPEN = 0.3
_LABEL = 120
_SPACES_OF_A_QUESTION = 2


Columns = Mapping[str, Column | None]


def guess(
    rows: Sequence[Mapping[str, str]],
    questions: Mapping[str, str],
    *,
    declared: Mapping[str, str],
    kind: Kind | None,
) -> dict[str, Column | None]:
    """Every column with how it is read (None: unused).

    ``questions`` are longer titles of some columns. ``declared`` (column to field) is taken as it
    is; raises ConfigError where it names a column or a field that there is not.
    """
    samples = samples_of(rows, questions)
    check(declared, [column.name for column in samples])
    kind = kind or _kind_in(samples)
    chosen = {
        column.name: _declared(column, declared[column.name], kind)
        for column in samples
        if column.name in declared
    }
    taken = {column.field for column in chosen.values() if column is not None}
    ranked = _ranked(samples)
    scaled = "scale" in taken or any(
        name == "scale" and _fit(column, name, kind) for column, name in ranked
    )
    for column, suggested in ranked:
        name = suggested if scaled or suggested != "value" else "rating"
        if column.name in chosen or (name in taken and name != "text"):
            continue
        read = _fit(column, name, kind)
        if read is not None and (read.field not in taken or read.field == "text"):
            chosen[column.name] = read
            taken.add(read.field)
    _without_names(samples, chosen, kind)
    return {column.name: chosen.get(column.name) for column in samples}


def check(declared: Mapping[str, str], names: Sequence[str] | None) -> None:
    """Raises ConfigError where a declared field, or a column that is not in ``names``, is wrong."""
    for column, name in declared.items():
        if names is not None and column not in names:
            near = difflib.get_close_matches(column, names, 3, 0.4) or list(names)[:8]
            raise ConfigError(f"map: there is no column {column!r}; nearest: {', '.join(near)}")
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 3, 0.4) or list(FIELDS)
            raise ConfigError(f"map: {name!r} is not a field; nearest: {', '.join(near)}")


def _declared(column: Sample, name: str, kind: Kind | None) -> Column | None:
    match name:
        case "ignore":
            return None
        case "rating" | "ratings":
            return scales.rating(column, kind) or Column(Scale.STARS)
        case "created_at" | "updated_at":
            order, note = dates.day_first(column.values)
            return Column(name, day_first=order, note=note)
        case _ if name in SCALES:
            return scales.scaled(column, Scale(name))
    return Column(name)


def _ranked(samples: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Every (column, field) that a name suggests, surest first, then in the order of the file."""
    found = []
    for column in samples:
        suggested = dict(hints(column.name))
        for name, strength in hints(column.question).items():
            suggested[name] = max(suggested.get(name, 0.0), strength - _BY_QUESTION)
        if "author" in suggested and column.values and _tells_sorts(column):
            suggested["segment"] = suggested.pop("author")
        found += [(strength, column, name) for name, strength in suggested.items() if column.values]
    # A stable sort keeps the order of the file, and of the fields, among equals.
    return [(column, name) for _, column, name in sorted(found, key=lambda entry: -entry[0])]


def _fit(column: Sample, name: str, kind: Kind | None) -> Column | None:
    """How ``column`` is read as the field ``name``; None where its values speak against it."""
    if name in {"created_at", "updated_at"}:
        return _date(column, name)
    if name == "rating":
        return scales.rating(column, kind)
    if name in SCALES:
        return scales.by_name(column, Scale(name))
    fits = _says(column, kind) if name == "text" else _FITS.get(name, _is_label)(column)
    return Column(name) if fits else None


def _is_label(column: Sample) -> bool:
    return not _tells_nps_groups(column) and column.share(lambda cell: len(cell) < _LABEL) > _SURE


_FITS: Mapping[str, Callable[[Sample], bool]] = {
    "time": lambda column: column.share(dates.is_clock) == 1,
    "kind": lambda column: column.share(lambda cell: plain(cell) in KINDS) == 1,
    "scale": lambda column: column.share(scales.scale_named) == 1,
    "value": lambda column: column.share(bare) > _SURE,
    "engagement": lambda column: column.share(bare) > _SURE,
    "url": lambda column: column.share(lambda cell: "." in cell or "/" in cell) == 1,
    "native_id": Sample.identifies,
    "author": lambda column: _is_label(column) and column.share(is_staff) < 1 - _SURE,
}


def _date(column: Sample, name: str) -> Column | None:
    order, note = dates.day_first(column.values)
    good = sum(_is_date(value, order) for value in column.values)
    return Column(name, day_first=order, note=note) if good > _MOST * len(column.values) else None


def _is_date(cell: str, order: bool = True) -> bool:
    try:
        return 1970 <= dates.moment(cell, day_first=order).year < 2100  # noqa: PLR2004 - plausible
    except InvalidItem:
        return False


def _without_names(
    samples: Sequence[Sample], chosen: dict[str, Column | None], kind: Kind | None
) -> None:
    """Choose the date, the rating and the text that no name gave, from the values alone."""

    def free() -> list[Sample]:
        return [column for column in samples if column.name not in chosen and column.values]

    taken = {column.field for column in chosen.values() if column is not None}
    if "created_at" not in taken:
        dated = (one for one in free() if one.share(_is_written_date) > _SURE)
        chosen.update({one.name: _date(one, "created_at") for one in islice(dated, 1)})
    if not taken & set(SCALES):
        rated = (one for one in free() if one.share(_worded) > _SURE)
        chosen.update({one.name: scales.rating(one, kind) for one in islice(rated, 1)})
    if kind == Kind.SURVEY:
        asked = [one for one in free() if _asked(one)]
        chosen.update({one.name: Column("text") for one in asked})
    if not any(column is not None and column.field == "text" for column in chosen.values()):
        prose = [one for one in free() if _prose(one)]
        prose.sort(key=lambda one: -sum(map(len, one.values)))
        chosen.update({one.name: Column("text", note="the longest text") for one in prose[:1]})


def _is_written_date(cell: str) -> bool:
    return not bare(cell) and _is_date(cell)


def _says(column: Sample, kind: Kind | None) -> bool:
    """Whether a column whose name speaks of text holds it: numbers and short labels do not."""
    if column.share(bare) > 1 - _MOST:
        return False
    return max(
        hints(column.name).get("text", 0.0), hints(column.question).get("text", 0.0)
    ) > WORDS or (_prose(column) or (kind == Kind.SURVEY and _asked(column)))


def question_of(name: str, title: str) -> str | None:
    """What a column of answers asks: its longer title, or its name where that is no mere label."""
    asked = (one for one in (title, name) if "?" in one or one.count(" ") >= _SPACES_OF_A_QUESTION)
    return next(asked, None)


def _asked(column: Sample) -> bool:
    """An open question: its answers may be one word each, but are no numbers, dates or choices."""
    if "?" not in column.name + column.question or _chosen_from_few(column):
        return False
    return column.share(lambda cell: not bare(cell) and not _is_date(cell)) > _MOST


def _chosen_from_few(column: Sample) -> bool:
    distinct = {plain(value) for value in column.values}
    return distinct <= NPS_GROUPS or len(distinct) < _OPEN * len(column.values)


def _tells_nps_groups(column: Sample) -> bool:
    """Whether it says again, in words, what a score from 0 to 10 says."""
    distinct = {plain(value) for value in column.values}
    return distinct <= NPS_GROUPS and bool(distinct - {"neutral"})


def _tells_sorts(column: Sample) -> bool:
    """Whether ``customer`` says private or business. A name is never taken for a sort.

    Only authors are made pseudonyms, so that few distinct values are not enough.
    """
    distinct = {plain(value) for value in column.values}
    return distinct <= SORTS or (_chosen_from_few(column) and bool(distinct & SORTS))


def _worded(cell: str) -> bool:
    return words(cell) is not None or "★" in cell or "⭐" in cell


def _prose(column: Sample) -> bool:
    """Several words a cell, and not the same few again and again, as the names of kiosks are."""
    several = column.share(lambda cell: " " in cell.strip() and not bare(cell)) > 0.5  # noqa: PLR2004
    return several and not _chosen_from_few(column)


def _kind_in(samples: Sequence[Sample]) -> Kind | None:
    """What the names say the file is: a survey where one of its scales is asked."""
    for column in samples:
        if "kind" in hints(column.name) and column.values and _fit(column, "kind", None):
            kinds = {KINDS[plain(cell)] for cell in column.values}
            return Kind(kinds.pop()) if len(kinds) == 1 else None
    named = " ".join(f"{column.name} {column.question}" for column in samples)
    found = hints(named)
    if (
        {"nps", "csat", "ces"} & found.keys()
        or re.search(r"\?|survey|respondent", named, re.IGNORECASE)
        or any(map(_tells_nps_groups, samples))
    ):
        return Kind.SURVEY
    return None


def kind_of(fields: Iterable[str]) -> Kind:
    """What the rows of a file with these fields are, where neither it nor its user says so."""
    match set(fields):
        case found if found & {"nps", "csat", "ces"}:
            return Kind.SURVEY
        case found if "smiley" in found:
            return Kind.RATING
        case found if "stars" in found:
            return Kind.REVIEW
        case found if "question" in found:
            return Kind.SURVEY
    return Kind.MENTION
