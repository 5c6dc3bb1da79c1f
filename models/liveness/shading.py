"""Judge whether the flashed light has the shading of a real light, by what each region of the picture reflects.

The response of a region is the share by which it brightens for a full colour of the screen: the screen's light there
relative to the light of the room, so that the tone of skin, beard or cloth cancels. For a screen before a face it is
largest where the skin faces the screen, small on the sides of the head, whose slope turns away from it (Lambert), and
the body responds about as the face. A program that multiplies the picture with a colour, or blends a colour over it,
makes the sides respond as the front, or more. A tint of the face alone leaves the body as it was.

The room decides what can be seen: if its own light comes from straight ahead, as from a window behind the phone, a real
screen's light has the same shading as the room's. Then nothing is said, and the person is asked to turn away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.liveness.readings import Detail
from models.liveness.regions import FRONT, NAMES, PARTS, SIDES, facing

Response = Callable[[NDArray[np.float64], NDArray[np.float64], float], tuple[float, float]]
"""Returns the response of a region to the drawn colours and its standard error, from the colours of all frames [n,3].
The colours of another region, taken a given number of times, are removed first."""

# Measured with the simulated lights of bench/live_driven.py; docs/liveness.md has the table.
SHADED = 0.85
"""Response of the sides, relative to the front, below which a light has the shading of a real one."""
UNLIT = 0.12
"""Response of the body, relative to the face, below which only the face is lit."""
SURE = 1.0
"""Standard errors by which a ratio must differ from these limits."""
_CLEAR = 4.0
"""The response of the front, in standard errors, from which regions are compared."""
_DARK = 12.0
"""Grey level below which a region reflects too little to be measured."""
_TURNED_AWAY = 0.6
"""Largest facing of a side, relative to the front: in a head that is turned, one side faces the camera."""


@dataclass(frozen=True, slots=True)
class Shading:
    """What the regions show.

    Attributes:
        sides: response of the sides relative to the front; None if it cannot be measured well enough.
        sides_error: its standard error.
        body: response of the body relative to the face; None likewise.
        body_error: its standard error.
    """

    sides: float | None
    sides_error: float | None
    body: float | None
    body_error: float | None

    @property
    def verdict(self) -> str:
        """Return ``real``, ``even``, ``face_only`` or ``unclear``."""
        if self.body is not None and self.body_error is not None and self.body + SURE * self.body_error < UNLIT:
            return "face_only"
        if self.sides is None or self.sides_error is None:
            return "unclear"
        if self.sides + SURE * self.sides_error < SHADED:
            return "real"
        return "even" if self.sides - SURE * self.sides_error > SHADED else "unclear"


def shading(seen: Sequence[Detail], response: Response) -> Shading:
    """Compare the regions of a face that was lit by drawn colours.

    Args:
        seen: the frames of the flashes.
        response: measures one region.
    """
    regions = [(detail.regions, detail.mesh) for detail in seen if detail.regions is not None]
    if len(regions) != len(seen) or not regions:
        return Shading(None, None, None, None)
    colours = np.stack([values for values, _ in regions])
    slopes = dict(zip(PARTS, facing([mesh for _, mesh in regions if mesh is not None]), strict=True))
    straight = float(np.mean([slopes[name] for name in FRONT]))
    front = _together(colours, FRONT)
    sides = _together(colours, [name for name in SIDES if slopes[name] <= _TURNED_AWAY * straight])
    return Shading(*_ratio(sides, front, response), *_ratio(_together(colours, ("body",)), front, response))


def _together(colours: NDArray[np.float64], names: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the geometric mean of the regions that can be measured, for each frame [n,3]; None if there are none."""
    rows = [colours[:, NAMES.index(name)] for name in names]
    usable = [
        np.log(row)
        for row in rows
        if bool(np.isfinite(row).all()) and float(row.mean(0).min()) >= _DARK and float(row.min()) > 1
    ]
    return np.exp(np.mean(usable, 0)) if usable else None


def _ratio(
    region: NDArray[np.float64] | None, front: NDArray[np.float64] | None, response: Response
) -> tuple[float | None, float | None]:
    """Return the response of a region relative to the front, and its standard error.

    What changes both alike, as a camera's exposure does, is not part of the error.
    """
    if region is None or front is None:
        return None, None
    gain, error = response(front, front, 0.0)
    if gain < _CLEAR * error:
        return None, None
    ratio = response(region, front, 0.0)[0] / gain
    return ratio, response(region, front, ratio)[1] / gain
