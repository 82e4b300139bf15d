"""Which column is which field, guessed from names and values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from listening.errors import ConfigError, InvalidItem
from listening.records import Kind, Scale
from listening.sources import dates
from listening.sources.headers import WORDS, hints
from listening.sources.values import is_empty, number, plain, points, words
from listening.sources.wordings import AGREEMENT, ANSWERS, KINDS, NPS_GROUPS

SCALES = tuple(scale.value for scale in Scale)
LABELS = (
    "native_id", "brand", "source", "language", "url", "author", "country", "touchpoint",
    "segment", "service", "campaign", "question",
)  # fmt: skip
FIELDS = (
    *LABELS, "text", "title", "created_at", "updated_at", "kind", "engagement", "deleted", "time",
    "rating", "ratings", "scale", "value", *SCALES, "ignore",
)  # fmt: skip
_COUNTERS = frozenset(("nr", "no", "#", "номер", "ნომერი", "nummer"))
_MOST = 0.6
_SURE = 0.9
_FEW = 0.01
_BY_QUESTION = 0.5
_OPEN = 0.3
_LABEL = 120


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read; ``top`` is its highest value where that is not the scale's."""

    field: str
    top: float | None = None
    day_first: bool = True
    note: str = ""

    def __str__(self) -> str:
        return f"{self.field} ({self.note})" if self.note else self.field


