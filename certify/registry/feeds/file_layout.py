"""The layout of a feed's file, as its description has it: the format, the columns, and how dates are written."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Calendar = Literal["gregorian", "minguo", "buddhist", "persian", "hijri", "japanese", "ethiopian"]


class Format(StrEnum):
    """The format of the file."""

    CSV = "csv"
    FIXED_WIDTH = "fixed_width"
    PARQUET = "parquet"
    XML = "xml"
    JSON_LINES = "json_lines"  # one object a line
    JSON = "json"  # one document
    XLSX = "xlsx"
    ODS = "ods"
    SQL = "sql"  # a query on another database, whose address comes from the environment


class Part(BaseModel):
    """A part of a description: its keys are fixed, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileForm(Part):
    """How to read the file.

    Attributes:
        format: the format.
        encoding: any encoding that Python knows.
        separator: the separator of cells in CSV.
        quote: the quote character in CSV.
        skip: number of lines at the top that are left out, for CSV, fixed width and sheets.
        fields: first column (from 1) and length of each field, for fixed width.
        unit: what these count. With ``auto`` it shows by where the date of the event stands, or else by the lengths
            of the lines.
        record: name of the element of a record, for XML; path of the list of records, for JSON.
        sheet: name of the sheet, for XLSX and ODS; needed if there are several.
        member: name of the file inside a zip that has several.
        database: environment variable with the address of the other database, for SQL.
        query: the query to run there, for SQL.
    """

    format: Format
    encoding: str = "utf-8"
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(max_length=1)] = '"'
    skip: int = Field(default=0, ge=0, le=100)
    fields: dict[str, tuple[int, int]] = Field(default_factory=dict)
    unit: Literal["auto", "bytes", "characters"] = "auto"
    record: str | None = None
    sheet: str | None = None
    member: str | None = None
    database: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {Format.FIXED_WIDTH: "fields", Format.XML: "record", Format.SQL: "query"}.get(self.format)
        if needed and not getattr(self, needed):
            raise ValueError(f"the format {self.format.value} needs '{needed}'")
        if self.format is Format.SQL and not self.database:
            raise ValueError("the format sql needs 'database'")
        if any(first < 1 or length < 1 for first, length in self.fields.values()):
            raise ValueError("fields begin at 1 and have at least one character")
        return self


_Named = Annotated[str, StringConstraints(min_length=1)]
Column = _Named | Annotated[tuple[_Named, ...], Field(min_length=1, max_length=8)]
"""One column of the file, or several that together are one of ours."""

DATE_COLUMNS = ("event_date", "birth_date", "recorded_on")
"""Our columns that are dates. Three columns of the file are year, month and day."""


class Columns(Part):
    """The column of the file for each of our columns. Other columns are not read.

    A name may be in several columns, in the order in which people say it; a record may be known by several keys; and a
    date may be in three columns: year, month, day. In XML and JSON a column is a path, such as ``deceased/name``.
    """

    record_id: Column
    event_date: Column
    national_id: Column | None = None
    name: Column | None = None
    birth_date: Column | None = None
    sex: _Named | None = None
    region: _Named | None = None
    recorded_on: Column | None = None
    operation: _Named | None = None
    target: _Named | None = None
    act: _Named | None = None

    @model_validator(mode="after")
    def _enough_to_find_a_person(self) -> Self:
        if self.national_id is None and (self.name is None or self.birth_date is None):
            raise ValueError("a person is found by national_id, or by name and birth_date")
        for ours in DATE_COLUMNS:
            if len(self.parts().get(ours, ("",))) not in (1, 3):
                raise ValueError(f"'{ours}' is one column, or three: year, month and day")
        return self

    def named(self) -> dict[str, Column]:
        """Return the names in the file by our names, for the columns that are described."""
        return {ours: theirs for ours, theirs in self if theirs is not None}

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Return the columns of the file by our names; most have one."""
        return {ours: (theirs,) if isinstance(theirs, str) else theirs for ours, theirs in self.named().items()}

    def sources(self) -> list[str]:
        """Return all described columns of the file, each once."""
        return list(dict.fromkeys(name for theirs in self.parts().values() for name in theirs))


class Dates(Part):
    """How dates are written.

    Attributes:
        order: decides dates like 03/04/1950. With ``ymd`` no order is declared: then only dates that begin with the
            year are read, and others as far as the file itself proves their order.
        calendar: the calendar of the years.
        pivot: how dates with two digits of the year are read: below it the year is 20.., from it on 19... Without it
            they are not read.
        birth_pivot: the same for birth dates, if it differs.
        serial: numbers of days, as spreadsheets store dates. ``excel1904`` counts from 1904.
        zone: the time zone in which instants become days, such as ``Africa/Nairobi``. Without it, the zone that a
            Parquet column names.
    """

    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    calendar: Calendar = "gregorian"
    pivot: int | None = Field(default=None, ge=0, le=100)
    birth_pivot: int | None = Field(default=None, ge=0, le=100)
    serial: Literal["excel", "excel1904"] | None = None
    zone: str | None = None

    @model_validator(mode="after")
    def _zone_exists(self) -> Self:
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ValueError, ZoneInfoNotFoundError):
                raise ValueError(f"there is no time zone '{self.zone}'") from None
        return self
