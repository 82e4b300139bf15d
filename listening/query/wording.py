"""A query in plain words, and in its canonical spelling."""

from __future__ import annotations

from collections.abc import Iterator

from listening.query.fields import ANY, DATES, DESK, SCALES, TEXTS
from listening.query.languages import LANGUAGES
from listening.tree import And, Field, Near, Node, Not, Or, Phrase, Word, leaves


def format(node: Node) -> str:  # noqa: A001 - the term for canonical spelling
    """Canonical query text: parsing it gives an equal tree."""
    match node:
        case And(parts):
            return " AND ".join(_nested(p) if isinstance(p, Or) else format(p) for p in parts)
        case Or(parts):
            return " OR ".join(format(p) for p in parts)
        case Not(part):
            return f"NOT {_nested(part)}"
        case _:
            return _spelled(node)


def _spelled(leaf: Word | Phrase | Near | Field) -> str:
    match leaf:
        case Word(text, prefix):
            return text + "*" * prefix
        case Phrase(words):
            return '"' + " ".join(map(format, words)) + '"'
        case Near(left, right, distance, ordered):
            return f"{_side(left)} {'O' * ordered}NEAR/{distance} {_side(right)}"
        case Field():
            return f"{leaf.name}:{_field_value(leaf)}"


def _nested(node: Node) -> str:
    return f"({format(node)})" if isinstance(node, And | Or) else format(node)


def _side(words: tuple[Word | Phrase, ...]) -> str:
    return format(words[0]) if len(words) == 1 else f"({format(Or(words))})"


def _field_value(node: Field) -> str:
    if node.name not in SCALES:
        return f'"{node.value}"' if node.name in TEXTS else node.value
    low, high = (None if b is None else f"{b:g}" for b in (node.low, node.high))
    if low == high and low is not None:
        return low
    if low is None:
        return f"<={high}"
    return f">={low}" if high is None else f"{low}..{high}"


def describe(node: Node) -> str:
    """What a query finds, as one English sentence without a full stop."""
    parts = node.parts if isinstance(node, And) else (node,)
    narrowing = [p for p in parts if _is_narrowing(p)]
    texts = [p for p in parts if not _is_narrowing(p)]
    clause = " and ".join(_clause(p, inner=len(texts) > 1) for p in texts)
    start = f"texts that {clause}" if clause else "texts"
    sentence = ", ".join([start, *map(_narrowing, narrowing)])
    return sentence if clause else sentence.replace(", ", " ", 1)


def _is_narrowing(node: Node) -> bool:
    return isinstance(node.part if isinstance(node, Not) else node, Field)


def _narrowing(node: Node) -> str:
    return f"not {_narrowing(node.part)}" if isinstance(node, Not) else _leaf(node)


def _clause(node: Node, *, inner: bool = True) -> str:
    match node:
        case And(parts) | Or(parts):
            joint = " and " if isinstance(node, And) else " or "
            joined = joint.join(map(_clause, parts))
            return f"({joined})" if inner else joined
        case Not(And() | Or() as part):
            return f"do not satisfy {_clause(part)}"
        case Not(part):
            return f"{'are not' if isinstance(part, Field) else 'do not contain'} {_leaf(part)}"
        case _:
            return f"{'are' if isinstance(node, Field) else 'contain'} {_leaf(node)}"


def _leaf(node: Node) -> str:
    match node:
        case Word(text, prefix):
            return f'a word beginning "{text}"' if prefix else f'"{text}" (in any form)'
        case Phrase():
            return f"the phrase {format(node)} (in any form)"
        case Near():
            left, right = map(_group, (node.left, node.right))
            gap = f"at most {node.distance} other word{'s' * (node.distance != 1)} between"
            return f"{left} {'followed by' if node.ordered else 'near'} {right} ({gap})"
        case Field():
            return _field(node)
        case _:
            return f"({_clause(node)})"


def _group(side: tuple[Word | Phrase, ...]) -> str:
    listed = " or ".join(map(_leaf, side))
    return f"({listed})" if len(side) > 1 else listed


def _field(node: Field) -> str:
    if node.name in SCALES:
        return _rated(node)
    if node.name == "lang":
        name = LANGUAGES.get(node.value.split("-")[0], "the language")
        return f"in {name} ({node.value})"
    if node.value == ANY and node.name in DESK:
        return _ANY[node.name]
    wording = _SINCE if "T" in node.value and node.name in DATES else _WORDING
    return wording[node.name].format(node.value)


_SINCE = {"after": "from {} on", "before": "before {}"}  # a time of day


_WORDING = {
    "after": "from {} on (that day included)",
    "before": "before {} (that day excluded)",
    "sentiment": "scored {}",
    "kind": "of the kind {}",
    "source": 'from the source "{}"',
    "brand": 'about the brand "{}"',
    "author": 'by the author "{}"',
    "url": 'with the address "{}"',
    "country": 'from the country "{}"',
    "question": 'answering the question "{}"',
    "segment": 'of the customer segment "{}"',
    "service": 'about the service "{}"',
    "touchpoint": 'at the touchpoint "{}"',
    "campaign": 'of the campaign "{}"',
    "tag": 'tagged "{}"',
    "status": "with the status {}",
    "assignee": 'assigned to "{}"',
    "saved": 'of the saved search "{}"',
}
_ANY = {"tag": "with a tag", "status": "with a status", "assignee": "assigned to somebody"}


def _rated(node: Field) -> str:
    unit = "stars" if node.name == "stars" else f"on the {node.name.upper()} scale"
    low, high = (None if b is None else f"{b:g}" for b in (node.low, node.high))
    if low == high:
        return f"rated {low} {unit.removesuffix('s') if low == '1' and unit == 'stars' else unit}"
    if low is None or high is None:
        bound = f"at most {high}" if low is None else f"at least {low}"
        return f"rated {bound} {unit}"
    return f"rated {low} to {high} {unit}"


def hints(node: Node) -> Iterator[str]:
    """Remarks on words that look like operators but are searched as words."""
    for leaf in leaves(node):
        if isinstance(leaf, Word) and leaf.text in {"and", "or", "not"}:
            upper = leaf.text.upper()
            yield f"“{leaf.text}” is searched as a word; write {upper} to make it an operator"
