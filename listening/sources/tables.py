"""Files as rows: the format and dialect guessed, broken rows told from whole ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from listening.errors import ConfigError
from listening.sources.csv_records import Record, records_of
from listening.sources.encodings import Unpacked, encoding_of, open_text, undecodable
from listening.sources.headers import WORDS, hints
from listening.sources.nested import flat, values, wrapped_in

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_ROWS = 2000
_HEADER_WITHIN = 20
_CERTAIN = 2
_SURVEYMONKEY = {"Response", "Open-Ended Response"}
_LONGEST_NAME = 200
_SAMPLE_CHARACTERS = 1 << 16
# Not those that some exports separate fields with, nor line ends and tabs.
_CONTROLS = re.compile(r"[\x02-\x08\x0e-\x1b]")
_SUMMARY = re.compile(
    r"^(grand total|sub ?total|totals?|sum|average|mean|count|kopā|kopsumma|vidēji|"
    r"iš viso|viso|vidurkis|итого|всего|среднее|სულ|ჯამი|საშუალო|summe|gesamt|durchschnitt|"
    r"mittelwert)\s*[:=]?\s*$",
    re.IGNORECASE,
)
_DATA = re.compile(r"^[-+]?\d[\d.,:/TZ +-]*$")


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by column, and the 1-based physical line it begins on."""

    line: int
    cells: dict[str, str]
    raw: str


@dataclass(frozen=True, slots=True)
class Broken:
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Table:
    """How to read a file. ``header`` is empty for JSON; ``data_line`` is where rows begin.

    ``questions`` are the longer titles that survey tools put in a second header row.
    """

    format: str
    encoding: str
    separator: str | None = None
    escape: str | None = None
    header: tuple[str, ...] = ()
    header_line: int | None = None
    data_line: int = 1
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look(path: Path, *, encoding: str | None = None, separator: str | None = None) -> Table:
    """How the file is to be read, judged by its first rows; raises ConfigError for no text."""
    encoding = encoding or encoding_of(path)
    with open_text(Unpacked(path), encoding) as text:
        lines = list(islice(text, SAMPLE_ROWS))
    if _is_binary(lines):
        raise ConfigError(
            f"{path} holds no text; export it as CSV or JSON, or name only the files that are text"
        )
    if separator is None and (found := _json_format(lines)) is not None:
        return Table(found, encoding)
    return _table(lines, encoding, separator)


def _is_binary(lines: Sequence[str]) -> bool:
    """Random and packed bytes are 8 % such control characters; zero bytes alone may be padding."""
    sample = "".join(lines)[:_SAMPLE_CHARACTERS]
    zeros = sample.count("\x00")
    return zeros > 0.1 * len(sample) or len(_CONTROLS.findall(sample)) > 0.03 * len(sample)


def read(path: Path, table: Table) -> Iterator[Row | Broken]:
    """Every row of the file in order; what cannot be a row is Broken, with its line and reason."""
    raw = Unpacked(path)
    with open_text(raw, table.encoding) as text:
        rows = _tabular(text, table) if table.header else _jsonlike(text, table)
        held: Row | Broken | None = None
        for row in rows:
            if held is not None:
                yield held
            held = row
        if raw.damage is None:
            if held is not None:
                yield held
            return
        yield from _damaged(held, raw.damage)


def _damaged(last: Row | Broken | None, damage: str) -> Iterator[Row | Broken]:
    reason = f"the gzip data is damaged from here on: {damage}"
    if last is None or last.raw.endswith(("\n", "\r")):
        if last is not None:
            yield last
        yield Broken(last.line + last.raw.count("\n") if last else 1, reason, "")
    else:
        yield Broken(last.line, reason, last.raw)


def _json_format(lines: Sequence[str]) -> str | None:
    filled = [line for line in lines if line.strip("\ufeff\x00 \t\r\n")]
    start = "".join(filled[:2]).lstrip("\ufeff\x00 \t\r\n")
    if re.match(r"\[\s*[\[{\]]", start):
        return "json"
    if not start.startswith("{"):
        return None
    objects = [value for line in filled[:50] if (value := _object(line)) is not None]
    if len(filled) == 1 and objects and wrapped_in(objects[0]) is not None:
        return "json"
    return "jsonl" if 2 * len(objects) >= len(filled[:50]) else "json"


def _object(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line.lstrip("\ufeff")) if line.lstrip("\ufeff")[:1] == "{" else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _jsonlike(text: TextIO, table: Table) -> Iterator[Row | Broken]:
    if table.format == "json":
        for number, value, line in values(text):
            yield _json_row(number, value, line, table)
        return
    for number, line in enumerate(text, 1):
        if not line.strip("\x00 \t\r\n\ufeff"):
            continue
        try:
            value = json.loads(line, parse_float=str, parse_int=str)
        except ValueError as error:
            value = error
        yield _json_row(number, value, line, table)


def _json_row(line: int, value: object, raw: str, table: Table) -> Row | Broken:
    if (bad := undecodable(raw, table.encoding)) is not None:
        return Broken(line, bad, raw)
    if isinstance(value, ValueError):
        return Broken(line, f"not JSON: {value}", raw)
    if not isinstance(value, dict):
        return Broken(line, f"a JSON {type(value).__name__}, not an object", raw)
    return Row(line, flat(value), raw)


def _tabular(text: Iterable[str], table: Table) -> Iterator[Row | Broken]:
    lines = islice(text, table.data_line - 1, None)
    width = len(table.header)
    for record in records_of(
        lines, table.separator or ",", table.escape, width=width, first=table.data_line
    ):
        cells = record.cells
        if record.error is None and not any(map(str.strip, cells)):
            continue
        reason = record.error or undecodable(record.raw, table.encoding)
        if reason is None:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            reason = _misfit(cells, table)
        if reason is None:
            yield Row(record.line, dict(zip(table.header, cells, strict=True)), record.raw)
        else:
            yield Broken(record.line, reason, record.raw)


