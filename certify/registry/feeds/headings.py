"""The headings of a file: which column is meant, also if spaces or capital letters differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid


def places_of(wanted: Sequence[str], headings: Sequence[str]) -> list[int]:
    """Return the place (from 0) of each described column among the headings of a file.

    A heading that is the same letter by letter counts first. Otherwise small and capital letters, and spaces, do not
    matter. Headings that are not used may be empty or stand twice.

    Args:
        wanted: the columns that the description names.
        headings: the headings of the file.

    Returns:
        The places, in the order of ``wanted``.

    Raises:
        Invalid: a column is missing, or two columns have its heading (``feed_columns``).
    """
    folded = [_fold(heading) for heading in headings]
    found, missing = [], []
    for name in wanted:
        places = [place for place, heading in enumerate(headings) if heading == name]
        places = places or [place for place, heading in enumerate(folded) if heading == _fold(name)]
        if len(places) > 1:
            raise Invalid(
                f"The file has {len(places)} columns {name!r}.",
                hint="Rename or remove one of them; it is not clear which is meant.",
                code=ErrorCode.FEED_COLUMNS,
            )
        missing += [] if places else [name]
        found += places
    if missing:
        raise Invalid(
            f"The file has no columns {', '.join(repr(name) for name in sorted(missing))}.",
            hint=f"It has: {', '.join(heading[:40] for heading in headings[:30]) or 'none'}. Is the separator right?",
            code=ErrorCode.FEED_COLUMNS,
        )
    return found


def _fold(heading: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", heading).casefold().replace("\ufeff", "").split())
