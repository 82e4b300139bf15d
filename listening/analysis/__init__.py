"""Text to index terms, the same for every store and for the matcher.

A store indexes ``" ".join(surface)`` and ``" ".join(stem)`` position by position. A query word
matches where one of its ``alternatives`` equals consecutive stems; ``deliver*`` matches surfaces
that begin with ``fold("deliver")``.
"""

from listening.analysis.folding import fold
from listening.analysis.tokenise import Token, alternatives, tokens

__all__ = ["Token", "alternatives", "fold", "tokens"]
