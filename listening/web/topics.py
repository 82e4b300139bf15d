"""What people talk about: words that set what the filters find apart from something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Query as In
from pydantic import Field
from starlette.responses import Response

from listening import query
from listening.app import App
from listening.errors import ConfigError
from listening.records import Dimension, Filter, Label
from listening.report import timeline
from listening.report.shape import plain
from listening.tree import And, Node, Not, Or
from listening.tree import Field as Operator
from listening.views.figures import MINIMUM
from listening.web.api import Json
from listening.web.asked import MOST_VALUES, NONE, Asked, one_of
from listening.web.locale import N_, _
from listening.web.pages import frame_of
from listening.web.reading import Reading
from listening.web.recent import Recent
from listening.web.render import page
from listening.web.words import Counted, Group, Pair, Side, groups

HERE = "/topics"
PERIOD, REST, SENTIMENT, BRAND = "period", "rest", "sentiment", "brand:"
MOST_MOVED = 6  # words that rise or fall, of a language
_DAY = timedelta(days=1)
_PLAIN = ("brand", "source", "kind", "segment", "service")
_MOODS: tuple[tuple[str, tuple[Label, ...]], ...] = (
    (N_("All"), ()),
    (N_("Complaints"), (Label.NEGATIVE,)),
    (N_("Praise"), (Label.POSITIVE,)),
)
_LACKING = {
    PERIOD: N_("There is too little time in these filters to set one part of it against another."),
    REST: N_("The filters leave nothing out: narrow them, or choose another comparison."),
    SENTIMENT: N_("There is no other sentiment: choose complaints or praise."),
    BRAND: N_("A brand cannot be compared with itself: choose another."),
}

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/topics", tags=["topics"])


class AskedTopics(Asked):
    """With what to compare: an address of this page keeps it."""

    against: str = Field(
        default="",
        description="period, rest (all other feedback), sentiment (the other), or brand:NAME.",
    )

    def link(self, path: str, **changes: Any) -> str:  # noqa: ANN401 - as those of all filters
        kept = {"against": self.against} if path == HERE else {}
        return super().link(path, **kept | changes)

    @property
    def chosen(self) -> str:
        """What was asked for or else fits: a period has one before it, a sentiment others."""
        if self.against or not self.is_narrowed or self.since:
            return self.against or PERIOD
        if narrowing(self) is None:
            return PERIOD
        return SENTIMENT if self.sentiment else REST

    @property
    def rival(self) -> str:
        return self.chosen.removeprefix(BRAND) if self.chosen.startswith(BRAND) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """``words`` of what is ``said`` against ``others``; None where there is no such comparison.

    ``rising`` are words of the later part against the earlier one as long, ``falling`` the
    reverse: those that the earlier part had more of.
    """

    against: str
    words: tuple[Group, ...]
    rising: tuple[Group, ...]
    falling: tuple[Group, ...]
    compared: Pair | None
    moved: Pair | None


@router.get(HERE)
def show(app: Reading, recent: Recent, asked: Annotated[AskedTopics, In()]) -> Response:
    found = topics(app, recent, asked)
    frame = frame_of(app, HERE, asked)
    return page(
        "topics.html",
        frame=frame,
        asked=asked,
        found=found,
        lacking=_(_LACKING[BRAND if asked.rival else asked.chosen]),
        choices=[*_choices(asked, frame.brands)],
        moods=[*_moods(asked)],
        minimum=MINIMUM,
    )


@calls.get("")
def call(app: Reading, recent: Recent, asked: Annotated[AskedTopics, In()]) -> Response:
    """Telling words with their counts; docs/json.md describes them."""
    return Json(as_json(topics(app, recent, asked)))


def topics(app: App, recent: Recent, asked: AskedTopics) -> Topics:
    """Raises ConfigError where ``against`` is nothing to compare with."""
    if asked.chosen not in _LACKING and not asked.rival:
        raise ConfigError(
            f"against={asked.against[:40]!r} is nothing to compare with; write period, rest, "
            "sentiment or brand:NAME"
        )
    moved = _periods(app, asked)
    compared = moved if asked.chosen == PERIOD else _compared(app, asked)
    pairs = [pair for pair in (compared, moved) if pair]
    wheres = list(dict.fromkeys(side.where for pair in pairs for side in pair[:2]))
    # What is left out is slow to count: all of that time changes when it does.
    counted = [replace(where, text=None) if _is_rest(where) else where for where in wheres]
    key = ("topics", asked.chosen, *wheres)
    return recent.kept(app, key, counted, lambda: _made(app, asked, compared, moved))


def _made(app: App, asked: AskedTopics, compared: Pair | None, moved: Pair | None) -> Topics:
    """Rising words are the first of the others where those are against the period before, too."""
    wanted = {"words": compared}
    if moved:
        wanted["falling"] = Pair(moved.others, moved.said, MOST_MOVED)
        wanted["rising"] = None if moved == compared else Pair(*moved[:2], MOST_MOVED)
    given = {name: pair for name, pair in wanted.items() if pair}
    found = groups(app.store, [*given.values()], names=(*asked.brand, asked.rival))
    told = dict(zip(given, found, strict=True))
    words = told.get("words", ())
    return Topics(
        against=asked.chosen,
        words=words,
        rising=words if moved == compared else told.get("rising", ()),
        falling=told.get("falling", ()),
        compared=compared,
        moved=moved,
    )


def _periods(app: App, asked: AskedTopics) -> Pair | None:
    """The period and the one before it; without a beginning the later half and the earlier."""
    where = asked.where(app)
    days = app.store.aggregate(where, by=[Dimension.DAY], zone=app.settings.zone)
    covered = timeline.period(days, where.window, zone=app.settings.zone, by=None)
    found = timeline.comparison(covered, where.window)
    if found is None:
        return None
    return Pair(
        _side(app, asked, since=found.since, to=found.until - _DAY),
        _side(app, asked, since=found.before_since, to=found.since - _DAY),
    )


def _compared(app: App, asked: AskedTopics) -> Pair | None:
    if asked.rival:
        return _brands(app, asked)
    if asked.chosen == SENTIMENT:
        others = tuple(label for label in Label if label not in asked.sentiment)
        here = [label for label in asked.sentiment if label != NONE]
        if not (here and others):
            return None
        return Pair(_side(app, asked, sentiment=tuple(here)), _side(app, asked, sentiment=others))
    node = narrowing(asked)
    return Pair(_side(app, asked), _rest(app, asked, node)) if node else None


def _brands(app: App, asked: AskedTopics) -> Pair | None:
    """All other brands where none is chosen."""
    known = (bucket.key[0] for bucket in app.store.aggregate(Filter(), by=[Dimension.BRAND]))
    own = tuple(name for name in asked.brand or known if name != asked.rival)[:MOST_VALUES]
    if not own:
        return None
    return Pair(_side(app, asked, brand=own), _side(app, asked, brand=(asked.rival,)))


def _side(app: App, asked: Asked, **changes: Any) -> Side:  # noqa: ANN401 - of the fields
    changed = Asked(**{name: getattr(asked, name) for name in Asked.model_fields} | changes)
    return Side(changed.where(app), changed)


def _is_rest(where: Filter) -> bool:
    return isinstance(where.text, Not)


def _rest(app: App, asked: Asked, node: Node) -> Side:
    """What the filters leave out, of the same time and language."""
    same: dict[str, Any] = {"language": asked.language, "since": asked.since, "to": asked.to}
    where = replace(Asked(**same).where(app), text=app.meant(Not(node)))
    return Side(where, Asked(q=query.format(Not(node)), **same) if _typed(Not(node)) else None)


def _typed(node: Node) -> bool:
    """Whether a query can say this: no name in it has a quotation mark or the like."""
    try:
        return query.parse(query.format(node)) == node
    except query.QueryError:
        return False


def narrowing(asked: Asked) -> Node | None:
    """The filters as a query, save those of time and language; None where there are none."""
    parts = [*_narrowing(asked)]
    flat = [one for part in parts for one in (part.parts if isinstance(part, And) else (part,))]
    return And(tuple(flat)) if len(flat) > 1 else next(iter(flat), None)


def _narrowing(asked: Asked) -> Iterator[Node]:
    for text in filter(str.strip, (asked.q, asked.score)):
        yield query.parse(text)
    for name in _PLAIN:
        if values := getattr(asked, name):
            yield _any_of(tuple(Operator(name, str(value)) for value in values))
    for name in query.DESK:
        if values := getattr(asked, name):
            yield one_of(name, values)
    without = NONE in asked.sentiment
    if labels := [label for label in Label if (label in asked.sentiment) is not without]:
        node = _any_of(tuple(Operator("sentiment", label.value) for label in labels))
        yield from [Not(node)] if without else [node] if asked.sentiment else []


def _any_of(parts: tuple[Node, ...]) -> Node:
    return Or(parts) if len(parts) > 1 else parts[0]


def _choices(asked: AskedTopics, brands: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Value, name and whether it is chosen: what can be compared with."""
    names = {PERIOD: _("the period before")}
    if narrowing(asked) is not None:
        names[REST] = _("all other feedback")
    if asked.sentiment:
        names[SENTIMENT] = _("other sentiment")
    names |= {BRAND + name: name for name in brands if (name,) != asked.brand}
    yield from ((value, name, value == asked.chosen) for value, name in names.items())


