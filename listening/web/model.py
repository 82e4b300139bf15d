"""How well the model reads, what it made of this store, and where people disagree with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from listening import scoring
from listening.app import App
from listening.cli import shapes
from listening.desk import by_person, disagreements, label_queue, labelled
from listening.desk.labels import LABELS, Labelled
from listening.errors import ConfigError
from listening.protocols import Store
from listening.records import Dimension, Filter, Label
from listening.views.figures import MINIMUM, Figure, share
from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.locale import N_
from listening.web.pages import Frame
from listening.web.people import Role, Visitor, needs
from listening.web.reading import Configured
from listening.web.render import page

FIRST = ("all", "ka", "lv", "lt")  # what the scoreboard begins with
LOOKED_AT = 100  # newest texts of a language, for the mean certainty
MOST_LANGUAGES = 20
MOST = 12  # disagreements and texts to label
HERE = "/model"

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/model", tags=["model"])


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the model made of a language in this store; ``certainty`` of its newest, or None."""

    language: str
    scored: int
    unscored: int
    unknown: Figure
    certainty: float | None
    looked_at: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the model had said what people say, of the texts on which it said something."""

    agreed: Figure
    unknown: int


@router.get(HERE)
def model(app: Configured, person: Visitor) -> Response:
    known = app.has_store
    return page(
        "model.html",
        frame=Frame(HERE, Asked()),
        asked=Asked(),
        name=app.settings.model.name or "listening-sentiment-1",
        boards=boards(app),
        coverage=coverage(app.store) if known else [],
        agreement=agreement(labelled(app.store)) if known else None,
        disagreements=disagreements(app.store)[:MOST] if known else [],
        queue=label_queue(app.store, limit=MOST) if known else [],
        labels=LABELS,
        scored=tuple(Label),
        looked_at=LOOKED_AT,
        minimum=MINIMUM,
        may=person.role.covers(Role.ANALYST),
        zone=app.settings.zone,
    )


@calls.get("", dependencies=[needs(Role.VIEWER)])
def api_model(app: Configured) -> Response:
    """How well the model reads each language, and what it made of this store."""
    found = coverage(app.store) if app.has_store else []
    agreed = agreement(labelled(app.store)) if app.has_store else None
    return Json(
        {
            "model": app.settings.model.name or "listening-sentiment-1",
            "boards": [{"about": about, "languages": dict(rows)} for about, rows in boards(app)],
            "coverage": [asdict(one) for one in found],
            "agreement": asdict(agreed) if agreed else None,
        }
    )


@calls.get("/queue", dependencies=[needs(Role.VIEWER)])
def api_queue(app: Configured) -> Response:
    """The texts most worth a person's label; label them by ``/api/mentions/label``."""
    hits = label_queue(app.store, limit=MOST) if app.has_store else []
    return Json({"hits": [shapes.hit(hit) for hit in hits]})


def boards(app: App) -> list[tuple[str, list[tuple[str, Any]]]]:
    name = app.settings.model.name
    folder = scoring.shipped() if name in {None, scoring.SHIPPED} else Path(name or "")
    metrics = _metrics(folder / "metrics.json")
    return [
        (N_("Feedback written for the demo, not trained on"), _board(metrics.get("demo", {}))),
        (N_("Held-out texts of the training sources"), _board(metrics.get("languages", {}))),
    ]


def _metrics(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}; make it anew with python -m models.evaluate"
        ) from error
    return found


def _board(rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(tag, rows[tag]) for tag in sorted(rows, key=lambda tag: _order(tag, rows[tag]["n"]))]


def _order(tag: str, n: int) -> tuple[int, int, str]:
    """The first languages first, then by how much there is."""
    return FIRST.index(tag) if tag in FIRST else len(FIRST), -n, tag


def coverage(store: Store) -> list[Coverage]:
    found = []
    for bucket in store.aggregate(Filter(), by=[Dimension.LANGUAGE]):
        scored = sum(bucket.labels.values())
        if scored or bucket.unscored:
            unknown = share(bucket.labels.get(Label.UNKNOWN, 0), scored)
            found.append((bucket.key[0], scored, bucket.unscored, unknown))
    found.sort(key=lambda one: _order(one[0], one[1] + one[2]))
    return [Coverage(*one, *_certainty(store, one[0])) for one in found[:MOST_LANGUAGES]]


def _certainty(store: Store, language: str) -> tuple[float | None, int]:
    hits = store.search(Filter(language=(language,)), limit=LOOKED_AT, brief=True).hits
    sure = [
        hit.sentiment.confidence
        for hit in hits
        if hit.sentiment is not None and not by_person(hit.sentiment)
    ]
    return (100 * sum(sure) / len(sure) if sure else None), len(sure)


def agreement(found: Sequence[Labelled]) -> Agreement:
    said = [one for one in found if one.model_label is not None]
    sure = [one for one in said if one.model_label is not Label.UNKNOWN]
    agreed = sum(one.model_label is one.label for one in sure)
    return Agreement(share(agreed, len(sure)), len(said) - len(sure))
