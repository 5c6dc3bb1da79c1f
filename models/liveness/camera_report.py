"""What a phone says about its camera and itself, as it is stored with a capture. The phone can lie about all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Range = tuple[float | None, float | None]
"""The least and the largest value of a setting; None for an end that was not said."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the camera is able to do, as the browser says (``MediaStreamTrack.getCapabilities``).

    Attributes:
        width: pixels.
        height: pixels.
        frame_rate: frames a second.
        zoom: factors.
        exposure: compensation in EV.
        torch: whether it has a light.
        facing: the sides that it may film.
    """

    width: Range | None = None
    height: Range | None = None
    frame_rate: Range | None = None
    zoom: Range | None = None
    exposure: Range | None = None
    torch: bool = False
    facing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraReport:
    """The statements of one capture; None for what was not said, as by apps of earlier releases.

    Attributes:
        label: the camera's name.
        last_label: its name at the end of the capture.
        facing: the side that it films.
        width: stated width in pixels.
        height: stated height in pixels.
        frame_rate: stated frames a second.
        first: what the camera was able to do at the beginning.
        last: the same at the end.
        shown_width: width of the picture that the page got, in pixels.
        shown_height: its height.
        shown_rate: new pictures a second that the page got.
        has_device_id: whether the browser named the device of the camera.
        drawn: whether the pictures come from a canvas or a script of the page.
        replaced: whether the browser's own function that opens cameras was replaced.
        phone: whether the browser says that it runs on a phone.
        touch_points: fingers that the screen notices at once.
    """

    label: str | None = None
    last_label: str | None = None
    facing: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    first: Abilities | None = None
    last: Abilities | None = None
    shown_width: int | None = None
    shown_height: int | None = None
    shown_rate: float | None = None
    has_device_id: bool | None = None
    drawn: bool | None = None
    replaced: bool | None = None
    phone: bool | None = None
    touch_points: int | None = None

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> CameraReport:
        """Read what is stored with a session (``CameraIn`` in api/schemas/cameras.py); older reports say less."""
        plain = {name: said.get(name) for name in _PLAIN}
        return cls(**plain, first=_abilities(said.get("first")), last=_abilities(said.get("last")))


_PLAIN = (
    *("label", "last_label", "facing", "width", "height", "frame_rate", "shown_width", "shown_height", "shown_rate"),
    *("has_device_id", "drawn", "replaced", "phone", "touch_points"),
)
_RANGES = ("width", "height", "frame_rate", "zoom", "exposure")


def _abilities(said: Mapping[str, Any] | None) -> Abilities | None:
    if said is None:
        return None
    ranges = {name: None if said.get(name) is None else _range(said[name]) for name in _RANGES}
    return Abilities(**ranges, torch=bool(said.get("torch")), facing=tuple(said.get("facing") or ()))


def _range(said: Mapping[str, Any]) -> Range:
    return said.get("min"), said.get("max")
