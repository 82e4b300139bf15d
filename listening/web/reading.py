"""The app as a page gets it: over a store that is there."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from listening.app import App
from listening.errors import ConfigError


def configured(request: Request) -> App:
    """The app, whether or not there is a store yet."""
    return cast("App", request.app.state.listening)


def reading(request: Request) -> App:
    """Raises ConfigError while there is no store: it may be made at any time."""
    app = configured(request)
    if "store" not in vars(app) and not app.has_store:  # opened once, it is not asked for again
        raise ConfigError(
            f"there is no store {app.place}; fill one with listening ingest, then listening score"
        )
    return app


Configured = Annotated[App, Depends(configured)]
Reading = Annotated[App, Depends(reading)]
