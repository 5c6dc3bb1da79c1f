"""Break text into lines, in languages that do not separate words by spaces."""

from __future__ import annotations

import re
from collections.abc import Callable

# Pieces of Chinese text that stay on one line. A line may end between any two characters, but not inside a word or
# number of another script, and not before closing or separating punctuation.
_UNBROKEN = re.compile("(?:[!-~]+|.)[，。、：；！？）」』】]*|\n")  # noqa: RUF001 - Chinese punctuation is meant


def broken(text: str, width: float, measure: Callable[[str], float]) -> str:
    """Return a text with line breaks.

    Args:
        text: the text.
        width: width of a line.
        measure: returns the width of a text in the same unit.
    """
    lines = [""]
    for piece in _UNBROKEN.findall(text):
        if piece == "\n" or measure(lines[-1] + piece) > width:
            lines.append("")
        if piece != "\n":
            lines[-1] += piece if lines[-1] else piece.lstrip(" ")
    return "\n".join(lines)
