"""National ids: one written form, check digits, and the reason why an id cannot be used.

A format is a function of an Arrow array of compact text; new formats are added to ``FORMATS``. An unusable id is NULL
as a key, but its text is kept, because a cut or mistyped id still counts in a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from certify.registry.normalise.characters import CharacterTable, where

Checked = tuple[pa.Array, pa.Array]
"""Usable ids (NULL where not) and the reason why not (NULL where usable): missing, placeholder, length, characters,
birth_date, check_digit."""

_CHINESE_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_X = ord("X") - ord("0")
_CHINESE_CHECK = np.array([1, 0, _X, 9, 8, 7, 6, 5, 4, 3, 2], np.uint8)
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.uint8)
_FAULTS = pa.array([None, "length", "characters", "birth_date", "check_digit"])
_LENGTH, _CHARACTERS, _BIRTH_DATE, _CHECK_DIGIT = range(1, 5)
_NO_TEXT = pa.scalar(None, pa.string())


def compact_ids(ids: pa.Array) -> pa.Array:
    """Convert full-width digits and lower case, and remove spaces and separators; NULL where nothing is left."""
    ids = ids.cast(pa.string())
    # Most ids have digits only, and that test is much faster than a pattern.
    ids = where(pc.invert(_is_decimal(ids)), ids, _compact_others)
    return pc.if_else(pc.fill_null(pc.equal(ids, ""), True), _NO_TEXT, ids)


def _compact_others(ids: pa.Array) -> pa.Array:
    # 7000001.0 is what tables of numbers make of the id 7000001.
    ids = pc.replace_substring_regex(ids, r"^\s*([0-9]{5,})\.0{1,2}\s*$", r"\1")
    dirty = pc.invert(pc.fill_null(pc.match_substring_regex(ids, "^[0-9A-Z]+$"), False))
    return where(dirty, ids, lambda texts: _COMPACT.apply(pc.utf8_normalize(texts, "NFKC")))


_STAND_INS = (
    "NULL NONE NAN UNKNOWN NOTKNOWN NOTAVAILABLE DONOTUSE MISSING TEST 12345678 123456789 1234567890 12345678901 "
    "0123456789 01234567890 987654321 9876543210 DESCONOCIDO DESCONHECIDO IGNORADO INCONNU SINNUMERO 未知 不详"
)
"""Texts in compact form that clerks write where an id is not known. Many people share them."""


def check_ids(compact: pa.Array, fmt: str) -> Checked:
    """Check which ids are usable.

    Args:
        compact: ids as ``compact_ids`` returns them.
        fmt: name of one of ``FORMATS``.

    Returns:
        The usable ids and the reasons of the others.
    """
    ids, reason = FORMATS[fmt](compact)
    stand_in = pc.and_(pc.is_null(reason), pc.is_in(compact, value_set=pa.array(_STAND_INS.split())))
    reason = pc.if_else(pc.or_(_all_same(compact), stand_in), "placeholder", reason)
    reason = pc.if_else(pc.is_null(compact), "missing", reason)
    return pc.if_else(pc.is_null(reason), ids, _NO_TEXT), reason


def _hashed(hashes: pa.Array) -> Checked:
    """Accept keyed hashes unchanged: unusable ids are not hashed."""
    return hashes, pc.if_else(pc.fill_null(pc.equal(hashes, ""), False), "missing", _NO_TEXT)


def _any(compact: pa.Array) -> Checked:
    short = pc.less(pc.utf8_length(compact), 4)
    return compact, pc.if_else(pc.fill_null(short, False), "length", _NO_TEXT)


def _chinese(compact: pa.Array) -> Checked:
    """Check ids of GB 11643-1999 with their check digit (ISO 7064 MOD 11-2); the old 15-digit form becomes 18."""
    compact = where(pc.and_(_is_decimal(compact), _is_between(compact, 15, 15)), compact, _expand)
    return compact, _faults(compact, 18, _check_chinese)


def _check_chinese(digits: NDArray[np.uint8]) -> NDArray[np.int8]:
    right = _CHINESE_CHECK[_weighted_sum(digits, _CHINESE_WEIGHTS) % 11] == digits[17]
    shape = _are_digits(digits[:17]) & ((digits[17] <= 9) | (digits[17] == _X))
    faults = [~shape, ~_possible_dates(digits[6:14]), ~right]
    return np.select(faults, [np.int8(_CHARACTERS), np.int8(_BIRTH_DATE), np.int8(_CHECK_DIGIT)], np.int8(0))


def _eleven_digits(compact: pa.Array) -> Checked:
    """Check nine digits and two check digits, as in the Brazilian CPF; leading zeros lost in spreadsheets are added."""
    short = pc.and_(_is_decimal(compact), _is_between(compact, 9, 10))
    whole = where(short, compact, lambda texts: pc.utf8_lpad(texts, 11, "0"))
    reason = _faults(whole, 11, _check_eleven)
    # Only if the check digits are right; otherwise the id was cut off.
    return whole, pc.if_else(pc.and_(short, pc.is_valid(reason)), "length", reason)


def _check_eleven(digits: NDArray[np.uint8]) -> NDArray[np.int8]:
    wrong = np.zeros(digits.shape[1], np.bool_)
    for length in (9, 10):
        wrong |= _weighted_sum(digits[:length], range(length + 1, 1, -1)) * 10 % 11 % 10 != digits[length]
    return np.select([~_are_digits(digits), wrong], [np.int8(_CHARACTERS), np.int8(_CHECK_DIGIT)], np.int8(0))


HASHED = "hashed"
FORMATS: dict[str, Callable[[pa.Array], Checked]] = {
    "any": _any,
    "cn": _chinese,
    "eleven": _eleven_digits,
    HASHED: _hashed,
}
"""Formats by name. A new format is a new function of compact text."""
HAS_CHECK_DIGIT = frozenset({"cn", "eleven", HASHED})
"""Formats that detect typing mistakes: a usable unknown id belongs to another person, and is not a mistake."""
HOLDS_BIRTH_DATE = frozenset({"cn"})
"""Formats that contain the birth date, which therefore confirms them only partly."""

_ALL_SAME = "^(?:" + "|".join(f"{digit}+" for digit in "0123456789X") + ")$"
_COMPACT = CharacterTable(lambda character: character.upper() if character.isalnum() else "")


def _expand(old: pa.Array) -> pa.Array:
    """Convert 15 to 18 digits: the century was 19, and the check digit is computed."""
    short = _digits(old, 15)
    digits = np.empty((18, len(old)), np.uint8)
    digits[:6], digits[6], digits[7], digits[8:17] = short[:6], 1, 9, short[6:]
    digits[17] = _CHINESE_CHECK[_weighted_sum(digits, _CHINESE_WEIGHTS) % 11]
    return fixed_text(digits.T + np.uint8(ord("0")))


def _faults(compact: pa.Array, length: int, check: Callable[[NDArray[np.uint8]], NDArray[np.int8]]) -> pa.Array:
    """Return the reasons: a wrong length, or the fault that ``check`` finds in texts of the right length."""
    right = _is_between(compact, length, length).to_numpy(zero_copy_only=False)
    faults = np.where(right, np.int8(_CHARACTERS), np.int8(_LENGTH))
    # A text with more bytes than characters has characters other than digits.
    plain = right & (pc.fill_null(pc.binary_length(compact), 0).to_numpy() == length)
    faults[plain] = check(_digits(compact.filter(pa.array(plain)), length))
    return _FAULTS.take(pa.array(faults))


def _digits(texts: pa.Array, length: int) -> NDArray[np.uint8]:
    """Return texts of one length by place, so that NumPy works on all first digits at once, then all second digits.

    A digit is 0 to 9; other characters are larger.
    """
    ends, data = _buffers(texts)
    rows = data[ends[0] : ends[-1]].reshape(len(texts), length)
    return np.ascontiguousarray(rows.T) - np.uint8(ord("0"))


def _are_digits(digits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    are: NDArray[np.bool_] = digits.max(axis=0) <= 9
    return are


def _weighted_sum(digits: NDArray[np.uint8], weights: Iterable[int]) -> NDArray[np.int16]:
    total = np.zeros(digits.shape[1], np.int16)
    for place, weight in zip(digits, weights, strict=False):  # the check digit has no weight
        total += place * np.int16(weight)
    return total


def _buffers(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where each text begins and the last one ends, and the bytes of all texts."""
    whole = texts.cast(pa.large_string())
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets or bytes(8), np.int64)[whole.offset : whole.offset + len(whole) + 1]
    return ends, np.frombuffer(data or b"", np.uint8)


