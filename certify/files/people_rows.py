"""Turn a row of text cells into a person with one pension, and check each rule that a single row can break."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import local_date
from certify.domain.terms import NO_TERMS
from certify.errors import Invalid
from certify.files import terms_columns
from certify.files.table_file import Columns, Row
from certify.people.enrol import NewEntitlement
from certify.people.national_id import normalise_id
from certify.registry.normalise.canonical import SEXES
from certify.service import Service

# A quarantine file can be corrected and imported again as it is, so an import ignores the columns that it adds.
QUARANTINE_COLUMNS = ("quarantine_line", "quarantine_code", "quarantine_reason")

_DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|([-/])(\d{1,2})\4(\d{1,2}))", re.ASCII)
_NEED = re.compile(r"[a-z0-9_]{1,40}")
# Decimal numbers that spreadsheets and data frames make of an id: digits are lost, or a zero is added.
_NUMBER = re.compile(r"\d+[.,]0+|\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_MAX_REGION = 40
_REMEMBERED = 100_000
"""Texts of one column that are remembered with their values: millions of rows have the same few thousand dates."""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One valid row: a person and one pension."""

    row: Row
    national_id: str
    name: str
    birth_date: date | None
    card_number: str | None
    region: str | None
    needs: tuple[str, ...]
    sex: str | None
    entitlement: NewEntitlement


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported, with the reason as a stable code and a sentence."""

    row: Row
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Known:
    """What the value of a cell may depend on."""

    service: Service
    today: date


@dataclass(frozen=True, slots=True)
class _Field:
    """One column of a file of people.

    Attributes:
        name: of the column.
        read: returns the value of a text that is not empty, or raises Invalid.
        empty: the value of an empty cell.
        repeats: many rows have the same text, so its value is remembered.
    """

    name: str
    read: Callable[[str, _Known], Any]
    empty: Any = None
    repeats: bool = True


def _scheme(text: str, known: _Known) -> str:
    return known.service.policy(text).policy.scheme


def _name(text: str, _known: _Known) -> str:
    return text


def _national_id(text: str, known: _Known) -> str:
    return _identifier(text, "national_id", known.service.settings.national_id_format)


def _card_number(text: str, _known: _Known) -> str:
    return _identifier(text, "card_number")


def _identifier(text: str, column: str, fmt: str = "any") -> str:
    if _NUMBER.fullmatch(text):
        raise Invalid(
            f"'{column}' was turned into a decimal number; format it as text.", code=ErrorCode(f"{column}_number")
        )
    try:
        return normalise_id(text, fmt)
    except Invalid as invalid:
        raise Invalid(invalid.message, code=ErrorCode(f"{column}_invalid")) from invalid


def _day(column: str) -> Callable[[str, _Known], date]:
    """Return the function that reads the dates of a column."""
    return lambda text, _known: _read_day(text, column)


def _read_day(text: str, column: str) -> date:
    match = _DATE.fullmatch(unicodedata.normalize("NFKC", text))
    if match is None:
        raise Invalid(f"'{column}' is not a date such as 2026-03-31.", code=ErrorCode(f"{column}_invalid"))
    year, month, day = match[1], match[2] or match[5], match[3] or match[6]
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise Invalid(
            f"'{column}' is a day that the calendar does not have.", code=ErrorCode(f"{column}_invalid")
        ) from error


def _past_day(column: str) -> Callable[[str, _Known], date]:
    """Return the function that reads the dates of a column that may not lie in the future."""
    read_any = _day(column)

    def read(text: str, known: _Known) -> date:
        day = read_any(text, known)
        if day > known.today:
            raise Invalid("The last proof of life lies in the future.", code=ErrorCode.LAST_PROOF_ON_INVALID)
        return day

    return read


def _region(text: str, _known: _Known) -> str:
    if len(text) > _MAX_REGION or not text.isprintable():
        raise Invalid(
            f"'region' is longer than {_MAX_REGION} characters or cannot be shown.", code=ErrorCode.REGION_INVALID
        )
    return text


def _sex(text: str, _known: _Known) -> str:
    sex = SEXES.get(text.casefold())
    if sex is None:
        raise Invalid(
            "'sex' is neither M nor F.", hint="Leave it empty when it is not known.", code=ErrorCode.SEX_INVALID
        )
    return sex


def _needs(text: str, _known: _Known) -> tuple[str, ...]:
    needs = tuple(dict.fromkeys(need for part in text.split(";") if (need := part.strip().lower())))
    for need in needs:
        if not _NEED.fullmatch(need):
            raise Invalid(
                "'needs' has words such as low_vision, separated by semicolons.", code=ErrorCode.NEEDS_INVALID
            )
    return needs


FIELDS = (
    _Field("scheme", _scheme),
    _Field("national_id", _national_id, repeats=False),
    _Field("name", _name, repeats=False),
    _Field("birth_date", _day("birth_date")),
    _Field("card_number", _card_number, repeats=False),
    _Field("region", _region),
    _Field("needs", _needs, empty=()),
    _Field("sex", _sex),
    _Field("starts_on", _day("starts_on")),
    _Field("last_proof_on", _past_day("last_proof_on")),
)
"""All columns, in the order in which their rules are checked. A new column is one line here and its field below."""

REQUIRED = ("national_id", "name", "scheme", "starts_on")
OPTIONAL = (*(field.name for field in FIELDS if field.name not in REQUIRED), *terms_columns.COLUMNS)
COLUMNS = Columns(known=(*REQUIRED, *OPTIONAL), required=REQUIRED, ignored=QUARANTINE_COLUMNS)


class RowReader:
    """Reads the rows of one file.

    Args:
        service: the service, for its policies and the format of national ids.
        header: names of the columns.
        today: dates of a last proof may not be later.
    """

    def __init__(self, service: Service, header: tuple[str, ...], today: date) -> None:
        self.today = today
        self._known = _Known(service, today)
        place = {name: index for index, name in enumerate(header)}
        self._required = [(name, place[name]) for name in REQUIRED]
        self._fields: list[tuple[_Field, int | None, dict[str, Any]]] = [
            (field, place.get(field.name), {}) for field in FIELDS
        ]
        self._terms = [(name, place[name]) for name in terms_columns.COLUMNS if name in place]
        self._asked_from: dict[str, date] = {}

    def read(self, row: Row) -> PersonRow | BadRow:
        """Return the person of a row, or the first reason why the row cannot be imported."""
        if row.problem:
            return BadRow(row, ErrorCode.ROW_UNREADABLE, row.problem)
        cells = [cell.strip() if cell.isascii() else unicodedata.normalize("NFC", cell).strip() for cell in row.cells]
        try:
            self._require(cells)
            return self._person(row, self._values(cells), self._terms_cells(cells))
        except Invalid as invalid:
            return BadRow(row, invalid.code, invalid.message)

    def _require(self, cells: list[str]) -> None:
        for name, index in self._required:
            if not cells[index]:
                raise Invalid(f"'{name}' is empty.", code=ErrorCode(f"{name}_missing"))

    def _values(self, cells: list[str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field, index, remembered in self._fields:
            text = cells[index] if index is not None else ""
            if not text:
                values[field.name] = field.empty
            elif not field.repeats:
                values[field.name] = field.read(text, self._known)
            else:
                if text not in remembered:
                    if len(remembered) >= _REMEMBERED:
                        remembered.clear()
                    remembered[text] = field.read(text, self._known)
                values[field.name] = remembered[text]
        return values

    def _terms_cells(self, cells: list[str]) -> dict[str, str]:
        """Return the cells that state terms of the pension and are not empty; most files have none."""
        return {name: cells[index] for name, index in self._terms if cells[index]}

    def _person(self, row: Row, values: dict[str, Any], stated: dict[str, str]) -> PersonRow:
        scheme, starts_on = values.pop("scheme"), values.pop("starts_on")
        if scheme not in self._asked_from:
            service = self._known.service
            self._asked_from[scheme] = local_date(service.clock(), service.policy(scheme).policy.timezone)
        terms = NO_TERMS
        if stated:
            terms = terms_columns.read_columns(stated, starts_on, partial(read_date, stated))
        entitlement = NewEntitlement(
            scheme, starts_on, values.pop("last_proof_on"), asked_from=self._asked_from[scheme], terms=terms
        )
        return PersonRow(row=row, entitlement=entitlement, **values)


def read_date(cells: Mapping[str, str], column: str) -> date | None:
    """Return the date of a cell; None if the cell is empty or the column is missing.

    Args:
        cells: cells by column.
        column: the column.

    Raises:
        Invalid: the cell is not a date (the code is the name of the column with ``_invalid``).
    """
    text = cells.get(column, "")
    return _read_day(text, column) if text else None


def read_row(service: Service, header: tuple[str, ...], row: Row, today: date) -> PersonRow | BadRow:
    """Return the person of one row, as ``RowReader`` does for many.

    Args:
        service: the service, for its policies and the format of national ids.
        header: names of the columns.
        row: the row.
        today: dates of a last proof may not be later.
    """
    return RowReader(service, header, today).read(row)
