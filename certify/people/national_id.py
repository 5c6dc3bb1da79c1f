"""Bring national ids and card numbers into one written form, verify check digits, and mask numbers for display."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import import_module
from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

_ANY = re.compile(r"[0-9A-Z]{4,32}")
_SEPARATORS = re.compile(r"[\s\-./]")


def normalise_id(text: str, fmt: str = "any") -> str:
    """Return an id in its one written form.

    Args:
        text: the id as it was entered, with or without spaces, hyphens, dots and slashes.
        fmt: "any" (4 to 32 letters and digits), or a python-stdnum module such as "cn.ric", which verifies the check
            digits.

    Returns:
        The id in upper case without separators.

    Raises:
        Invalid: the id is not valid (``national_id_invalid``; the message does not repeat the id), or the format is
            not known (``id_format``).
    """
    compact = _SEPARATORS.sub("", text if text.isascii() else unicodedata.normalize("NFKC", text)).upper()
    if fmt == "any":
        if not _ANY.fullmatch(compact):
            raise _invalid("It needs 4 to 32 letters or digits.")
        return compact
    module = _stdnum(fmt)
    try:
        return str(module.validate(compact))
    except module.ValidationError as error:
        raise _invalid(str(error)) from error


def mask(identifier: str) -> str:
    """Replace all but the last four characters by dots."""
    return "•" * max(len(identifier) - 4, 4) + identifier[-4:]


@cache
def _stdnum(fmt: str) -> Any:
    if not re.fullmatch(r"[a-z]{2}\.[a-z_]+", fmt):
        raise Invalid(
            f"'{fmt}' is not a national id format.",
            hint="Use 'any' or a format such as 'cn.ric'.",
            code=ErrorCode.ID_FORMAT,
        )
    try:
        return import_module(f"stdnum.{fmt}")
    except ImportError as error:
        raise Invalid(
            f"The national id format '{fmt}' is not known.",
            hint="Use 'any' or a format such as 'cn.ric'.",
            code=ErrorCode.ID_FORMAT,
        ) from error


def _invalid(detail: str) -> Invalid:
    return Invalid(
        f"The national id is not valid. {detail}", hint="Compare it with the card.", code=ErrorCode.NATIONAL_ID_INVALID
    )
