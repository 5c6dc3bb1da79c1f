"""The content of a sealed visit: what the agent entered, and photos or a video. A tablet wrote it, so all is checked.

``length of the entries (4 bytes, big endian) · entries (JSON) · parts``; the entries give the length of each part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from certify.domain.error_codes import ErrorCode
from certify.doorstep.clock import Stamp
from certify.errors import Invalid

MAX_PHOTOS = 5
STATEMENT = "2026-11"
"""Version of the statement that the agent signs (api/web/tablet/locales, key ``statement.text``)."""

_MAX_ENTRIES = 64_000
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]


class VisitResult(StrEnum):
    """The result of a visit."""

    FACE = "face"  # the person was photographed or filmed
    WITNESSES = "witnesses"  # no face possible: two witnesses saw the person
    MEDICAL = "medical"  # no face possible: a medical attestation says so
    NOT_FOUND = "not_found"
    DECEASED = "deceased"
    MOVED = "moved"
    REFUSED = "refused"


ATTESTED = frozenset({VisitResult.WITNESSES, VisitResult.MEDICAL})
"""Results that attest that the person is alive, without anything that the face models can measure."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StampIn(_Model):
    """A reading of the tablet's clocks, as it was sent (``certify.doorstep.clock.Stamp``)."""

    wall_ms: float = Field(ge=0, le=1e14, allow_inf_nan=False)
    steady_ms: float = Field(ge=0, le=1e12, allow_inf_nan=False)
    page: Annotated[str, StringConstraints(min_length=8, max_length=64)]

    def stamp(self) -> Stamp:
        """Return the reading as ``judge_clock`` takes it."""
        return Stamp(self.wall_ms, self.steady_ms, self.page)


class Clocks(_Model):
    """The last time that the service signed, and the tablet's clocks at that moment and at the visit."""

    anchor: Annotated[str, StringConstraints(max_length=100)]
    anchored: StampIn
    began: StampIn
    sealed: StampIn


class VisitedPerson(_Model):
    """The person who was visited, and ``how`` the agent identified them.

    The plan gives the id. For a visit outside the plan there is a card number, or the code of a letter.
    """

    beneficiary: UUID | None = None
    card_number: _Line | None = None
    letter: Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_\-]+$")] | None = None
    how: Literal["card", "name", "letter"]


class Place(_Model):
    """Where the tablet reports that it was: degrees (WGS 84), and the accuracy in metres."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    accuracy_m: float = Field(ge=0, le=1e7, allow_inf_nan=False)


class Witness(_Model):
    """A person who saw the beneficiary alive, together with the agent."""

    name: _Line
    relation: _Line


class Slot(_Model):
    """The output of a reader that a fund attached to the tablet. It is stored unchanged and not assessed yet."""

    kind: Literal["fingerprint", "card_reader"]
    declared: _Line


class Death(_Model):
    """Who told the agent that the beneficiary is dead, and the day of death if it is known."""

    informant: _Line
    relation: _Line
    died_on: date | None = None


class PartIn(_Model):
    """Kind and length in bytes of one file; the list has the order of the files."""

    kind: Literal["photo", "video", "medical", "document"]
    size: int = Field(gt=0, le=6_000_000)


class Entries(_Model):
    """Everything that the agent entered."""

    result: VisitResult
    who: VisitedPerson
    clocks: Clocks
    place: Place | None = None
    consent: bool = False
    agent_shown: bool = False
    witnesses: list[Witness] = Field(default_factory=list, max_length=4)
    slots: list[Slot] = Field(default_factory=list, max_length=4)
    why_no_face: _Note = ""
    death: Death | None = None
    moved_to: _Note = ""
    note: _Note = ""
    statement: Literal["2026-11"]
    language: Annotated[str, StringConstraints(max_length=20)] = "en"
    app: Annotated[str, StringConstraints(max_length=40)] = ""
    parts: list[PartIn] = Field(default_factory=list, max_length=MAX_PHOTOS + 2)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        kinds = [part.kind for part in self.parts]
        photos, videos = kinds.count("photo"), kinds.count("video")
        if self.result is VisitResult.FACE and not (photos or videos):
            raise ValueError("a face needs photos or a video")
        if photos > MAX_PHOTOS or videos > 1:
            raise ValueError("five photos and one video at most")
        if self.result is VisitResult.FACE and not self.consent:
            raise ValueError("a face is compared only with the person's consent")
        if self.result is VisitResult.WITNESSES and len(self.witnesses) < 2:
            raise ValueError("two witnesses are needed")
        if self.result is VisitResult.MEDICAL and "medical" not in kinds:
            raise ValueError("a photo of the medical attestation is needed")
        if self.result in ATTESTED and not self.why_no_face:
            raise ValueError("the reason why there is no face is needed")
        if self.result is VisitResult.DECEASED and (self.death is None or "document" not in kinds):
            raise ValueError("a death needs an informant and a photo of a document")
        return self


@dataclass(frozen=True, slots=True)
class BundlePart:
    """One file of a visit; ``kind`` as in ``PartIn``."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """The clear content of a bundle."""

    entries: Entries
    parts: tuple[BundlePart, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse the decrypted bytes of a bundle.

        Args:
            data: the decrypted bytes.

        Returns:
            The checked content.

        Raises:
            Invalid: something is missing or wrong (``visit_incomplete``). The message names the fields, never values.
        """
        length = int.from_bytes(data[:4])
        if length > _MAX_ENTRIES or len(data) < 4 + length:
            raise _incomplete("its length")
        try:
            entries = Entries.model_validate_json(data[4 : 4 + length])
        except ValidationError as error:
            wrong = {".".join(map(str, one["loc"])) or str(one["msg"]) for one in error.errors()}
            raise _incomplete(", ".join(sorted(wrong)[:8])) from error
        parts, start = [], 4 + length
        for part in entries.parts:
            parts.append(BundlePart(part.kind, data[start : start + part.size]))
            start += part.size
        if start != len(data):
            raise _incomplete("the sizes of its files")
        return cls(entries, tuple(parts))

    def of(self, kind: str) -> list[bytes]:
        """Return the bytes of all files of a kind, in their order."""
        return [part.data for part in self.parts if part.kind == kind]


def _incomplete(what: str) -> Invalid:
    return Invalid(f"The visit is not complete: {what}.", code=ErrorCode.VISIT_INCOMPLETE)
