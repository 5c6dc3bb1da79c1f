"""Turn a row of text cells into a person with one pension, and check each rule that a single row can break."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial

from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import local_date
from certify.errors import Invalid
from certify.files import terms_columns
from certify.files.table_file import Columns, Row
from certify.people.enrol import NewEntitlement
from certify.people.national_id import normalise_id
from certify.registry.normalise.canonical import SEXES
from certify.service import Service

# A quarantine file can be corrected and imported again as it is, so an import ignores the columns that it adds.
QUARANTINE_COLUMNS = ("quarantine_line", "quarantine_code", "quarantine_reason")
REQUIRED = ("national_id", "name", "scheme", "starts_on")
OPTIONAL = ("card_number", "birth_date", "region", "needs", "last_proof_on", "sex", *terms_columns.COLUMNS)
COLUMNS = Columns(known=(*REQUIRED, *OPTIONAL), required=REQUIRED, ignored=QUARANTINE_COLUMNS)

_DATE = re.compile(r"(\d{4})(?:(\d{2})(\d{2})|([-/])(\d{1,2})\4(\d{1,2}))", re.ASCII)
_NEED = re.compile(r"[a-z0-9_]{1,40}")
# Decimal numbers that spreadsheets and data frames make of an id: digits are lost, or a zero is added.
_NUMBER = re.compile(r"\d+[.,]0+|\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
_MAX_REGION = 40


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


def read_row(service: Service, header: tuple[str, ...], row: Row, today: date) -> PersonRow | BadRow:
    """Return the person of a row, or the first reason why the row cannot be imported.

    Args:
        service: the service, for its policies and the format of national ids.
        header: names of the columns.
        row: the row.
        today: dates of a last proof may not be later.
    """
    if row.problem:
        return BadRow(row, ErrorCode.ROW_UNREADABLE, row.problem)
    cells = dict(zip(header, (unicodedata.normalize("NFC", cell).strip() for cell in row.cells), strict=True))
    try:
        _require(cells)
        policy = service.policy(cells["scheme"]).policy
        starts_on = read_date(cells, "starts_on") or today
        return PersonRow(
            row=row,
            national_id=_identifier(cells["national_id"], "national_id", service.settings.national_id_format),
            name=cells["name"],
            birth_date=read_date(cells, "birth_date"),
            card_number=_identifier(cells["card_number"], "card_number") if cells.get("card_number") else None,
            region=_region(cells.get("region", "")),
            needs=_needs(cells.get("needs", "")),
            sex=_sex(cells.get("sex", "")),
            entitlement=NewEntitlement(
                cells["scheme"],
                starts_on,
                _last_proof(cells, today),
                asked_from=local_date(service.clock(), policy.timezone),
                terms=terms_columns.read_columns(cells, starts_on, partial(read_date, cells)),
            ),
        )
    except Invalid as invalid:
        return BadRow(row, invalid.code, invalid.message)


def _require(cells: dict[str, str]) -> None:
    for column in REQUIRED:
        if not cells[column]:
            raise Invalid(f"'{column}' is empty.", code=ErrorCode(f"{column}_missing"))


def _last_proof(cells: dict[str, str], today: date) -> date | None:
    day = read_date(cells, "last_proof_on")
    if day is not None and day > today:
        raise Invalid("The last proof of life lies in the future.", code=ErrorCode.LAST_PROOF_ON_INVALID)
    return day


def _identifier(text: str, column: str, fmt: str = "any") -> str:
    if _NUMBER.fullmatch(text):
        raise Invalid(
            f"'{column}' was turned into a decimal number; format it as text.", code=ErrorCode(f"{column}_number")
        )
    try:
        return normalise_id(text, fmt)
    except Invalid as invalid:
        raise Invalid(invalid.message, code=ErrorCode(f"{column}_invalid")) from invalid


def read_date(cells: Mapping[str, str], column: str) -> date | None:
    """Read the date of a cell, such as 2026-03-31; None if it is empty.

    Raises:
        Invalid: it is no date (the column's name with ``_invalid``).
    """
    text = unicodedata.normalize("NFKC", cells.get(column, ""))
    if not text:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise Invalid(f"'{column}' is not a date such as 2026-03-31.", code=ErrorCode(f"{column}_invalid"))
    year, month, day = match[1], match[2] or match[5], match[3] or match[6]
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise Invalid(
            f"'{column}' is a day that the calendar does not have.", code=ErrorCode(f"{column}_invalid")
        ) from error


def _region(text: str) -> str | None:
    if len(text) > _MAX_REGION or not text.isprintable():
        raise Invalid(
            f"'region' is longer than {_MAX_REGION} characters or cannot be shown.", code=ErrorCode.REGION_INVALID
        )
    return text or None


def _sex(text: str) -> str | None:
    sex = SEXES.get(text.casefold()) if text else None
    if text and sex is None:
        raise Invalid(
            "'sex' is neither M nor F.", hint="Leave it empty when it is not known.", code=ErrorCode.SEX_INVALID
        )
    return sex


def _needs(text: str) -> tuple[str, ...]:
    needs = tuple(dict.fromkeys(need for part in text.split(";") if (need := part.strip().lower())))
    for need in needs:
        if not _NEED.fullmatch(need):
            raise Invalid(
                "'needs' has words such as low_vision, separated by semicolons.", code=ErrorCode.NEEDS_INVALID
            )
    return needs
