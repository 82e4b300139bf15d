"""The marketers' query language: text to tree and back, and what it means in plain words.

    (slow OR late*) NEAR/5 deliver*  lang:lv  stars:1..2  -"free delivery"

Words find every inflected form; ``deliver*`` every word that begins so; ``"…"`` words in a row;
``a NEAR/5 b`` both with at most five words between, ``ONEAR`` in that order. A space means AND.
NOT (or ``-``) binds before AND, AND before OR. Operators are upper case: ``or`` is a word.
"""

from listening.query.errors import QueryError
from listening.query.fields import ANY, DESK, FIELDS, written
from listening.query.parser import parse
from listening.query.wording import describe, format, hints  # noqa: A004 - the standard's term

__all__ = ["ANY", "DESK", "FIELDS", "QueryError", "describe", "format", "hints", "parse", "written"]
