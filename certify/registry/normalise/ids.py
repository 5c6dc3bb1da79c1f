"""National ids: one written form, check digits, and why an id cannot be used.

A format is a function of an Arrow array of compact text; ``FORMATS`` is where others are added. An id that is not
usable is NULL as a key, but its text is kept: a cut or mistyped id still tells something in a comparison.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from certify.registry.normalise.characters import CharacterTable

Checked = tuple[pa.Array, pa.Array]
"""Usable ids (NULL where not) and the reason why not (NULL where usable): missing, placeholder, length, characters,
birth_date, check_digit."""

_CHINESE_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int32)
_CHINESE_CHECK = np.frombuffer(b"10X98765432", np.uint8)
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_NO_TEXT = pa.scalar(None, pa.string())


def compact_ids(ids: pa.Array) -> pa.Array:
    """Full-width digits, spaces, separators and lower case are undone; NULL when nothing is left."""
    ids = ids.cast(pa.string())
    dirty = pc.invert(pc.fill_null(pc.match_substring_regex(ids, "^[0-9A-Z]+$"), False))
    if pc.any(dirty).as_py():
        ids = pc.replace_with_mask(ids, dirty, _COMPACT.apply(pc.utf8_normalize(ids.filter(dirty), "NFKC")))
    return pc.if_else(pc.fill_null(pc.equal(ids, ""), True), _NO_TEXT, ids)


def check_ids(compact: pa.Array, fmt: str) -> Checked:
    """Say which ids are usable. ``fmt`` names one of ``FORMATS``."""
    ids, reason = FORMATS[fmt](compact)
    same = pc.fill_null(pc.match_substring_regex(compact, _ALL_SAME), False)
    reason = pc.if_else(same, "placeholder", reason)
    reason = pc.if_else(pc.is_null(compact), "missing", reason)
    return pc.if_else(pc.is_null(reason), ids, _NO_TEXT), reason


def _hashed(hashes: pa.Array) -> Checked:
    """Keyed hashes, taken as they are: whoever made them left out the unusable ids."""
    return hashes, pc.if_else(pc.fill_null(pc.equal(hashes, ""), False), "missing", _NO_TEXT)


def _any(compact: pa.Array) -> Checked:
    short = pc.less(pc.utf8_length(compact), 4)
    return compact, pc.if_else(pc.fill_null(short, False), "length", _NO_TEXT)


def _chinese(compact: pa.Array) -> Checked:
    """GB 11643-1999 with its check digit (ISO 7064 MOD 11-2); the 15-digit form of before is brought to 18."""
    old = pc.fill_null(pc.match_substring_regex(compact, "^[0-9]{15}$"), False)
    if pc.any(old).as_py():
        compact = pc.replace_with_mask(compact, old, _expand(compact.filter(old)))
    shape = pc.fill_null(pc.match_substring_regex(compact, "^[0-9]{17}[0-9X]$"), False)
    rows = _rows(compact.filter(shape), 18)
    reasons = np.zeros(len(rows), np.int8)
    reasons[_CHINESE_CHECK[((rows[:, :17].astype(np.int32) - 48) @ _CHINESE_WEIGHTS) % 11] != rows[:, 17]] = 2
    reasons[~_possible_dates(rows[:, 6:14])] = 1
    found = pa.array([None, "birth_date", "check_digit"]).take(pa.array(reasons))
    wrong_length = pc.if_else(pc.equal(pc.utf8_length(compact), 18), "characters", "length")
    return compact, pc.replace_with_mask(wrong_length, shape, found)


def _eleven_digits(compact: pa.Array) -> Checked:
    """Nine digits and two check digits, as the Brazilian CPF has them; leading zeros lost by spreadsheets come back."""
    short = pc.fill_null(pc.match_substring_regex(compact, "^[0-9]{9,10}$"), False)
    if pc.any(short).as_py():
        padded = pc.utf8_lpad(compact, 11, "0")
        whole = pc.if_else(short, padded, compact)
        ids, reason = _check_eleven(whole)
        # Only with right check digits: else it is an id that was cut off.
        return ids, pc.if_else(pc.and_(short, pc.is_valid(reason)), "length", reason)
    return _check_eleven(compact)


def _check_eleven(compact: pa.Array) -> Checked:
    shape = pc.fill_null(pc.match_substring_regex(compact, "^[0-9]{11}$"), False)
    rows = _rows(compact.filter(shape), 11).astype(np.int32) - 48
    wrong = np.zeros(len(rows), np.bool_)
    for length in (9, 10):
        wrong |= (rows[:, :length] @ np.arange(length + 1, 1, -1, dtype=np.int32)) * 10 % 11 % 10 != rows[:, length]
    found = pa.array([None, "check_digit"]).take(pa.array(wrong.astype(np.int8)))
    wrong_length = pc.if_else(pc.equal(pc.utf8_length(compact), 11), "characters", "length")
    return compact, pc.replace_with_mask(wrong_length, shape, found)


HASHED = "hashed"
FORMATS: dict[str, Callable[[pa.Array], Checked]] = {
    "any": _any,
    "cn": _chinese,
    "eleven": _eleven_digits,
    HASHED: _hashed,
}
"""Formats by name. One more is one more function of compact text."""
HAS_CHECK_DIGIT = frozenset({"cn", "eleven", HASHED})
"""Formats in which a slip of the pen shows: a usable id that nobody has is a stranger's, not a typing error."""
HOLDS_BIRTH_DATE = frozenset({"cn"})
"""Formats that contain the birth date, which therefore does not corroborate them fully."""

_ALL_SAME = "^(?:" + "|".join(f"{digit}+" for digit in "0123456789X") + ")$"
_COMPACT = CharacterTable(lambda character: character.upper() if character.isalnum() else "")


def _expand(old: pa.Array) -> pa.Array:
    """15 to 18 digits: the century was 19, and the check digit is computed."""
    middle = _rows(old, 15)
    rows = np.empty((len(middle), 18), np.uint8)
    rows[:, :6], rows[:, 6], rows[:, 7], rows[:, 8:17] = middle[:, :6], ord("1"), ord("9"), middle[:, 6:]
    rows[:, 17] = _CHINESE_CHECK[((rows[:, :17].astype(np.int32) - 48) @ _CHINESE_WEIGHTS) % 11]
    return fixed_text(rows)


def _rows(texts: pa.Array, length: int) -> NDArray[np.uint8]:
    """Return texts of one length as rows of bytes."""
    if len(texts) == 0:
        return np.empty((0, length), np.uint8)
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    first = int(np.frombuffer(offsets, np.int64)[whole.offset])
    return np.frombuffer(data, np.uint8, len(texts) * length, first).reshape(len(texts), length)


def fixed_text(rows: NDArray[np.uint8]) -> pa.Array:
    """Return rows of ASCII bytes as texts."""
    rows = np.ascontiguousarray(rows)
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]
    return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(rows)).cast(pa.string())


def _possible_dates(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    digits = rows.astype(np.int32) - 48
    year = digits[:, :4] @ np.array([1000, 100, 10, 1])
    month = digits[:, 4:6] @ np.array([10, 1])
    day = digits[:, 6:8] @ np.array([10, 1])
    good = (year >= 1850) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1)
    last = _DAYS[np.clip(month, 1, 12) - 1]
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    possible: NDArray[np.bool_] = good & (day <= np.where((month == 2) & ~leap, 28, last))
    return possible
