"""Read a template of 128 numbers from the texts in which databases and programs keep it.

The library ``face_recognition`` returns an array, and leaves it to each program how to store it. Accepted is what can
be read in one way only: lists (JSON, Python, numpy's ``array([...])`` over several lines), arrays of PostgreSQL
(``{...}``), its types ``cube`` (``(...)``) and ``vector`` (``[...]``), numbers between spaces or semicolons, and the
bytes of 128 numbers (float64 or float32, little-endian) in base64, in hexadecimal, or as Python prints them.

Pickles are refused: to read one is to run the program that it holds.
"""

from __future__ import annotations

import ast
import base64
import binascii
import re

import numpy as np
from numpy.typing import NDArray

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from models.face.foreign_form import LENGTH, Fault, fault_of

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_WORD = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_ARRAY = re.compile(r"(?:np\.|numpy\.)?array\((?P<inside>.*?)(?:,\s*dtype=[\w.']+)?\s*\)", re.DOTALL)
_SCALAR = re.compile(r"(?:np\.|numpy\.)?float(?:32|64)\(([^()]*)\)")
_SHORTENED = re.compile(r"\.\.\.|…")
_PAIRS = {"[": "]", "{": "}", "(": ")"}
_HEXADECIMAL = re.compile(r"(?:\\x|0x)?([0-9a-fA-F]+)", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]+={0,2}", re.ASCII)
_SIZES = {8 * LENGTH: "<f8", 4 * LENGTH: "<f4"}
"""Number format by number of bytes."""
_FAULTS = {
    Fault.NOT_FINITE: (ErrorCode.ENCODING_NOT_FINITE, "The template has a value that is no finite number."),
    Fault.NORM: (
        ErrorCode.ENCODING_NORM,
        (
            "The length of the template (root of the sum of squares) is not one of face_recognition: it was scaled, or "
            "another network made it."
        ),
    ),
    Fault.NETWORK: (ErrorCode.ENCODING_NETWORK, "Another network than that of face_recognition made the template."),
}


def read_encoding(text: str) -> NDArray[np.float64]:
    """Return the template that a text says.

    Args:
        text: the cell of a file.

    Returns:
        128 numbers, as they are; not scaled.

    Raises:
        Invalid: it is missing, pickled, shortened, not readable, or no template of that network (``encoding_missing``,
            ``encoding_pickled``, ``encoding_truncated``, ``encoding_unreadable``, ``encoding_length``,
            ``encoding_not_finite``, ``encoding_norm``, ``encoding_network``).
    """
    # A quarantine file has an apostrophe before what a spreadsheet would run as a formula, such as a minus.
    values = _values(text.strip().removeprefix("'"))
    if len(values) != LENGTH:
        raise Invalid(f"The template has {len(values)} values, not {LENGTH}.", code=ErrorCode.ENCODING_LENGTH)
    fault = fault_of(values)
    if fault is not None:
        code, said = _FAULTS[fault]
        raise Invalid(said, code=code)
    return values


def _values(text: str) -> NDArray[np.float64]:
    if not text:
        raise Invalid("The row has no template.", code=ErrorCode.ENCODING_MISSING)
    found = _bytes(text)
    return _numbers(text) if found is None else _unpacked(found)


def _bytes(text: str) -> bytes | None:
    """Return the bytes that a text writes in base64, in hexadecimal or as Python prints bytes; None if it does not."""
    if text[:2] in ("b'", 'b"'):
        try:
            literal = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError):
            raise _unreadable() from None
        inside = bytes(literal)
        # Programs also print the bytes of a base64 text.
        written = _bytes(inside.decode("ascii")) if len(inside) not in _SIZES and inside.isascii() else None
        return inside if written is None else written
    joined = "".join(text.split())
    # As many digits as 128 numbers in base64 could be hexadecimal only by their length, and the lengths differ.
    if (match := _HEXADECIMAL.fullmatch(joined)) and len(match[1]) % 2 == 0 and len(match[1]) >= LENGTH:
        return bytes.fromhex(match[1])
    if _BASE64.fullmatch(joined) and len(joined) >= LENGTH:
        try:
            return base64.b64decode(joined.replace("-", "+").replace("_", "/") + "=" * (-len(joined) % 4))
        except binascii.Error:
            raise _unreadable() from None
    return None


def _unpacked(found: bytes) -> NDArray[np.float64]:
    if found[:1] == b"\x80" and found[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05") and len(found) not in _SIZES:
        raise Invalid(
            "The template is pickled. Reading it would run the program that it holds.",
            hint="Write it as a list of numbers where it was made.",
            code=ErrorCode.ENCODING_PICKLED,
        )
    kind = _SIZES.get(len(found))
    if kind is None:
        raise Invalid(
            f"The template has {len(found)} bytes, not {' or '.join(map(str, sorted(_SIZES)))}.",
            code=ErrorCode.ENCODING_LENGTH,
        )
    return np.frombuffer(found, kind).astype(np.float64)


def _numbers(text: str) -> NDArray[np.float64]:
    if _SHORTENED.search(text):
        raise Invalid(
            "The template was shortened to '...' when it was written: its values are lost.",
            code=ErrorCode.ENCODING_TRUNCATED,
        )
    inside = _SCALAR.sub(r"\1", text)
    for _ in range(2):  # [array([...])] is a list with one array
        inside = _unwrapped(inside.strip())
    if any(mark in inside for mark in "[]{}()"):
        raise _unreadable()
    separator = next((mark for mark in (",", ";") if mark in inside), None)
    words = [word.strip() for word in inside.split(separator)]
    if separator is not None and len(words) > 1 and not words[-1]:
        words.pop()  # a comma after the last number
    values = []
    for word in words:
        if _WORD.fullmatch(word):
            code, said = _FAULTS[Fault.NOT_FINITE]
            raise Invalid(said, code=code)
        if not _NUMBER.fullmatch(word):
            raise _unreadable()
        values.append(float(word))
    return np.array(values, np.float64)


def _unwrapped(text: str) -> str:
    """Remove one pair of brackets around a text, and the name of an array before it."""
    if match := _ARRAY.fullmatch(text):
        text = match["inside"].strip()
    if len(text) > 1 and _PAIRS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _unreadable() -> Invalid:
    return Invalid(
        "The template cannot be read in one way only.",
        hint="Write 128 numbers as [0.1, -0.2, ...], with a point in each number.",
        code=ErrorCode.ENCODING_UNREADABLE,
    )
