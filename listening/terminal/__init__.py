"""Draws reports and search results for people at a terminal; plain text anywhere else.

``hits.draw_hits``, ``hits.draw_words`` and ``page.draw_report`` are what others call.
"""