Columns = Mapping[str, Column | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The filled cells of one column."""

    name: str
    question: str
    values: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]

    def share(self, test: Callable[[str], object]) -> float:
        """The share of values for which ``test`` holds."""
        return sum(bool(test(value)) for value in self.values) / len(self.values)

    def identifies(self) -> bool:
        """Whether the column is filled and tells rows of different content apart, in any file."""
        return identifies(self.name, self.rows) and not numbers_rows(self.name, self.rows)


def numbers_rows(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    """Whether a column such as ``Nr.`` only counts the rows: the next export's begins again."""
    if (plain(name) or name.strip()) not in _COUNTERS:
        return False
    cells = [row.get(name, "").strip() for row in rows]
    counted = [str(number) for number in range(1, len(rows) + 1)]
    return cells in (counted, counted[::-1])


def identifies(name: str, rows: Sequence[Mapping[str, str]]) -> bool:
    contents: dict[str, Mapping[str, str]] = {}
    for row in rows:
        own = row.get(name, "").strip()
        if not own or contents.setdefault(own, row) != row:
            return False
    return bool(rows)


def _samples(rows: Sequence[Mapping[str, str]], questions: Mapping[str, str]) -> list[Sample]:
    """The columns of ``rows``, in the order they first occur."""
    cells: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            column = cells.setdefault(name, [])
            if not is_empty(value):
                column.append(value)
    return [
        Sample(name, questions.get(name, ""), tuple(column), rows) for name, column in cells.items()
    ]


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
    samples = _samples(rows, questions)
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
            return _rating(column, kind) or Column(Scale.STARS)
        case "created_at" | "updated_at":
            order, note = dates.day_first(column.values)
            return Column(name, day_first=order, note=note)
        case _ if name in SCALES:
            return _scaled(column, Scale(name))
    return Column(name)


def _ranked(samples: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Every (column, field) that a name suggests, surest first, then in the order of the file."""
    found = []
    for column in samples:
        suggested = dict(hints(column.name))
        for name, strength in hints(column.question).items():
            suggested[name] = max(suggested.get(name, 0.0), strength - _BY_QUESTION)
        found += [(strength, column, name) for name, strength in suggested.items() if column.values]
    # A stable sort keeps the order of the file, and of the fields, among equals.
    return [(column, name) for _, column, name in sorted(found, key=lambda entry: -entry[0])]


def _fit(column: Sample, name: str, kind: Kind | None) -> Column | None:
    """How ``column`` is read as the field ``name``; None where its values speak against it."""
    if name in {"created_at", "updated_at"}:
        return _date(column, name)
    if name == "rating":
        return _rating(column, kind)
    if name in SCALES:
        return _scale_by_name(column, Scale(name))
    fits = _says(column, kind) if name == "text" else _FITS.get(name, _is_label)(column)
    return Column(name) if fits else None


def _is_label(column: Sample) -> bool:
    return not _tells_nps_groups(column) and column.share(lambda cell: len(cell) < _LABEL) > _SURE


_FITS: Mapping[str, Callable[[Sample], bool]] = {
    "time": lambda column: column.share(dates.is_clock) == 1,
    "kind": lambda column: column.share(lambda cell: plain(cell) in KINDS) == 1,
    "scale": lambda column: column.share(scale_named) == 1,
    "value": lambda column: column.share(_bare) > _SURE,
    "engagement": lambda column: column.share(_bare) > _SURE,
    "url": lambda column: column.share(lambda cell: "." in cell or "/" in cell) == 1,
    "native_id": Sample.identifies,
}


def _bare(cell: str) -> bool:
    try:
        number(cell)
    except InvalidItem:
        return False
    return True


def scale_named(cell: str) -> Scale | None:
    """The scale that a cell such as ``NPS`` or ``CSAT score`` names."""
    for word in plain(cell).split():
        if word in SCALES:
            return Scale(word)
    return None


def _date(column: Sample, name: str) -> Column | None:
    order, note = dates.day_first(column.values)
    good = sum(_is_date(value, order) for value in column.values)
    return Column(name, day_first=order, note=note) if good > _MOST * len(column.values) else None


def _is_date(cell: str, order: bool = True) -> bool:
    try:
        return 1970 <= dates.moment(cell, day_first=order).year < 2100  # noqa: PLR2004 - plausible
    except InvalidItem:
        return False


def _readable(cell: str) -> bool:
    answer = plain(cell)
    return (
        points(cell) is not None
        or words(cell) is not None
        or answer in ANSWERS
        or answer in AGREEMENT
    )


def _top(column: Sample) -> float:
    found = [read for cell in column.values if (read := points(cell)) is not None]
    named = [top for _, top in found if top]
    return max(named or [value for value, _ in found] or [0.0])


def _scale_by_name(column: Sample, scale: Scale) -> Column | None:
    """``scale`` where most cells can be read on it, as the name promises."""
    if column.share(lambda cell: _readable(cell) and len(cell) < 60) <= _MOST:  # noqa: PLR2004
        return None
    return _scaled(column, scale)


def _scaled(column: Sample, scale: Scale) -> Column:
    highest = _top(column)
    for top in (scale.high, 10, 100):
        if _within(column, top):
            return _with_top(scale, top)
    return _with_top(scale, scale.high if highest <= 20 else 100)  # noqa: PLR2004


def _within(column: Sample, top: float, *, strays: float = 0.1) -> bool:
    """At most one in ten (or one) is above ``top``: those rows are set aside."""
    found = [read for cell in column.values if (read := points(cell)) is not None]
    above = sum(value > top or (named or top) != top for value, named in found)
    return above <= max(1 if strays > _FEW else 0, strays * len(found))


def _with_top(scale: Scale, top: float) -> Column:
    if top == scale.high:
        return Column(scale, note=f"{scale.low}-{scale.high}")
    return Column(scale, top, note=f"of {top:g}, scaled to {scale.low}-{scale.high}")


def _rating(column: Sample, kind: Kind | None) -> Column | None:
    """A column that says only that it is a rating: its values and the kind tell the scale.

    Up to 5: csat in surveys, stars elsewhere. Above 5: NPS in surveys, halved to stars elsewhere.
    """
    if column.share(lambda cell: _readable(cell) and len(cell) < 60) <= _MOST:  # noqa: PLR2004
        return None
    worded = [scale for cell in column.values if (scale := words(cell)) is not None]
    survey = kind == Kind.SURVEY
    if len(worded) * 2 > len(column.values):
        return _with_top(worded[0], worded[0].high)
    if _within(column, 5, strays=_FEW):
        return _with_top(Scale.CSAT if survey else Scale.STARS, 5)
    if survey and _within(column, 10):
        return _with_top(Scale.NPS, 10)
    return _scaled(column, Scale.CSAT if survey else Scale.STARS)


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
        chosen.update({one.name: _rating(one, kind) for one in islice(rated, 1)})
    if kind == Kind.SURVEY:
        asked = [one for one in free() if _asked(one)]
        chosen.update({one.name: Column("text") for one in asked})
    if not any(column is not None and column.field == "text" for column in chosen.values()):
        prose = [one for one in free() if _prose(one)]
        prose.sort(key=lambda one: -sum(map(len, one.values)))
        chosen.update({one.name: Column("text", note="the longest text") for one in prose[:1]})


def _is_written_date(cell: str) -> bool:
    return not _bare(cell) and _is_date(cell)


def _says(column: Sample, kind: Kind | None) -> bool:
    """Whether a column whose name speaks of text holds it: numbers and short labels do not."""
    if column.share(_bare) > 1 - _MOST:
        return False
    return max(
        hints(column.name).get("text", 0.0), hints(column.question).get("text", 0.0)
    ) > WORDS or (_prose(column) or (kind == Kind.SURVEY and _asked(column)))


def _asked(column: Sample) -> bool:
    """An open question: its answers may be one word each, but are no numbers, dates or choices."""
    if "?" not in column.name + column.question or _chosen_from_few(column):
        return False
    return column.share(lambda cell: not _bare(cell) and not _is_date(cell)) > _MOST


def _chosen_from_few(column: Sample) -> bool:
    distinct = {plain(value) for value in column.values}
    return distinct <= NPS_GROUPS or len(distinct) < _OPEN * len(column.values)


def _tells_nps_groups(column: Sample) -> bool:
    """Whether it says again, in words, what a score from 0 to 10 says."""
    distinct = {plain(value) for value in column.values}
    return distinct <= NPS_GROUPS and bool(distinct - {"neutral"})


def _worded(cell: str) -> bool:
    return words(cell) is not None or "★" in cell or "⭐" in cell


def _prose(column: Sample) -> bool:
    """Several words a cell, and not the same few again and again, as the names of kiosks are."""
    several = column.share(lambda cell: " " in cell.strip() and not _bare(cell)) > 0.5  # noqa: PLR2004
    return several and not _chosen_from_few(column)


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
