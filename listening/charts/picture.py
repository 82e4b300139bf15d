"""Pictures of charts for mails, files and documents, drawn by Vega itself, offline."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from listening.charts.vega import Spec
from listening.errors import ConfigError

FONTS = Path(__file__).parent / "fonts"  # for machines that have none: Georgian, Latvian, emoji
VEGA_LITE = "5.20"


def png(spec: Spec, *, scale: float = 2) -> bytes:
    """Raises ConfigError where what draws is not installed."""
    drawn: bytes = _draw("png", spec, scale=scale)
    return drawn


def vector(spec: Spec) -> str:
    """The same as SVG of its own size, for documents."""
    drawn: str = _draw("svg", spec)
    return drawn


def _draw(kind: str, spec: Spec, **more: Any) -> Any:  # noqa: ANN401 - bytes or text
    draw = getattr(_library(), f"vegalite_to_{kind}")
    try:
        return draw(spec, vl_version=VEGA_LITE, allowed_base_urls=[], **more)
    except ValueError as error:
        raise ConfigError(f"the picture cannot be drawn: {error}") from error


@cache
def _library() -> Any:  # noqa: ANN401 - an extra
    try:
        import vl_convert  # noqa: PLC0415 - an extra, and two seconds until its first picture
    except ImportError:
        raise ConfigError("pictures need an extra: pip install 'listening[pictures]'") from None
    vl_convert.register_font_directory(str(FONTS))
    return vl_convert
