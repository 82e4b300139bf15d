"""Listening: what people say about brands, in one searchable, scored view."""

__version__ = "0.1.0"
