"""The challenge plan of a capture session: prompts with their time windows, and colours that the screen shows.

The server draws the plan (certify/capture/challenge.py). Here it is plain data; the checks compare it with the capture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

TAKES = 2
"""How often a live capture is recorded at most: once more after a missed prompt or a lost face. Each take has a plan of
its own, and each is a chance for a recording; docs/liveness.md counts them."""


class Prompt(StrEnum):
    """One movement that the person is asked for. Left and right are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    COME_CLOSER = "come_closer"
    SMILE = "smile"
    OPEN_MOUTH = "open_mouth"
    BLINK = "blink"


class Profile(StrEnum):
    """How much is asked of a person."""

    STANDARD = "standard"
    GENTLE = "gentle"  # almost no movement: for people who cannot blink on command, hear, or move much
    LIGHT = "light"  # the screen also flashes colours, whose reflection on the skin is checked
    DOORSTEP = "doorstep"  # an agent films; the person need not do anything


@dataclass(frozen=True, slots=True)
class Step:
    """A prompt and its moments on the screen, in seconds after the first frame.

    Attributes:
        prompt: what is asked, and held until it is asked back.
        from_s: when it is shown.
        to_s: end of the window; by then the face is back.
        back_s: when the screen asks to come back; None if it does not (plans of earlier releases).
    """

    prompt: Prompt
    from_s: float
    to_s: float
    back_s: float | None = None

    @property
    def latest_s(self) -> float:
        """Return the latest moment at which something is asked."""
        return self.from_s if self.back_s is None else self.back_s


@dataclass(frozen=True, slots=True)
class Flash:
    """A colour that fills the screen for a while.

    Attributes:
        red: 0-255.
        green: 0-255.
        blue: 0-255.
        from_s: seconds after the first frame.
        to_s: end, likewise.
    """

    red: int
    green: int
    blue: int
    from_s: float
    to_s: float


class CommandKind(StrEnum):
    """What the page asks of the camera for a moment."""

    EXPOSURE = "exposure"  # less light: the whole picture darkens
    ZOOM = "zoom"


@dataclass(frozen=True, slots=True)
class Command:
    """A setting that the page asks the camera for, and takes back.

    Attributes:
        kind: which setting.
        from_s: seconds after the first frame.
        to_s: end, likewise.
    """

    kind: CommandKind
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a session asks of the person.

    Attributes:
        profile: how much is asked.
        steps: prompts in their order; their windows do not overlap.
        flashes: colours in their order; empty except in the profile ``light``.
        seconds: how long the capture takes at most.
        approach: how many times larger a face must become that is asked to come closer, so that its perspective can be
            judged; None in plans that do not ask for it (also those of earlier releases).
        commands: what the page asks of the camera, in drawn order: it gives the first one that the camera has.
    """

    profile: Profile
    steps: tuple[Step, ...]
    flashes: tuple[Flash, ...]
    seconds: float
    approach: float | None = None
    commands: tuple[Command, ...] = ()

    def shown(self, moments: Sequence[tuple[float | None, float | None]]) -> Plan:
        """Return the plan as it was shown, by a clock that the phone does not set.

        Args:
            moments: for each step, when its prompt was shown and when the person was asked back, in seconds after the
                first frame; None for what was not shown. Nothing counts as shown before its time.
        """
        steps = []
        for step, (from_s, back_s) in zip(self.steps, moments, strict=True):
            late = 0.0 if step.back_s is None or back_s is None else max(0.0, back_s - step.back_s)
            steps.append(
                Step(
                    step.prompt,
                    step.from_s if from_s is None else max(step.from_s, from_s),
                    step.to_s + late,
                    None if step.back_s is None else step.back_s + late,
                )
            )
        return replace(self, steps=tuple(steps))

    def to_json(self) -> dict[str, Any]:
        """Return plain data for storage and for the phone, with times in whole milliseconds."""
        return {
            "profile": self.profile.value,
            "steps": [
                {"prompt": step.prompt.value, "from_ms": _ms(step.from_s), "to_ms": _ms(step.to_s)}
                | ({} if step.back_s is None else {"back_ms": _ms(step.back_s)})
                for step in self.steps
            ],
            "flashes": [
                {
                    "colour": f"#{flash.red:02x}{flash.green:02x}{flash.blue:02x}",
                    "from_ms": _ms(flash.from_s),
                    "to_ms": _ms(flash.to_s),
                }
                for flash in self.flashes
            ],
            "total_ms": _ms(self.seconds),
            "approach": self.approach,
            "commands": [
                {"kind": command.kind.value, "from_ms": _ms(command.from_s), "to_ms": _ms(command.to_s)}
                for command in self.commands
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Read what :meth:`to_json` returned.

        Raises:
            KeyError: an entry is missing.
            ValueError: an entry has an unknown value.
        """
        return cls(
            Profile(data["profile"]),
            tuple(_step(step) for step in data["steps"]),
            tuple(_flash(f["colour"], f["from_ms"] / 1000, f["to_ms"] / 1000) for f in data["flashes"]),
            data["total_ms"] / 1000,
            data.get("approach"),
            tuple(
                Command(CommandKind(c["kind"]), c["from_ms"] / 1000, c["to_ms"] / 1000)
                for c in data.get("commands") or ()
            ),
        )


def _step(data: dict[str, Any]) -> Step:
    back = data.get("back_ms")
    return Step(
        Prompt(data["prompt"]), data["from_ms"] / 1000, data["to_ms"] / 1000, None if back is None else back / 1000
    )


def _flash(colour: str, from_s: float, to_s: float) -> Flash:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return Flash(red, green, blue, from_s, to_s)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
