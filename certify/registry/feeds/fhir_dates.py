"""Dates of which FHIR says the parts one by one: an extension stands where the value would be.

Vital Records Death Reporting writes a death in November 2026, on a day that no one knows, as an extension
``PartialDateTime`` with the parts ``Date-Year``, ``Date-Month`` and ``Date-Day``; the parts of its later common library
are named ``year``, ``month`` and ``day``. A part that is not known has a ``data-absent-reason`` instead of a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_PARTS = {"date-year": "year", "year": "year", "date-month": "month", "month": "month", "date-day": "day", "day": "day"}
_ABSENT = "data-absent-reason"
_YEAR = re.compile(r"\d{4}")
_PART = re.compile(r"0?[1-9]|[12]\d|3[01]")


def partial_date(element: Any) -> str | None:
    """Return the date that the extensions of an element say, such as ``2026-11-00``.

    Args:
        element: the element, of JSON (``_birthDate``) or of XML.

    Returns:
        The date, with ``00`` for a month or day that is not known; ``unknown`` if they say that there is none; None if
        they say nothing about a date.
    """
    known: dict[str, str] = {}
    absent = False
    for url, value in _extensions(element):
        last = url.rpartition("/")[2].casefold()
        absent = absent or last == _ABSENT
        part = _PARTS.get(last)
        if part is not None and value is not None:
            known.setdefault(part, value)
    if not _YEAR.fullmatch(known.get("year", "")):
        return "unknown" if absent else None
    month, day = (known[name] if _PART.fullmatch(known.get(name, "")) else "00" for name in ("month", "day"))
    return f"{known['year']}-{month.zfill(2)}-{day.zfill(2) if month != '00' else '00'}"


def _extensions(node: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the address and the value of each extension, at any depth."""
    if isinstance(node, list):
        for part in node:
            yield from _extensions(part)
    elif isinstance(node, Mapping):
        url = node.get("url", node.get("@url"))
        if isinstance(url, str):
            yield url, next((_plain(value) for key, value in node.items() if key.startswith("value")), None)
        for key, below in node.items():
            if key == "extension" or key.startswith(("_value", "value")):
                yield from _extensions(below)


def _plain(value: Any) -> str | None:
    if isinstance(value, list):
        return _plain(value[0]) if len(value) == 1 else None
    if isinstance(value, Mapping):
        return _plain(value.get("@value"))
    return None if value is None or isinstance(value, bool) else str(value)