def _misfit(cells: Sequence[str], table: Table) -> str | None:
    summary = _SUMMARY.match(cells[0]) or (
        len(cells) > 1 and not cells[0] and _SUMMARY.match(cells[1])
    )
    if summary and sum(not cell.strip() for cell in cells) * 2 >= len(cells) - 1:
        return f"a summary row ({summary[0].strip()}), not an answer"
    if len(cells) != len(table.header):
        return f"{len(cells)} fields where the header has {len(table.header)}"
    if tuple(cells) == table.header:
        return "the header again, not an answer"
    return None


def _table(lines: Sequence[str], encoding: str, separator: str | None) -> Table:
    skipped = 0
    if lines and (declared := re.fullmatch(r'"?sep=(.)"?\s*', lines[0].lstrip("\ufeff"))):
        separator, skipped = separator or declared[1], 1
    escapes = (None, "\\") if any('\\"' in line for line in lines) else (None,)
    records, separator, escape = max(
        ((_sample(lines[skipped:], one, escape, skipped + 1), one, escape)
         for one in ([separator] if separator else SEPARATORS) for escape in escapes),
        key=lambda found: _consistency(found[0]),
    )  # fmt: skip
    return _headed(records, Table("csv", encoding, separator, escape))


def _sample(lines: Sequence[str], separator: str, escape: str | None, first: int) -> list[Record]:
    records = list(records_of(lines, separator, escape, first=first))
    if len(records) > 1 and records[-1].error:
        records.pop()
    return [record for record in records if any(map(str.strip, record.cells))]


def _consistency(records: Sequence[Record]) -> tuple[float, int]:
    """The share of rows of the commonest width, better the more known names the header has."""
    if not records:
        return 0.0, 0
    width, count = _width(records)
    if width == 1:
        return 0.4, 1
    known = max(
        (sum(bool(hints(cell)) for cell in record.cells if len(cell) < _LONGEST_NAME)
         for record in records[:_HEADER_WITHIN] if len(record.cells) == width),
        default=0,
    )  # fmt: skip
    return count / len(records) + 0.1 * min(known, 5), width


def _width(records: Sequence[Record]) -> tuple[int, int]:
    return Counter(len(record.cells) for record in records).most_common(1)[0]


def _headed(records: Sequence[Record], table: Table) -> Table:
    if not records:
        return replace(table, header=("text",), notes=("the file is empty",))
    width, _ = _width(records)
    at = next((n for n, record in enumerate(records) if _is_full(record.cells, width)), 0)
    if not _is_header(records[at].cells, records[at + 1 :]):
        header = tuple(f"column {number}" for number in range(1, width + 1))
        notes = ("no header row: the columns are numbered, and can be mapped so",)
        return replace(table, header=header, data_line=records[0].line, notes=notes)
    head = records[at]
    after, questions = _more_headers(records, at)
    above = f"the header is on line {head.line}; what stands above it is no row"
    return replace(
        table,
        header=_distinct(head.cells),
        header_line=head.line,
        data_line=_next_line(records[after - 1]),
        questions=questions,
        notes=(above,) if at else (),
    )


def _next_line(record: Record) -> int:
    return record.line + len(re.findall(r"\r\n|\r|\n", record.raw))


def _is_full(cells: Sequence[str], width: int) -> bool:
    """Titles and export dates above a header fill no more than a cell or two."""
    return len(cells) == width and 2 * sum(bool(cell.strip()) for cell in cells) >= width


def _is_header(cells: Sequence[str], below: Sequence[Record]) -> bool:
    """Whether ``cells`` are names: we know them, or numbers and dates stand below words.

    In doubt they are a row, which would otherwise be lost.
    """
    if any(_DATA.match(cell.strip()) for cell in cells):
        return False
    if sum(map(_name_points, cells)) >= _CERTAIN:
        return True
    rows = [record.cells for record in below if len(record.cells) == len(cells)]
    return any(
        sum(bool(_DATA.match(row[at].strip())) for row in rows) > 0.8 * len(rows)
        for at in range(len(cells))
        if rows
    )


def _name_points(cell: str) -> int:
    """2 for a name we know, 1 for a question or a short title with such a word in it."""
    strength = max(hints(cell).values(), default=0.0) if len(cell) < _LONGEST_NAME else 0.0
    if strength > WORDS:
        return _CERTAIN
    return int(strength > 0 and (cell.rstrip().endswith("?") or len(cell.split()) < 4))  # noqa: PLR2004


def _more_headers(records: Sequence[Record], at: int) -> tuple[int, tuple[str, ...]]:
    """(index of the first data row, question texts) below a header at ``at``."""
    width = len(records[at].cells)
    for below in (1, 2):
        if at + below < len(records) and all(
            '"ImportId"' in cell for cell in records[at + below].cells
        ):
            texts = tuple(records[at + 1].cells) if below > 1 else ()
            return at + below + 1, texts
    second = records[at + 1].cells if at + 1 < len(records) else []
    if len(second) == width and not second[0].strip() and _SURVEYMONKEY & set(second):
        return at + 2, tuple("" if cell == "Response" else cell for cell in second)
    return at + 1, ()


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    header = []
    for number, written in enumerate(names, 1):
        name = " ".join(written.replace("\ufeff", "").split()) or f"column {number}"
        seen[name] += 1
        header.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(header)
