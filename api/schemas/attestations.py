"""Bodies of attestations: an institution says that one of its people saw the person."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from api.schemas.base import Code, In, Out
from api.schemas.decisions import SourceName

_Place = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f<>]+$")
]


class AttestationIn(In):
    """Who saw the person, when, where, and on which document."""

    source: SourceName = Field(examples=["consulates"], description="One of the sources that your token names")
    record_id: Code = Field(examples=["A-2026-000117"], description="The source's own number for the attestation")
    capacity: Literal["consulate", "bank", "post", "notary", "doctor"] = Field(examples=["consulate"])
    seen_at: AwareDatetime = Field(examples=["2026-10-02T10:30:00-03:00"])
    seen_by: Code = Field(examples=["K-204"], description="The institution's own mark of the person who saw them")
    place: _Place = Field(examples=["São Paulo"])
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(examples=["BR"])
    document: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")] = Field(
        examples=["passport"], description="Kind of the document that was checked, never its number"
    )


class AttestationOut(Out):
    """The stored attestation. Whether it proves life is told to the fund and to the person, not to the institution."""

    evidence_id: str
