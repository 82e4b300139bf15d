"""Charts from one specification each: ``svg`` draws it for pages, ``png`` for all else."""

from listening.charts.picture import png
from listening.charts.svg import Svg, svg

__all__ = ["Svg", "png", "svg"]
