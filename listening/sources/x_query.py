"""Our query tree in X's own search grammar, or as near as that grammar comes.

X (https://docs.x.com/x-api/posts/search/integrate/build-a-query) joins by a space (and) and by
``OR``, the space binding first; it negates single terms only, knows neither nearness nor
wildcards, and matches whole words as typed. What it cannot express is left out, never narrowed,
so that X returns all that is wanted and more; the caller applies the query again to what came.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from listening.errors import ConfigError
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word, leaves

LONGEST = 512  # characters of a query, on self-serve access
_OPERATORS = {"lang": "lang", "author": "from", "url": "url", "is": "is"}
_LANGUAGES = frozenset(
    "am ar bg bn bo bs ca ckb cs cy da de dv el en es et eu fa fi fr gu he hi hr ht hu hy id is it "  # noqa: SIM905 - a list would be 70 lines
    "ja ka km kn ko lo lt lv ml mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta te th tl "
    "tr ug uk ur vi zh".split()
)
_ON_X = {"he": "iw", "id": "in", "nb": "no", "nn": "no"}
_WHOLE_WORDS = (
    "X matches words as typed, without their inflected forms: join the forms you need with OR"
)


class Compiled(NamedTuple):
    """``text`` is for X; ``local`` says, one sentence each, what X does not do or does not know.

    ``rest`` is the part of the query that X's results may fail: the caller applies it to them.
    """

    text: str
    local: tuple[str, ...] = ()
    rest: Node | None = None


def compile_query(node: Node) -> Compiled:
    """Compile for X's recent search.

    Raises ConfigError when nothing is left that X could search for, or when the text is longer
    than 512 characters.
    """
    local: dict[str, None] = {}
    wide = _widen(node, local, negated=False)
    if wide is None or not _names_something(wide):
        reasons = "".join(f"\n- {reason}" for reason in local)
        raise ConfigError(
            "x: query leaves nothing that X can search for: every alternative needs a whole word, "
            f'a "phrase", author: or url: that is not negated{reasons}'
        )
    if any(isinstance(leaf, Word | Phrase) for leaf in leaves(wide)):
        local[_WHOLE_WORDS] = None
    text = _render(wide)
    if len(text) > LONGEST:
        raise ConfigError(_too_long(wide, text))
    rest = tuple(part for part in _conjuncts(node) if _falls_short(part))
    return Compiled(text, tuple(local), And(rest) if rest else None)


def _conjuncts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, And):
        return tuple(found for part in node.parts for found in _conjuncts(part))
    return (node,)


def _falls_short(node: Node) -> bool:
    reasons: dict[str, None] = {}
    _widen(node, reasons, negated=False)
    return bool(reasons)


def _widen(node: Node, local: dict[str, None], *, negated: bool) -> Node | None:
    """Give the narrowest query X can run that holds wherever ``node`` does; None is no limit.

    NOT is pushed down to the leaves on the way (De Morgan).
    """
    match node:
        case Not(part):
            return _widen(part, local, negated=not negated)
        case And(parts) | Or(parts):
            wide = [_widen(part, local, negated=negated) for part in parts]
            return _both(wide) if isinstance(node, And) != negated else _either(wide, local)
        case _:
            known = _negatable(node, local) if negated else _leaf(node, local)
            return Not(known) if negated and known else known


def _both(parts: list[Node | None]) -> Node | None:
    kept = tuple(part for part in parts if part is not None)
    return And(kept) if len(kept) > 1 else kept[0] if kept else None


def _either(parts: list[Node | None], local: dict[str, None]) -> Node | None:
    kept = tuple(part for part in parts if part is not None)
    if len(kept) < len(parts):
        return None
    if not all(map(_is_positive, kept)):
        local["X takes no NOT as an alternative of OR: that part is applied after fetching"] = None
        return None
    return Or(kept) if len(kept) > 1 else kept[0]


def _leaf(leaf: Node, local: dict[str, None]) -> Node | None:
    match leaf:
        case Word(text, prefix=True):
            local[f"X has no wildcards: {text}* is applied after fetching"] = None
            return None
        case Phrase(words) if any(word.prefix for word in words):
            local[f"X has no wildcards: {_shown(leaf)} is applied after fetching"] = None
            return _both([_leaf(word, local) for word in words if not word.prefix])
        case Near(left, right):
            local["X has no NEAR: both sides are sent, their nearness is checked afterwards"] = None
            sides = [[_leaf(part, local) for part in side] for side in (left, right)]
            return _both([_either(side, local) for side in sides])
        case Field():
            return _field(leaf, local)
        case _:
            return leaf


def _negatable(leaf: Node, local: dict[str, None]) -> Node | None:
    """Give what may be excluded on X without excluding more than ``leaf`` does."""
    match leaf:
        case Near():
            local["X has no NEAR: NOT ... NEAR is applied after fetching"] = None
            return None
        case Phrase(words) if any(word.prefix for word in words):
            local[f"X has no wildcards: NOT {_shown(leaf)} is applied after fetching"] = None
            return None
        case _:
            return _leaf(leaf, local)


def _field(leaf: Field, local: dict[str, None]) -> Field | None:
    value = leaf.value.strip()
    if leaf.name == "lang":
        value = value.lower().split("-")[0]
        sent = _ON_X.get(value, value) if value in _LANGUAGES | _ON_X.keys() else None
    elif leaf.name == "author":
        handle = value.removeprefix("@")
        sent = handle if re.fullmatch(r"[A-Za-z0-9_]{1,15}", handle) else None
    else:
        sent = value if leaf.name in _OPERATORS and "*" not in value else None
    if not sent:
        local[f"X cannot search by {leaf.name}:{value}: it is applied after fetching"] = None
        return None
    return Field(leaf.name, sent)


def _is_positive(node: Node) -> bool:
    match node:
        case And(parts):
            return any(map(_is_positive, parts))
        case Or(parts):
            return all(map(_is_positive, parts))
        case _:
            return not isinstance(node, Not)


def _names_something(node: Node) -> bool:
    match node:
        case And(parts):
            return any(map(_names_something, parts))
        case Or(parts):
            return all(map(_names_something, parts))
        case Field(name):
            return name not in {"lang", "is"}
        case _:
            return not isinstance(node, Not)


def _render(node: Node, *, inside: bool = False) -> str:
    match node:
        case And(parts):
            return " ".join(_render(part, inside=True) for part in parts)
        case Or(parts):
            text = " OR ".join(map(_render, parts))
            return f"({text})" if inside else text
        case Not(part):
            return f"-{_render(part)}"
        case _:
            return _shown(node)


def _shown(leaf: Node) -> str:
    match leaf:
        case Word(text, prefix):
            plain = re.fullmatch(r"[#@]?\w+", text) and text not in {"OR", "AND", "NOT"}
            shown = text if plain else f'"{text.replace(chr(34), " ").strip()}"'
            return shown + "*" * prefix
        case Phrase(words):
            return '"' + " ".join(w.text.replace('"', " ") + "*" * w.prefix for w in words) + '"'
        case Field(name, value):
            quoted = value if re.fullmatch(r"[\w-]+", value) else f'"{value.replace(chr(34), "")}"'
            return f"{_OPERATORS[name]}:{quoted}"
        case _:
            return ""


def _too_long(node: Node, text: str) -> str:
    parts = node.parts if isinstance(node, And | Or) else (node,)
    longest = max(map(_render, parts), key=len)
    return (
        f"x: query is {len(text)} characters long in X's grammar, {len(text) - LONGEST} over its "
        f"{LONGEST}; shorten its longest part, or split the brand's query into two streams: "
        f"{longest[:120]}{'...' if len(longest) > 120 else ''}"  # noqa: PLR2004 - a line of message
    )
