"""Which encoding a file is in, and its bytes as text."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import IO

SAMPLE_BYTES = 1 << 18
_SCANNED_BYTES = 1 << 26
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Which languages each 8-bit encoding is used for. The first of two that read alike wins.
_CANDIDATES = {
    "cp1257": "lv lt et pl",
    "cp1251": "ru uk",
    "cp1252": "de fr es no pt",
    "cp1250": "pl cs hu de",
    "iso8859_13": "lv lt et pl",
    "iso8859_2": "pl cs hu de",
    "koi8_r": "ru",
    "cp866": "ru",
    "iso8859_5": "ru",
}
# How common letters are, measured on public text: those of group n have probability 2 ** -(3 + n).
_LETTERS = {
    "lv": "ai sterun komlāpdvj bzcgīē šh ņfū ļywžx ķqģč",
    "lt": "ia soternu kmlpdv jgėbyš ųžąį ūcčf ęzh",
    "et": "aei stlunkm odrv gphjäõ bü ö š f cyw",
    "ru": "о еаинтсрв лкмдпу яыгбзьчй хжюшц фщэ ёъ",
    "uk": "о анивітер слкудмпяз бьгчйх цжюшїє щ фґ",
    "de": "e tnrisah udlcomgp bwfk zv üjyäx öq - ß",
    "pl": "a eoinz rtscwydkpmlju błgh ężąśó ćf - ń źv",
    "fr": "e satnriuol cpdm évb fgqh xèjày - êzç ûôk îâùœë",
    "es": "ea onsirltcd ump by hvgqf ójí záxñé ú - kwç",
    "cs": "- eoanti slmkvdruphjcí ázybě žéýčšřf ů gúť xňľ wď ôó",
    "hu": "e atlsnik rmzogéáy dbvhfjó öőucpí üúű - w x",
    "no": "e rntsialo dgkmv pfuhåb jyø cäæwö - zx é",
    "pt": "eao risdmnt cplu gvbf hã qójçíéá zõyê x úñwâàkô",
}
_STRANGE_LETTER, _STRANGE_SIGN, _RARE_LETTER, _USUAL_SIGN = -16.0, -13.0, -6.0, -6.0
_CAPITAL, _CAPITAL_INSIDE = -3.5, -9.0
_OLD = frozenset(("iso8859_13", "iso8859_2", "koi8_r", "cp866", "iso8859_5"))
_RARE = 3.0
_MANY_STRANGERS = 0.3
_SIGNS = frozenset("„“”‘’–—…«»€§°№£©®™•·¿¡½\xa0\xad")


class Unpacked(io.RawIOBase):
    """A file's bytes, gunzipped where its first bytes say so.

    Damaged gzip ends early instead of raising; ``damage`` then says what is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._packed = path.open("rb")
        self._file: IO[bytes] | gzip.GzipFile = self._packed
        self.damage: str | None = None
        if self._packed.peek(2)[:2] == b"\x1f\x8b":
            self._file = gzip.GzipFile(fileobj=self._packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed says Buffer
        try:
            part = self._file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.damage = str(error)
            return 0
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        self._file.close()
        self._packed.close()
        super().close()


def open_text(raw: Unpacked, encoding: str) -> io.TextIOWrapper:
    """Undecodable bytes become lone surrogates (U+FFFD in UTF-16): see ``undecodable``."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    buffered = io.BufferedReader(raw, 1 << 16)
    return io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")


def undecodable(text: str, encoding: str) -> str | None:
    """Why ``text`` cannot be right, None if it can."""
    if text.isascii():
        return None
    if encoding.startswith("utf-16"):
        return f"a character is not {encoding}" if "\ufffd" in text else None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"byte 0x{ord(text[error.start]) - 0xDC00:02x} is not {encoding}"
    return None


def encoding_of(path: Path) -> str:
    """The encoding of a file, from its mark, its zero bytes or its letters."""
    with io.BufferedReader(Unpacked(path), 1 << 16) as file:
        sample = file.read(SAMPLE_BYTES)
        scanned = len(sample)
        # An export may be plain English for long before the first name that is not.
        while sample.isascii() and scanned < _SCANNED_BYTES and (more := file.read(SAMPLE_BYTES)):
            scanned += len(more)
            sample = sample if more.isascii() else more
    return guess(sample)


def guess(sample: bytes) -> str:
    """The encoding of some bytes; ``utf-8`` where they are plain ASCII."""
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    if (wide := _utf16(sample)) is not None:
        return wide
    if _is_utf8(sample):
        return "utf-8"
    scores = {name: _fit(sample, name) - (_RARE if name in _OLD else 0) for name in _CANDIDATES}
    best = max(scores, key=lambda name: scores[name])
    return best if _strangers(sample, best) < _MANY_STRANGERS else _by_library(sample) or best


def _utf16(sample: bytes) -> str | None:
    """Spaces, digits and line ends have a zero byte on one side only."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < max(4, len(sample) // 40) or max(even, odd) <= 4 * min(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _is_utf8(sample: bytes) -> bool:
    """Whether what is not ASCII is mostly UTF-8: a few bad bytes are bad rows, not the file."""
    whole = sample.rpartition(b"\n")[0] if len(sample) >= SAMPLE_BYTES else sample
    text = whole.decode("utf-8", "surrogateescape")
    bad = sum("\udc80" <= mark <= "\udcff" for mark in text)
    good = sum(mark > "\x7f" for mark in text) - bad
    return bad == 0 or good > bad


def _strangers(sample: bytes, name: str) -> float:
    """The share of foreign characters that no language of this encoding uses."""
    known = _SIGNS.union(*(_table(language) for language in _CANDIDATES[name].split()))
    foreign = [mark for mark in sample.decode(name, "replace").lower() if not mark.isascii()]
    return sum(mark not in known for mark in foreign) / len(foreign)


def _by_library(sample: bytes) -> str | None:
    """For scripts whose letters we have not measured: Greek, Turkish, Hebrew, Chinese ..."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - heavy, and rarely needed

    match = from_bytes(sample[: 1 << 15]).best()
    return match.encoding if match is not None else None


def _fit(sample: bytes, name: str) -> float:
    """The log likelihood of the words with foreign letters, each line in its likeliest language."""
    text = sample.decode(name, "replace")
    languages = _CANDIDATES[name].split()
    lines = (line for line in text.split("\n") if not line.isascii())
    return sum(
        _case_and_signs(line) + max(_likelihood(line.lower(), one) for one in languages)
        for line in lines
    )


def _likelihood(line: str, language: str) -> float:
    table = _table(language)
    return sum(
        table.get(mark, _RARE_LETTER if mark.isascii() else _STRANGE_LETTER)
        for mark in line
        if mark.isalpha()
    )


def _case_and_signs(line: str) -> float:
    total = 0.0
    for before, mark in pairwise(f" {line}"):
        if mark.isascii():
            continue
        if not mark.isalpha():
            total += _USUAL_SIGN if mark in _SIGNS else _STRANGE_SIGN
        elif mark.isupper():
            total += _CAPITAL_INSIDE if before.islower() else _CAPITAL
    return total


@cache
def _table(language: str) -> dict[str, float]:
    """Natural logarithms of the letters' probabilities."""
    groups = enumerate(_LETTERS[language].split())
    return {mark: -0.693 * (3 + group) for group, letters in groups for mark in letters}