def _moods(asked: AskedTopics) -> Iterator[tuple[str, str, bool]]:
    for name, labels in _MOODS:
        kept = {} if labels or asked.against != SENTIMENT else {"against": ""}
        yield _(name), asked.link(HERE, sentiment=labels, **kept), asked.sentiment == labels


def as_json(found: Topics) -> dict[str, Any]:
    return {
        "against": found.against,
        "minimum": MINIMUM,
        "period": _days(found.compared and found.compared.said),
        "compared": _days(found.compared and found.compared.others),
        "words": groups_json(found.words),
        "moved": _days(found.moved and found.moved.said),
        "before": _days(found.moved and found.moved.others),
        "rising": groups_json(found.rising),
        "falling": groups_json(found.falling),
    }


def groups_json(found: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {
            "language": group.language,
            "items": group.items,
            "others": group.others,
            "words": [_word(word) for word in group.words],
        }
        for group in found
    ]


def _word(word: Counted) -> dict[str, Any]:
    labels = {label.value: getattr(word.sentiment, label.value) for label in Label}
    told: dict[str, Any] = plain(word)
    return told | {"count": word.count, "sentiment": labels}


def _days(side: Side | None) -> dict[str, date | str | None] | None:
    asked = side.asked if side else None
    return plain({"since": asked.since, "to": asked.to}) if asked else None
