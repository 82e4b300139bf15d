"""Draws reports and search results for people at a terminal; plain text anywhere else."""

from listening.terminal.hits import draw_hits, draw_words
from listening.terminal.page import draw_report

__all__ = ["draw_hits", "draw_report", "draw_words"]
