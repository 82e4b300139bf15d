"""What a query finds, in words of the language of the request."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date

from listening import query
from listening.query.fields import ANY, DATES, SCALES
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word
from listening.web.locale import ENGLISH, N_, _, current, ngettext
from listening.web.locale_terms import day, language, term

_FIELDS = {
    "lang": N_("language"),
    "author": N_("author"),
    "url": N_("link"),
    "question": N_("question"),
    "saved": N_("saved search"),
    "stars": N_("stars"),
}
_DATES = {"after": N_("from %(day)s on"), "before": N_("before %(day)s")}
_VALUES = {"lang": language, "kind": term, "sentiment": term, "status": term}


def describe(node: Node) -> str:
    """A sentence in English; elsewhere parts that need no grammar between them."""
    return query.describe(node) if current().tag == ENGLISH else _said(node)


def _said(node: Node) -> str:
    match node:
        case And(parts) | Or(parts):
            joint = _("and") if isinstance(node, And) else _("or")
            return f" {joint} ".join(map(_nested, parts))
        case Not(part):
            return _("without: %(what)s", what=_nested(part))
        case Near():
            return _near(node)
        case Field():
            return _field(node)
        case Word(text, prefix=True):
            return _("a word that begins with “%(word)s”", word=text)
    return _("“%(words)s” in any form", words=query.format(node).strip('"'))


def _nested(node: Node) -> str:
    return f"({_said(node)})" if isinstance(node, And | Or) else _said(node)


def _near(node: Near) -> str:
    left, right = _side(node.left), _side(node.right)
    between = ngettext(
        "at most %(num)s word between", "at most %(num)s words between", node.distance
    )
    if node.ordered:
        return _(
            "%(left)s and then %(right)s, %(between)s", left=left, right=right, between=between
        )
    return _("%(left)s near %(right)s, %(between)s", left=left, right=right, between=between)


def _side(words: Sequence[Word | Phrase]) -> str:
    return _nested(words[0] if len(words) == 1 else Or(tuple(words)))


def _field(node: Field) -> str:
    value = query.format(node).partition(":")[2].strip('"')
    if node.name in DATES:
        with suppress(ValueError):
            value = day(date.fromisoformat(value))
        return (
            _("from %(day)s", day=value) if node.name == "after" else _("until %(day)s", day=value)
        )
    if value == ANY:
        value = _("any")
    return f"{_name(node.name)}: {_VALUES.get(node.name, str)(value)}"


def _name(field: str) -> str:
    if field in _FIELDS:
        return _(_FIELDS[field])
    return field.upper() if field in SCALES else term(field)
