"""Bodies about capture sessions and their uploads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.base import GuidanceOut, In, Out
from api.schemas.cameras import MOST_AT_ONCE, CameraIn, CameraLaterIn, FilmedIn, MotionIn


class SessionIn(In):
    """A capture session to open."""

    beneficiary_id: UUID
    channel: Literal["remote"] = "remote"
    device_id: Annotated[str, StringConstraints(min_length=16, max_length=200, pattern=r"^[\x21-\x7e]+$")] | None = (
        Field(
            default=None,
            examples=["b1946ac92492d2347c6235b4d2611184"],
            description="Drawn at random once and kept on the person's phone; stored as a keyed hash only",
        )
    )
    assisted: bool = Field(default=False, description="A helper holds the phone or assists the person")


class LiveHello(In):
    """The first message of a live capture."""

    type: Literal["hello"]
    token: str = Field(max_length=8192)
    nonce: str = Field(max_length=100)
    camera: CameraIn | None = None
    device: str | None = Field(
        default=None, max_length=200, description="The device id that the session was opened with"
    )


class LivePhone(In):
    """A later message of a live capture: what the phone says about its camera and its motion meanwhile."""

    type: Literal["phone"]
    camera: CameraLaterIn | None = None
    motion: list[MotionIn] = Field(default=[], max_length=MOST_AT_ONCE)


class StepOut(Out):
    """A prompt and when the screen shows it, in milliseconds after the first frame. Left and right are the person's.

    The movement is held until ``back_ms``, when the screen asks to come back; ``to_ms`` is the end of the window.
    """

    prompt: Literal["turn_left", "turn_right", "look_up", "come_closer", "smile", "open_mouth", "blink"]
    from_ms: int
    back_ms: int | None = None
    to_ms: int


class FlashOut(Out):
    """A colour that fills the screen from one time to another, in milliseconds after the first frame."""

    colour: str = Field(examples=["#00ffff"])
    from_ms: int
    to_ms: int


class CommandOut(Out):
    """A setting that the page asks the camera for, from one time to another, in milliseconds after the first frame."""

    kind: Literal["exposure", "zoom"]
    from_ms: int
    to_ms: int


class PlanOut(Out):
    """What a recording for one session is asked: prompts and flashes with their times, drawn by the server.

    A live capture has plans of its own, which are shown prompt by prompt (docs/live.md).
    """

    profile: Literal["standard", "gentle", "light", "doorstep"]
    steps: list[StepOut]
    flashes: list[FlashOut]
    total_ms: int
    approach: float | None = Field(
        default=None, description="How many times larger a face must become that is asked to come closer"
    )
    commands: list[CommandOut] = Field(
        default=[], description="Settings of the camera; the page gives the first one that the camera has"
    )


class SessionOut(Out):
    """A capture session. ``outcome`` and ``guidance`` are set when ``state`` is ``decided``.

    ``beneficiary_id`` and ``determinations`` are left out for a caller who only gave an id and a birth date.
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
    attempts_left: int | None = Field(
        default=None, description="If the outcome is retry: attempts that remain before a visit is offered"
    )
    guidance: list[GuidanceOut]
    certificate_number: str | None
    determinations: list[UUID]
    profile: Literal["standard", "gentle", "light", "doorstep"] | None = Field(
        description="How much the session asks of the person"
    )
    plan: PlanOut | None = Field(description="Null in sessions that are older than challenges")
    assisted: bool


class NewSession(SessionOut):
    """A new session. Only the answer to the caller who opened it shows the nonce."""

    nonce: str = Field(examples=["q83vEjRWeJCrze8SNFZ4kA"], description="16 bytes of this session, base64url")


class SessionOpened(Out):
    """A new session, and the token with which the person's own device uses this session and no other."""

    session: NewSession
    token: str = Field(description="Bearer token of the role 'pensioner', for this session only")


class UploadIn(In):
    """A video that is sent in chunks, declared before the first byte."""

    size: int = Field(ge=1, le=2**31 - 1, examples=[3_200_000], description="Bytes of the whole video")
    media_type: Literal["video/webm", "video/mp4"] = Field(description="Declared type; the content decides")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of the whole video, in hex"
    )
    camera: FilmedIn | None = None


class UploadOut(Out):
    """The progress of an upload. ``complete``: the whole video was received and checked, and the session submitted."""

    session_id: UUID
    state: Literal["open", "submitted", "decided", "expired"] = Field(description="State of the session")
    offset: int = Field(description="Byte at which the next chunk begins")
    size: int
    complete: bool
    min_chunk: int = Field(description="Least bytes of every chunk but the last")
    max_chunk: int = Field(description="Most bytes of a chunk")
    expires_at: datetime
