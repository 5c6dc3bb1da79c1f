"""Uniform draws from a source of random bytes that the caller hands in."""

from __future__ import annotations

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Returns as many random bytes as asked for."""

_TRIES = 256
"""A fair source needs more tries than this once in 2^256 draws; a source that does is broken."""


def below(limit: int, random_bytes: RandomBytes) -> int:
    """Draw a whole number from 0 to ``limit`` - 1, all equally likely.

    A remainder alone would favour small numbers, so numbers from the incomplete last round are drawn again.

    Args:
        limit: how many numbers there are to choose from.
        random_bytes: the source of chance.

    Returns:
        The number.

    Raises:
        ValueError: ``limit`` is below 1.
        RuntimeError: the source of chance is broken.
    """
    if limit < 1:
        raise ValueError("nothing to choose from")
    size = ((limit - 1).bit_length() + 7) // 8 or 1
    rounds = 256**size // limit * limit
    for _ in range(_TRIES):
        number = int.from_bytes(random_bytes(size), "big")
        if number < rounds:
            return number % limit
    raise RuntimeError("the source of random bytes is broken")
