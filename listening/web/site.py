"""The application: its routes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from listening import __version__
from listening.app import App
from listening.errors import ConfigError, ListeningError, TransientError
from listening.query import QueryError
from listening.web import (
    alert_rules,
    alerts,
    api,
    compare,
    jobs_pages,
    login,
    mentions,
    model,
    pages,
    query_page,
    searches,
    sources,
    topics,
)
from listening.web.asked import Asked
from listening.web.export import Exports
from listening.web.guard import HEALTH, STATIC
from listening.web.jobs import Jobs
from listening.web.locale import N_, Speaking, _
from listening.web.open_alerts import Watching
from listening.web.pages import Frame
from listening.web.recent import Reports
from listening.web.render import HERE, page

_TITLES = {
    400: N_("Not like this"),
    401: N_("Log in first"),
    403: N_("Not allowed"),
    404: N_("There is no such page"),
    405: N_("Not like this"),
    409: N_("Somebody else was faster"),
    429: N_("Too many attempts"),
    503: N_("Not right now"),
}


def site(app: App) -> FastAPI:
    """All pages and calls over one app, without the guard that stands before them."""
    found = FastAPI(
        title="Listening",
        version=__version__,
        description="Search and figures of what people say about brands.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    found.add_exception_handler(ListeningError, _listening_error)
    found.add_exception_handler(RequestValidationError, _unreadable)
    found.add_exception_handler(HTTPException, _http_error)
    found.state.listening = app
    found.state.reports = Reports()
    found.state.jobs = Jobs(app)
    found.state.exports = Exports()
    found.add_middleware(Speaking)
    found.add_middleware(Watching, app)
    found.include_router(login.router)
    found.include_router(pages.router)
    found.include_router(mentions.router)
    found.include_router(searches.router)
    found.include_router(query_page.router)
    found.include_router(api.router)
    found.include_router(mentions.calls)
    found.include_router(searches.calls)
    found.include_router(query_page.calls)
    for part in (
        alert_rules,
        alerts,
        jobs_pages,
        sources,
        model,
        topics,
        compare,
    ):  # in this order: a rule is no fingerprint
        found.include_router(part.router)
        found.include_router(part.calls)
    found.mount(STATIC.rstrip("/"), StaticFiles(directory=HERE / "static"))
    found.add_api_route(HEALTH, _health, include_in_schema=False)
    return found


@asynccontextmanager
async def _lifespan(served: FastAPI) -> AsyncIterator[None]:
    """What runs when the server ends is interrupted, so that its page can say so at once."""
    yield
    served.state.jobs.close()


def _health() -> Response:
    return PlainTextResponse("ok\n")


def _listening_error(request: Request, error: Exception) -> Response:
    if isinstance(error, TransientError):
        response = _told(request, 503, error)
        response.headers["Retry-After"] = str(round(error.retry_after or 10))
        return response
    return _told(request, 400, error)


def _unreadable(request: Request, error: Exception) -> Response:
    """A parameter of the address that cannot be read, told as any other wrong setting."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what this was registered for
    faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
    return _told(request, 400, ConfigError(f"{'; '.join(faults)}; change the address"))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what this was registered for
    ours = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    wrong = ConfigError(ours or "there is no such page; start from the first one")
    return _told(request, error.status_code, wrong)


def _told(request: Request, status: int, error: Exception) -> Response:
    position = error.position if isinstance(error, QueryError) else None
    if request.url.path.startswith("/api/"):
        said = {"error": type(error).__name__, "message": str(error)}
        return api.Json(said if position is None else said | {"position": position}, status)
    typed = request.query_params.get("q", "")
    return page(
        "error.html",
        code=status,
        frame=Frame("/mentions", Asked()),
        asked=Asked(q=typed),
        title=_title(status, position),
        message=str(error),
        typed=typed,
        position=position,
    )


def _title(status: int, position: int | None) -> str:
    if position is not None:
        return _("This query cannot be read")
    return _(_TITLES[status]) if status in _TITLES else HTTPStatus(status).phrase
