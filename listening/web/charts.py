"""The bar of shares in tables; other charts are ``timeline``'s."""

from listening.charts.svg import shares

__all__ = ["shares"]