def _is_decimal(texts: pa.Array) -> pa.Array:
    return pc.fill_null(pc.ascii_is_decimal(texts), False)


def _is_between(texts: pa.Array, least: int, most: int) -> pa.Array:
    length = pc.fill_null(pc.utf8_length(texts), -1)
    return pc.and_(pc.greater_equal(length, least), pc.less_equal(length, most))


def _all_same(texts: pa.Array) -> pa.Array:
    """Tell whether a text repeats one character. Only texts with equal first and last bytes need the slow pattern."""
    ends, data = _buffers(texts)
    if not data.size:
        return pa.array(np.zeros(len(texts), np.bool_))
    ends_alike = pa.array(data[np.minimum(ends[:-1], len(data) - 1)] == data[ends[1:] - 1])
    same = pc.fill_null(pc.match_substring_regex(texts.filter(ends_alike), _ALL_SAME), False)
    return pc.replace_with_mask(ends_alike, ends_alike, same)


def fixed_text(rows: NDArray[np.uint8]) -> pa.Array:
    """Return rows of ASCII bytes as texts."""
    rows = np.ascontiguousarray(rows)
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * rows.shape[1]
    return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(rows)).cast(pa.string())


def _possible_dates(digits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    year = _weighted_sum(digits[:4], (1000, 100, 10, 1))
    month, day = _weighted_sum(digits[4:6], (10, 1)), _weighted_sum(digits[6:8], (10, 1))
    good = (year >= 1850) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    possible: NDArray[np.bool_] = good & (day <= _DAYS[np.clip(month, 1, 12) - 1]) & ((month != 2) | (day < 29) | leap)
    return possible
