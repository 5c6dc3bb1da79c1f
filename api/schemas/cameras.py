"""Bodies about the camera and the motion of a phone. Everything is bounded; it can only count against a capture."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import In

MOST_AT_ONCE = 200
"""Samples of the motion sensor in one message of a live capture: ten seconds of the page's 20 a second."""
MOST_IN_ALL = 1000
"""Samples of one capture: 50 s; a film has 20 s, and in a live capture the seconds before it are sent too."""

Amount = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
Turn = Annotated[float, Field(ge=-2000, le=2000, allow_inf_nan=False)]
"""Degrees a second; sensors of phones end at 2000."""
MotionIn = tuple[Annotated[int, Field(ge=0, le=2**32 - 1)], Turn, Turn, Turn]
"""Milliseconds of the clock of the frames, and the speed of turning about three axes of the phone."""


class RangeIn(In):
    """The least and the largest value of a setting."""

    min: Amount | None = None
    max: Amount | None = None


class AbilitiesIn(In):
    """What the browser says that the camera is able to do."""

    width: RangeIn | None = None
    height: RangeIn | None = None
    frame_rate: RangeIn | None = None
    zoom: RangeIn | None = None
    exposure: RangeIn | None = None
    torch: bool = False
    facing: list[Literal["user", "environment", "left", "right"]] = Field(default=[], max_length=4)


class CameraLaterIn(In):
    """What can be said during a capture or at its end only."""

    last: AbilitiesIn | None = Field(default=None, description="The same as `first`, at the end of the capture")
    last_label: str | None = Field(default=None, max_length=200, description="The camera's name at the end")
    shown_width: int | None = Field(default=None, ge=1, le=16_384, description="Of the picture that the page got")
    shown_height: int | None = Field(default=None, ge=1, le=16_384)
    shown_rate: float | None = Field(default=None, ge=0, le=1000, description="Pictures a second that the page got")


class CameraIn(CameraLaterIn):
    """The phone's report about its camera. It is kept with the session, and can only count against a capture."""

    label: str | None = Field(default=None, max_length=200, examples=["camera2 1, facing front"])
    facing: Literal["user", "environment"] | None = None
    width: int | None = Field(default=None, ge=1, le=16_384)
    height: int | None = Field(default=None, ge=1, le=16_384)
    frame_rate: float | None = Field(default=None, gt=0, le=1000)
    can: list[Literal["exposure", "zoom"]] = Field(
        default=[], max_length=4, description="Commands of the plan that the camera can carry out"
    )
    first: AbilitiesIn | None = Field(default=None, description="What the camera is able to do, at the beginning")
    has_device_id: bool | None = Field(default=None, description="Whether the browser named a device; not which")
    drawn: bool | None = Field(default=None, description="Whether a script draws the pictures")
    replaced: bool | None = Field(default=None, description="Whether a script replaced the function for cameras")
    phone: bool | None = Field(default=None, description="Whether the browser says that it runs on a phone")
    touch_points: int | None = Field(default=None, ge=0, le=256)


class FilmedIn(CameraIn):
    """The report about the camera of a recording, with the motion of the phone while it was made."""

    motion: list[MotionIn] = Field(
        default=[], max_length=MOST_IN_ALL, description="Milliseconds after the first frame, and three speeds"
    )
