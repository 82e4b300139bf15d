"""The pages of jobs, and the same in REST."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from listening.web.api import Json
from listening.web.asked import Asked
from listening.web.jobs import Jobs_, shape
from listening.web.pages import Frame
from listening.web.people import Role, Visitor, inside, needs
from listening.web.reading import Reading
from listening.web.render import page

REFRESH = "3"  # seconds, for a browser without scripts

router = APIRouter(include_in_schema=False)
calls = APIRouter(prefix="/api/jobs", tags=["jobs"])


def started(id_: str) -> Response:
    """Where a form that started a job leads."""
    return RedirectResponse(f"/jobs/{id_}", 303)


@router.get("/jobs")
def listed(app: Reading, jobs: Jobs_) -> Response:
    frame = Frame("/jobs", Asked())
    return page("jobs.html", frame=frame, asked=Asked(), jobs=jobs.all(), zone=app.settings.zone)


@router.get("/jobs/{id_}")
def job(app: Reading, jobs: Jobs_, person: Visitor, id_: str) -> Response:
    found = jobs.get(id_)
    return page(
        "job.html",
        frame=Frame("/jobs", Asked()),
        asked=Asked(),
        job=found,
        result=inside(found.result) if found.result else None,
        may=person.role.covers(Role.ANALYST),
        refresh=REFRESH,
        zone=app.settings.zone,
    )


@router.post("/jobs/{id_}/cancel", dependencies=[needs(Role.ANALYST)])
def cancel(_: Reading, jobs: Jobs_, id_: str) -> Response:
    jobs.cancel(id_)
    return started(id_)


@calls.get("")
def api_jobs(_: Reading, jobs: Jobs_) -> Response:
    """Long work that was started, newest first."""
    return Json({"jobs": [shape(one) for one in jobs.all()]})


@calls.get("/{id_}")
def api_job(_: Reading, jobs: Jobs_, id_: str) -> Response:
    """How far one job is; ``result`` is the path to look at when it is done."""
    return Json(shape(jobs.get(id_)))


@calls.post("/{id_}/cancel", dependencies=[needs(Role.ANALYST)])
def api_cancel(_: Reading, jobs: Jobs_, id_: str) -> Response:
    """Stop a job at its next sign of progress; what it has written stays."""
    return Json(shape(jobs.cancel(id_)))
