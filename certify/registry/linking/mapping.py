r"""The mapping of an evaluation: a TOML file that names the columns of two files and the truth about their rows.

    [left]                    # and [right], unless its columns are the same
    key = "rec_id"
    id = "soc_sec_id"
    name = ["given_name", "surname"]
    birth = "date_of_birth"
    extra = ["suburb"]
    id_format = "any"

    [truth]                   # one of two ways
    left = "person"           # columns of the truth file: keys of both sides, and the kind of the record's error
    right = "record_id"
    error = "error"
    same = 'rec-(?P<same>\d+)-'   # or: rows are one person if this part of their keys is the same

    [link]                    # see certify.registry.linking.Parameters
    one_to_one = true

Unknown keys are refused. Without such a file, columns are recognised by usual names.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.parameters import REVIEW_DUPLICATES, Parameters
from certify.registry.normalise import Layout

_USUAL = {
    "key": ("key", "person", "record_id", "rec_id", "unique_id", "id"),
    "id": ("national_id", "soc_sec_id"),
    "birth": ("birth_date", "date_of_birth", "dob"),
    "sex": ("sex", "gender"),
    "region": ("region", "state"),
    "error": ("error",),
}
"""Usual names of columns, tried in this order, for files without a mapping."""
_NAMES = (("name",), ("full_name",), ("given_name", "surname"), ("first_name", "surname"), ("first_name", "last_name"))


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Side(_Part):
    """The columns of one file, as ``normalise.Layout`` has them."""

    key: str
    id: str | None = None
    name: tuple[str, ...] = ()
    birth: str | None = None
    sex: str | None = None
    region: str | None = None
    extra: tuple[str, ...] = ()
    id_format: str = "any"
    id_text: str | None = None
    id_holds_birth: bool | None = None
    date_order: str = "dmy"
    era: str = "gregorian"

    def layout(self) -> Layout:
        """Return the layout.

        Returns:
            The layout of this side.

        Raises:
            Invalid: the format, order or era is unknown (``layout``).
        """
        return Layout(**self.model_dump())


class Truth(_Part):
    """The truth about which rows are one person: columns of a file, or a part of both keys."""

    left: str | None = None
    right: str | None = None
    error: str | None = None
    same: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.same is None) == (self.left is None or self.right is None):
            raise ValueError("name either the columns 'left' and 'right' of the truth file, or the pattern 'same'")
        if self.same is not None:
            try:
                groups = set(re.compile(self.same).groupindex)
            except re.error as error:
                raise ValueError(f"'same' is not a regular expression: {error}") from error
            if groups != {"same"}:
                raise ValueError("'same' needs one group with the name 'same', such as 'rec-(?P<same>[0-9]+)-'")
        return self


class Link(_Part):
    """Settings that differ from the defaults of ``Parameters``."""

    accept: float | None = None
    review: float | None = None
    margin: float | None = Field(default=None, ge=0)
    coincidence: float | None = Field(default=None, gt=0)
    one_to_one: bool | None = None
    seed: int | None = None
    sample: int | None = Field(default=None, ge=1)


class Mapping(_Part):
    """The whole mapping file."""

    left: Side
    right: Side | None = None
    truth: Truth
    link: Link = Link()

    def layouts(self) -> tuple[Layout, Layout]:
        """Return the layouts of both sides."""
        return self.left.layout(), (self.right or self.left).layout()

    def parameters(self, *, deduplicate: bool) -> Parameters:
        """Return the settings, with defaults for those that are not given."""
        usual = Parameters(deduplicate=True, review=REVIEW_DUPLICATES) if deduplicate else Parameters()
        return replace(usual, **self.link.model_dump(exclude_none=True))


def load_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Args:
        path: the TOML file.

    Returns:
        The mapping.

    Raises:
        Invalid: the file is not a valid mapping (``mapping``); the text names the key that is wrong.
    """
    try:
        return Mapping.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"{path} cannot be read as TOML: {error}.", code=ErrorCode.MAPPING) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Invalid(
            f"{path}: {where}: {first['msg']}.", hint="docs/linkage.md shows a mapping.", code=ErrorCode.MAPPING
        ) from error


def usual_mapping(left: list[str], right: list[str], truth: list[str], *, id_format: str = "any") -> Mapping:
    """Make a mapping by usual names of columns; the truth file names keys like the two files.

    Args:
        left: columns of the left file.
        right: columns of the right file.
        truth: columns of the truth file.
        id_format: one of ``normalise.ids.FORMATS``.

    Returns:
        The mapping.

    Raises:
        Invalid: no column is known as a key, or the truth file lacks a key (``mapping``).
    """
    sides = [_side(columns, id_format) for columns in (left, right)]
    keys = [side.key for side in sides]
    if missing := [key for key in keys if key not in truth]:
        raise Invalid(
            f"The truth file has no column '{missing[0]}'.",
            hint=f"It has: {', '.join(truth)}. Describe the files with --layout.",
            code=ErrorCode.MAPPING,
        )
    error = next((name for name in _USUAL["error"] if name in truth), None)
    return Mapping(left=sides[0], right=sides[1], truth=Truth(left=keys[0], right=keys[1], error=error))


def _side(columns: list[str], id_format: str) -> Side:
    known = {ours: next((n for n in names if n in columns), None) for ours, names in _USUAL.items() if ours != "error"}
    key = known.pop("key")
    if key is None:
        raise Invalid(
            f"No column is known to name the rows. The columns are: {', '.join(columns)}.",
            hint="Describe the files with --layout.",
            code=ErrorCode.MAPPING,
        )
    name = next((names for names in _NAMES if set(names) <= set(columns)), ())
    return Side(key=key, name=name, id_format=id_format, **known)
