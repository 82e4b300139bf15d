"""A report as a document to send, print and keep: HTML, PNG, PDF, Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the command line starts without these
    from listening.alerts.ledger import Entry
    from listening.report import Report


class Format(StrEnum):
    HTML = "html"
    PNG = "png"
    PDF = "pdf"
    MD = "md"


def written(report: Report, alerts: Sequence[Entry], form: Format) -> bytes:
    """Raises ConfigError where what draws pictures or sets PDF is not installed."""
    from listening.digest import compose  # noqa: PLC0415 - likewise

    if form is Format.PNG:
        from listening.charts import png  # noqa: PLC0415 - likewise

        return png(compose.over_time(report, titled=True))
    document = compose.compose(report, alerts)
    if form is Format.PDF:
        from listening.digest.as_pdf import pdf  # noqa: PLC0415 - likewise

        return pdf(document)
    if form is Format.HTML:
        from listening.digest.as_html import html  # noqa: PLC0415 - likewise

        return html(document).encode("utf-8", "replace")
    from listening.digest.as_markdown import markdown  # noqa: PLC0415 - likewise

    return markdown(document).encode("utf-8", "replace")
