"""The registry of sources: which institution stands behind a source, who speaks for it, and what it may report.

One TOML file serves the API, the command line and the feeds. ``load_sources`` reads it, by default the shipped one::

    [institutions]
    city-hospital = "City Hospital"

    [sources.hospital-admissions]
    institution = "city-hospital"
    principals = ["https://id.fund.example|hospital-7", "feed:*"]
    kinds = ["death"]
    acts = ["hospital_stay"]
    attests = []
    templates = false              # whether it may send templates of faces that another system made
    weight = 1.0

    [officers]                     # what officers may record, each under the source "officer:NAME"
    kinds = ["death"]
    acts = []

A principal is ``ISSUER|SUBJECT`` of a token, ``feed:NAME`` of a feed, or ``operator:USER`` of the command line. A ``*``
at its end stands for every rest. Unknown keys are refused, so that a typing mistake cannot disable a rule.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from certify.domain.channels import ATTESTERS
from certify.domain.error_codes import ErrorCode
from certify.domain.sources import FUND, is_reserved
from certify.errors import Invalid, NotAllowed, Unavailable

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.\-]{0,59}$")]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]
_Principal = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^*\s]*\*?$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reports(_Part):
    """What may be reported.

    Attributes:
        kinds: kinds of adverse records.
        acts: acts of signs of life.
        weight: how reliable the source is, from 0 to 1; it scales the policy's weight of each act.
    """

    kinds: frozenset[_Word] = frozenset()
    acts: frozenset[_Word] = frozenset()
    weight: float = Field(default=1.0, gt=0, le=1)


class Source(Reports):
    """One source.

    Attributes:
        institution: the institution behind it. A stop needs two institutions.
        principals: who may speak for the source.
        attests: in which capacities its people may attest that they saw a person (a value of
            :data:`certify.domain.channels.ATTESTERS`).
        templates: whether it may send templates of faces that another system made (``certify reference import``).
    """

    institution: _Name
    principals: tuple[_Principal, ...]
    attests: frozenset[str] = frozenset()
    templates: bool = False

    @model_validator(mode="after")
    def _known_attesters(self) -> Self:
        if unknown := sorted(self.attests - ATTESTERS):
            raise ValueError(f"'attests' names {unknown}; known: {sorted(ATTESTERS)}")
        return self

    def is_spoken_for_by(self, principal: str) -> bool:
        """Tell whether a principal may speak for this source."""
        return any(
            principal.startswith(entry[:-1]) if entry.endswith("*") else principal == entry for entry in self.principals
        )


class SourceRegistry(_Part):
    """All sources, the institutions behind them, and what officers may record."""

    institutions: dict[_Name, Annotated[str, StringConstraints(min_length=1, max_length=120)]]
    sources: dict[_Name, Source]
    officers: Reports = Reports()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, source in self.sources.items():
            if is_reserved(name):
                raise ValueError(f"'{name}' is a source of the service itself")
            if source.institution not in self.institutions:
                raise ValueError(f"the institution of '{name}' is not listed in [institutions]")
            if source.institution == FUND:
                raise ValueError(f"'{FUND}' is the fund itself; '{name}' needs an institution of its own")
        return self

    def require(self, name: str, principal: str) -> Source:
        """Return a source for the principal who speaks for it.

        Args:
            name: name of the source.
            principal: who speaks.

        Returns:
            The source.

        Raises:
            Invalid: there is no such source (``source_unknown``).
            NotAllowed: the principal does not speak for it (``source_not_yours``).
        """
        source = self.sources.get(name)
        if source is None:
            raise Invalid(
                f"The source '{name}' is not known.",
                hint="An operator lists each source in the registry of sources (docs/operations.md).",
                code=ErrorCode.SOURCE_UNKNOWN,
            )
        if not source.is_spoken_for_by(principal):
            raise NotAllowed(
                f"You do not speak for the source '{name}'.",
                hint="An operator lists who speaks for a source in the registry of sources.",
                code=ErrorCode.SOURCE_NOT_YOURS,
            )
        return source


def require_reportable(name: str, rules: Reports, *, adverse: str | None = None, act: str | None = None) -> None:
    """Check that a source may report a kind of adverse record, or an act.

    Args:
        name: name of the source, for the error.
        rules: what it may report.
        adverse: the kind of adverse record, if it is one.
        act: the act, if it is a sign of life.

    Raises:
        Invalid: it may not (``source_limits``).
    """
    for word, allowed in ((adverse, rules.kinds), (act, rules.acts)):
        if word is not None and word not in allowed:
            raise Invalid(
                f"The source '{name}' may not report '{word}'.",
                hint=f"It may report: {', '.join(sorted(allowed)) or 'nothing of this sort'}.",
                code=ErrorCode.SOURCE_LIMITS,
            )


def load_sources(path: Path | None = None) -> SourceRegistry:
    """Read the registry of sources.

    Args:
        path: the TOML file; None for the shipped one, which serves development and the demo.

    Returns:
        The registry.

    Raises:
        Unavailable: the file cannot be used (``sources_file``); the text names the key that is wrong.
    """
    where = str(path) if path is not None else "the shipped sources"
    try:
        text = path.read_text("utf-8") if path else (resources.files(__package__) / "shipped.toml").read_text("utf-8")
        return parse_sources(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unavailable(
            f"The registry of sources {where} cannot be read: {error}", code=ErrorCode.SOURCES_FILE
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise Unavailable(
            f"The registry of sources {where} is not valid: {key}: {first['msg']}",
            hint="docs/operations.md lists its keys.",
            code=ErrorCode.SOURCES_FILE,
        ) from error


def parse_sources(document: Mapping[str, Any]) -> SourceRegistry:
    """Build a registry from a parsed document.

    Raises:
        ValidationError: the document is not valid.
    """
    return SourceRegistry.model_validate(document)
