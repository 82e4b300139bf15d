"""Text to index terms, the same for every store and for the matcher.

A store indexes the surfaces and the stems of ``terms``, word n of one being word n of the other.
A query word matches where one of its ``alternatives`` equals consecutive stems; ``deliver*``
matches surfaces that begin with ``fold("deliver")``.
"""

from listening.analysis.folding import fold
from listening.analysis.tokenise import Token, alternatives, terms, tokens

__all__ = ["Token", "alternatives", "fold", "terms", "tokens"]
