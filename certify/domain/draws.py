"""Uniform draws from a source of random bytes that the caller hands in."""

from __future__ import annotations

from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""Gives so many bytes of chance."""

_TRIES = 256
"""A fair source is rejected so often in a row once in 2^256 draws; then it is no source of chance."""


def below(limit: int, random_bytes: RandomBytes) -> int:
    """Draw a whole number from 0 to ``limit`` - 1, each as likely as any other.

    A remainder alone would favour small numbers; numbers from the incomplete last round are drawn again.
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
