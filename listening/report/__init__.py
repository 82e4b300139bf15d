"""The report: one store, one filter, everything a marketer asks on a Friday.

``report`` is the only function; ``Report.as_json`` gives what docs/report.md describes.
"""

from listening.report.build import report
from listening.report.shape import Report

__all__ = ["Report", "report"]
