"""Import templates of faces that another system made (``face_recognition``) from a file of the fund.

A chunk of rows is one transaction, and a row that is stored already changes nothing. So an import that was stopped is
started again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Invalid
from certify.files.encodings import read_encoding
from certify.files.people_rows import BadRow
from certify.files.row_file import (
    Cells,
    ChunkResult,
    FileReport,
    ImportSource,
    Progress,
    import_table,
    no_progress,
    people_of,
)
from certify.files.table_file import Row
from certify.files.template_file import ENCODING, TemplateFile
from certify.people.foreign import ForeignTemplate, add_foreign
from certify.service import Service, Unit

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{8})(?:[T ].*)?", re.ASCII)


def import_templates(
    service: Service, source: ImportSource, *, people: Path | None = None, progress: Progress = no_progress
) -> FileReport:
    """Store the templates of a file. Every row is stored, unchanged or quarantined.

    Args:
        service: the service.
        source: the file.
        people: a file that says whom each row of an ``.npy`` file is about; None otherwise.
        progress: called after every chunk with the number of rows done and the number of all rows.

    Raises:
        Invalid: the file, its columns or the quarantine path cannot be used, or it is pickled (``file_format``,
            ``file_encoding``, ``column_unknown``, ``column_missing``, ``column_twice``, ``quarantine_path``). Nothing
            is changed then.
    """
    table = TemplateFile(source.path, encoding=source.encoding, people=people)
    return import_table(service, source, table, _carry_out, progress)


def _carry_out(unit: Unit, rows: Sequence[tuple[Row, Cells]]) -> ChunkResult:
    result = ChunkResult()
    people = people_of(unit, rows, result)
    read: list[tuple[Row, ForeignTemplate]] = []
    for row, cells in rows:
        if row.line not in people:
            continue
        person = people[row.line]
        try:
            read.append((row, _read(person, cells)))
        except Invalid as invalid:
            result.bad.append(BadRow(row, invalid.code, invalid.message))
    stored = add_foreign(unit, [template for _, template in read])
    for (row, _), outcome in zip(read, stored, strict=True):
        if isinstance(outcome, CertifyError):
            result.bad.append(BadRow(row, outcome.code, outcome.message))
        else:
            result.done += outcome is not None
            result.unchanged += outcome is None
    return result


def _read(person: UUID | None, cells: Cells) -> ForeignTemplate:
    if person is None:
        raise Invalid("The row names no person.", code=ErrorCode.PERSON_MISSING)
    return ForeignTemplate(person, _day(cells), _source(cells), read_encoding(cells.get(ENCODING, "")))


def _day(cells: Cells) -> date:
    text = unicodedata.normalize("NFKC", cells.get("taken_on", ""))
    if not text:
        raise Invalid("'taken_on' is empty.", code=ErrorCode.TAKEN_ON_MISSING)
    try:
        return date.fromisoformat(match[1]) if (match := _DATE.fullmatch(text)) else date.fromisoformat(text)
    except ValueError:
        raise Invalid("'taken_on' is not a date such as 2026-03-31.", code=ErrorCode.TAKEN_ON_INVALID) from None


def _source(cells: Cells) -> str:
    source = cells.get("source", "")
    if not source:
        raise Invalid("'source' is empty.", code=ErrorCode.SOURCE_MISSING)
    return source
