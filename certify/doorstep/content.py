"""What a tablet seals of a visit: what the agent entered, and photos or a video. Written by a device, so never trusted.

``length of the entries (4 bytes, big endian) · entries (JSON) · parts``, the parts as long as the entries say.
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
"""Version of the words that the agent signs (api/web/tablet/locales, key ``statement.text``)."""

_MAX_ENTRIES = 64_000
_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")]


class Result(StrEnum):
    """What came of a visit."""

    FACE = "face"  # the person was photographed or filmed
    WITNESSES = "witnesses"  # no face possible: two witnesses saw the person
    MEDICAL = "medical"  # no face possible: a medical attestation says so
    NOT_FOUND = "not_found"
    DECEASED = "deceased"
    MOVED = "moved"
    REFUSED = "refused"


ATTESTED = frozenset({Result.WITNESSES, Result.MEDICAL})
"""Results that say somebody is alive without anything that a machine can measure."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StampIn(_Model):
    """A reading of the tablet's clocks; see ``certify.doorstep.clock.Stamp``."""

    wall_ms: float = Field(ge=0, le=1e14, allow_inf_nan=False)
    steady_ms: float = Field(ge=0, le=1e12, allow_inf_nan=False)
    page: Annotated[str, StringConstraints(min_length=8, max_length=64)]

    def stamp(self) -> Stamp:
        """Return it as the clock's judge takes it."""
        return Stamp(self.wall_ms, self.steady_ms, self.page)


class Clocks(_Model):
    """The last time that the service signed, and the tablet's clocks then and at the visit."""

    anchor: Annotated[str, StringConstraints(max_length=100)]
    anchored: StampIn
    began: StampIn
    sealed: StampIn


class Who(_Model):
    """Who was visited: whom the plan names, or a card number or letter when the person was not in it.

    ``how`` is how the agent knew the person.
    """

    beneficiary: UUID | None = None
    card_number: _Line | None = None
    letter: Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9_\-]+$")] | None = None
    how: Literal["card", "name", "letter"]


class Place(_Model):
    """Where the tablet was, as it says (WGS 84), and within how many metres."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    accuracy_m: float = Field(ge=0, le=1e7, allow_inf_nan=False)


class Witness(_Model):
    """Somebody who saw the person alive with the agent."""

    name: _Line
    relation: _Line


class Slot(_Model):
    """A reader that a fund may attach. What it said is kept as it was said; this release assesses none of it."""

    kind: Literal["fingerprint", "card_reader"]
    declared: _Line


class Death(_Model):
    """Who told the agent that the person is dead, and when that was."""

    informant: _Line
    relation: _Line
    died_on: date | None = None


class PartIn(_Model):
    """One file of the bundle, in the order in which they lie there."""

    kind: Literal["photo", "video", "medical", "document"]
    size: int = Field(gt=0, le=6_000_000)


class Entries(_Model):
    """Everything the agent entered."""

    result: Result
    who: Who
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
        if self.result is Result.FACE and not (1 <= kinds.count("photo") <= MAX_PHOTOS or kinds.count("video") == 1):
            raise ValueError("a face needs one to five photos, or one video")
        if "photo" in kinds and "video" in kinds:
            raise ValueError("photos or a video, not both")
        if self.result is Result.FACE and not self.consent:
            raise ValueError("nobody is recognised by the face without their consent")
        if self.result is Result.WITNESSES and len(self.witnesses) < 2:
            raise ValueError("two witnesses are needed")
        if self.result is Result.MEDICAL and "medical" not in kinds:
            raise ValueError("a photo of the medical attestation is needed")
        if self.result in ATTESTED and not self.why_no_face:
            raise ValueError("why there is no face must be said")
        if self.result is Result.DECEASED and (self.death is None or "document" not in kinds):
            raise ValueError("a death needs an informant and a photo of a document")
        return self


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a visit."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What was sealed."""

    entries: Entries
    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what came out of a bundle. Raises Invalid (``visit_incomplete``), naming the fields and no values."""
        length = int.from_bytes(data[:4])
        if length > _MAX_ENTRIES or len(data) < 4 + length:
            raise _incomplete("its length")
        try:
            entries = Entries.model_validate_json(data[4 : 4 + length])
        except ValidationError as error:
            wrong = {".".join(map(str, found["loc"])) or str(found["msg"]) for found in error.errors()}
            raise _incomplete(", ".join(sorted(wrong)[:8])) from error
        parts, start = [], 4 + length
        for part in entries.parts:
            parts.append(Part(part.kind, data[start : start + part.size]))
            start += part.size
        if start != len(data):
            raise _incomplete("the sizes of its files")
        return cls(entries, tuple(parts))

    def of(self, kind: str) -> list[bytes]:
        """Return the files of a kind."""
        return [part.data for part in self.parts if part.kind == kind]


def _incomplete(what: str) -> Invalid:
    return Invalid(f"The visit is not complete: {what}.", code=ErrorCode.VISIT_INCOMPLETE)
