"""Bodies about capture sessions and their uploads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.base import GuidanceOut, In, Out


class SessionIn(In):
    """A capture session to open."""

    beneficiary_id: UUID
    channel: Literal["remote", "doorstep"] = "remote"
    device_id: Annotated[str, StringConstraints(min_length=16, max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = (
        Field(
            default=None,
            examples=["b1946ac92492d2347c6235b4d2611184"],
            description="Chosen once by chance and kept on the person's phone; stored as a keyed hash only",
        )
    )
    assisted: bool = Field(default=False, description="Somebody helps the person")


class CameraIn(In):
    """What a phone says of its camera; kept with the session, for whoever looks into a doubtful one."""

    label: str | None = Field(default=None, max_length=200, examples=["camera2 1, facing front"])
    facing: Literal["user", "environment"] | None = None
    width: int | None = Field(default=None, ge=1, le=16_384)
    height: int | None = Field(default=None, ge=1, le=16_384)
    frame_rate: float | None = Field(default=None, gt=0, le=1000)


class LiveHello(In):
    """The first message of a live capture."""

    type: Literal["hello"]
    token: str = Field(max_length=8192)
    nonce: str = Field(max_length=100)
    camera: CameraIn | None = None
    device: str | None = Field(default=None, max_length=200, description="As said when the session was opened")


class StepOut(Out):
    """A prompt and when it stands on the screen, in milliseconds after the first frame. Left and right are one's."""

    prompt: Literal["turn_left", "turn_right", "look_up", "come_closer", "smile", "open_mouth", "blink"]
    from_ms: int
    to_ms: int


class FlashOut(Out):
    """A colour that fills the screen for a while."""

    colour: str = Field(examples=["#00ffff"])
    from_ms: int
    to_ms: int


class PlanOut(Out):
    """What this session asks, in this order and at these times. Drawn by the server, for this session only."""

    profile: Literal["standard", "gentle", "light", "doorstep"]
    steps: list[StepOut]
    flashes: list[FlashOut]
    total_ms: int


class SessionOut(Out):
    """A capture session. ``outcome`` and ``guidance`` are there once ``state`` is ``decided``.

    ``beneficiary_id`` and ``determinations`` are left out towards somebody who only gave an id and a birth date.
    """

    id: UUID
    beneficiary_id: UUID | None
    channel: str
    state: Literal["open", "submitted", "decided", "expired"]
    created_at: datetime
    expires_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    outcome: Literal["certified", "retry", "review", "other_path", "doorstep"] | None
    attempts_left: int | None = Field(default=None, description="Before a visit is offered, when the outcome is retry")
    guidance: list[GuidanceOut]
    certificate_number: str | None
    determinations: list[UUID]
    profile: Literal["standard", "gentle", "light", "doorstep"] | None = Field(description="How much is asked")
    plan: PlanOut | None = Field(description="None in sessions from before there were challenges")
    assisted: bool


class NewSession(SessionOut):
    """A session as it is shown once, to whoever opened it."""

    nonce: str = Field(examples=["q83vEjRWeJCrze8SNFZ4kA"], description="16 bytes of this session, base64url")


class SessionOpened(Out):
    """A new session with the token that opens it, and only it, to the person's own device."""

    session: NewSession
    token: str = Field(description="Bearer token of the role 'pensioner', for this session only")


class UploadIn(In):
    """A video to send in chunks, as declared before its first byte."""

    size: int = Field(ge=1, le=2**31 - 1, examples=[3_200_000], description="Bytes of the whole")
    media_type: Literal["video/webm", "video/mp4"] = Field(description="What it is. Its content decides in the end")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the whole, in hex")
    camera: CameraIn | None = None


class UploadOut(Out):
    """How far an upload got. ``complete`` once the whole has arrived, was checked, and the session is submitted."""

    session_id: UUID
    state: Literal["open", "submitted", "decided", "expired"] = Field(description="Of the session")
    offset: int = Field(description="Where the next chunk begins")
    size: int
    complete: bool
    min_chunk: int = Field(description="Bytes that every chunk but the last has at least")
    max_chunk: int
    expires_at: datetime
