"""The description of a feed: a TOML file that names its kind, format, columns, meanings, coverage and weight.

    name = "civil-registry-deaths"
    source = "civil-registry"            # the name that evidence has
    kind = "deaths"
    content = "delta"                    # or "full": a record that is missing in the next file has ended

    [file]
    format = "csv"
    encoding = "gb18030"
    separator = ";"

    [columns]
    record_id = "NR"
    national_id = "ID"
    name = "NAME"
    birth_date = "BORN"
    event_date = "DIED"

    [operations]
    notify = ["N", ""]
    void = ["X"]

Unknown keys are refused, so that a typing mistake cannot disable a rule.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.feeds.file_layout import Columns, Dates, FileForm, Part
from certify.registry.normalise.ids import FORMATS

_WORD = re.compile(r"[a-z][a-z_]{0,39}")


class Kind(StrEnum):
    """The content of a feed. All kinds but the last are adverse: their records speak against an entitlement."""

    DEATHS = "deaths"
    RESIDENCY = "residency"
    PRISON = "prison"
    EMIGRATION = "emigration"
    REMARRIAGE = "remarriage"
    REEMPLOYMENT = "reemployment"
    MISSING = "missing"
    LIFE_EVENTS = "life_events"


class Operations(Part):
    """The meaning of the words in the column ``operation``; without such a column each record is *notify*.

    *correct* replaces the record named in ``target`` (or of the same record id), *void* takes it back (HL7 Fact of
    Death).
    """

    notify: frozenset[str] = frozenset()
    correct: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _no_word_twice(self) -> Self:
        if (self.notify & self.correct) | (self.notify & self.void) | (self.correct & self.void):
            raise ValueError("a word cannot mean two operations")
        return self


class Coverage(Part):
    """The people that the feed covers; for other people a missing record means nothing. Empty regions: all regions."""

    regions: frozenset[str] = frozenset()
    since: date | None = None
    share: float = Field(default=1.0, gt=0, le=1)


class Limits(Part):
    """The limits at which a file differs so much from earlier ones that it waits for an officer.

    Ratios are to the median of earlier files. A file with five times the usual deaths counts as a data error until an
    officer has looked. Endings are records of a full feed that are no longer in the file; ``runs/endings.py`` has the
    limits that apply to deaths if none are given. The dead do not come back, whatever was usual.
    """

    most_rows_ratio: float = Field(default=5.0, gt=1, le=1000)
    least_rows_ratio: float = Field(default=0.2, ge=0, lt=1)
    most_rows: int | None = Field(default=None, ge=1)
    most_bad_share: float = Field(default=0.05, ge=0, le=1)
    most_event_age_days: int = Field(default=730, ge=1, le=40_000)
    most_old_share: float = Field(default=0.2, ge=0, le=1)
    most_endings: int | None = Field(default=None, ge=0)
    most_endings_share: float | None = Field(default=None, ge=0, le=1)


class EvidenceRule(Part):
    """How reliable the feed is, and why; published with the receipts."""

    weight: float = Field(gt=0, le=1)
    justification: Annotated[str, StringConstraints(min_length=10, max_length=400)]


class Feed(Part):
    """The description of a feed."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$")]
    source: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$")]
    kind: Kind
    content: Literal["full", "delta"] = "delta"
    adverse: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")] | None = None
    national_id_format: str = "any"
    fresh_days: int = Field(default=35, ge=1, le=1000)
    file: FileForm
    columns: Columns
    dates: Dates = Dates()
    operations: Operations = Operations()
    acts: dict[str, str] = Field(default_factory=dict)
    coverage: Coverage = Coverage()
    limits: Limits = Limits()
    evidence: EvidenceRule

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        life = self.kind is Kind.LIFE_EVENTS
        if life and not self.acts:
            raise ValueError("a feed of life events needs [acts]: its words, and the acts of the policies they mean")
        if any(not _WORD.fullmatch(act) for act in self.acts.values()):
            raise ValueError("acts are small letters and '_', as the policies name them")
        if self.national_id_format not in FORMATS:
            raise ValueError(f"'national_id_format' is one of {', '.join(sorted(FORMATS))}")
        if not life and (self.acts or self.columns.act):
            raise ValueError("only a feed of life events has acts")
        if life and self.adverse:
            raise ValueError("life events are not adverse")
        if life and self.columns.act is None and len(self.acts) != 1:
            raise ValueError("without a column 'act' there must be exactly one act")
        if (self.operations.void or self.operations.correct) and self.columns.operation is None:
            raise ValueError("operations are named, but no column 'operation'")
        return self

    @property
    def adverse_kind(self) -> str | None:
        """Return the kind of the adverse records, as policies name it; None for life events."""
        return None if self.kind is Kind.LIFE_EVENTS else self.adverse or _ADVERSE[self.kind]


_ADVERSE = {
    Kind.DEATHS: "death",
    Kind.RESIDENCY: "residence_abroad",
    Kind.PRISON: "prison",
    Kind.EMIGRATION: "emigration",
    Kind.REMARRIAGE: "remarriage",
    Kind.REEMPLOYMENT: "reemployment",
    Kind.MISSING: "missing",
}


def load_feed(path: Path) -> Feed:
    """Read a description.

    Args:
        path: the TOML file.

    Returns:
        The feed.

    Raises:
        Invalid: the file is not a valid description (``feed_description``); the text names the key that is wrong.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path.name} is not a feed description: {error}", code=ErrorCode.FEED_DESCRIPTION) from error
    return parse_feed(data, path.name)


def parse_feed(data: dict[str, Any], where: str = "feed") -> Feed:
    """Build a feed from a parsed document.

    Args:
        data: the document.
        where: name of the file, for error texts.

    Returns:
        The feed.

    Raises:
        Invalid: the document is not a valid description (``feed_description``).
    """
    try:
        return Feed.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise Invalid(
            f"{where}: {key}: {first['msg']}{more}",
            hint="docs/feeds.md lists the keys of a description.",
            code=ErrorCode.FEED_DESCRIPTION,
        ) from error
