"""How much a capture session asks of a person: less of people who can do little, more where fraud is likelier.

Needs, age and earlier failures decide what a person *can* do. Nothing overrides them: a prompt that a need forbids is
never asked for, whatever the risk. Within that limit, risk decides how much is asked, and more risk never asks for
less. Property tests check both. If risk cannot be answered by asking more, a reason says so.

The words for profiles and prompts are those of ``models.liveness.plan``. The domain imports nothing, so they are
repeated here, and a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

STANDARD, GENTLE, LIGHT, DOORSTEP = "standard", "gentle", "light", "doorstep"

TURN_LEFT, TURN_RIGHT, LOOK_UP = "turn_left", "turn_right", "look_up"
COME_CLOSER, SMILE, OPEN_MOUTH, BLINK = "come_closer", "smile", "open_mouth", "blink"

TURNS = frozenset({TURN_LEFT, TURN_RIGHT})
PROMPTS = frozenset({*TURNS, LOOK_UP, COME_CLOSER, SMILE, OPEN_MOUTH, BLINK})

DRAWN = PROMPTS - {BLINK}
"""The prompts that new plans ask for. Each is held until the person is asked back; with closed eyes no one reads
that."""

GENTLE_PROMPTS = frozenset({COME_CLOSER, *TURNS})
"""The prompts of the gentle profile, of which one kind is asked for: coming closer, or turns. The arm or a few degrees
of the neck are enough; facial muscles, hearing and memory are not needed."""

GENTLE_FROM_AGE = 85
"""Completed years. A starting value, not measured: over 85 most have an impairment of sight, hearing or movement, and
services of this kind fail people who cannot blink on command (docs/sources.md#india)."""

MANY_SESSIONS = 5
"""Sessions of one person in an hour. Three attempts end in a visit; lost networks add one or two. Not measured."""

SHARED_BY = 3
"""Other people with sessions from the same phone within a month. Husband and neighbour are two. Not measured."""


@dataclass(frozen=True, slots=True)
class Need:
    """What an accessibility need means for a session.

    Attributes:
        forbids: prompts that are never asked for.
        gentle: whether the gentle profile is used.
        flashes: whether the screen may flash colours.
        why: the reason, for people.
    """

    forbids: frozenset[str]
    gentle: bool
    flashes: bool
    why: str


_HEAD = frozenset({*TURNS, LOOK_UP})
_FACE = frozenset({SMILE, OPEN_MOUTH, BLINK})
_ONLY_CLOSER = PROMPTS - {COME_CLOSER}

NEW_DEVICE = "risk:new_device"
"""The reason of a demand on a phone that is not known for the person."""

PHOTOSENSITIVE = "photosensitive"
"""The need that any person may declare for one session."""

NEEDS: dict[str, Need] = {
    "bedridden": Need(_HEAD, True, True, "A head on a pillow does not turn; the phone can be brought closer."),
    "limited_mobility": Need(_HEAD, True, True, "Neck and shoulders may not move; the phone can be brought closer."),
    "tremor": Need(_FACE, True, True, "A face that trembles is never at rest, so small movements cannot be seen."),
    "facial_paralysis": Need(_FACE, True, True, "One half of the face does not follow."),
    "cannot_blink": Need(frozenset({BLINK}), True, True, "Blinking on command is not possible."),
    "deaf": Need(frozenset({LOOK_UP}), True, True, "A person who looks away from the screen misses the next prompt."),
    "low_vision": Need(frozenset(), True, True, "A row of prompts cannot be read in time."),
    "blind": Need(frozenset(), True, True, "Prompts are only heard; one is enough."),
    "dementia": Need(_ONLY_CLOSER, True, True, "A row of prompts cannot be kept in mind; a helper can move the phone."),
    # WCAG 2.3.1 calls fewer than three flashes a second safe. That holds for nearly all people, perhaps not for these.
    PHOTOSENSITIVE: Need(frozenset(), False, False, "Flashing light can bring on a seizure or migraine."),
    "epilepsy": Need(frozenset(), False, False, "Flashing light can bring on a seizure."),
}
"""The known needs. No need forbids coming closer, so that every person can be asked for something."""

UNKNOWN_NEED = Need(_ONLY_CLOSER, True, False, "A need that this release does not know: the least is asked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What speaks for asking more. Each is a sign of fraud at most, never a proof.

    Attributes:
        open_adverse: number of open records against the person.
        new_device: whether the phone is none of those that are known for the person, or an unnamed one. The first phone
            of a person is not known yet.
        sessions_last_hour: number of the person's sessions in the last hour, without this one.
        others_on_device: number of other people whose sessions were opened from the same phone within a month.
    """

    open_adverse: int = 0
    new_device: bool = False
    sessions_last_hour: int = 0
    others_on_device: int = 0

    @property
    def signals(self) -> tuple[str, ...]:
        """Name the signals that are present; their number decides how much is asked."""
        present = {
            "adverse_record": self.open_adverse > 0,
            "new_device": self.new_device,
            "many_sessions": self.sessions_last_hour >= MANY_SESSIONS,
            "shared_device": self.others_on_device >= SHARED_BY,
        }
        return tuple(name for name, is_present in present.items() if is_present)


@dataclass(frozen=True, slots=True)
class Demand:
    """How much a session asks.

    Attributes:
        profile: name of the profile; ``light`` exactly when there are flashes.
        prompts: number of prompts to draw from ``allowed``.
        flashes: number of colours that are flashed after the prompts.
        gentle: whether the prompts come at the gentle pace.
        allowed: the prompts that may be drawn.
        reasons: codes of the reasons, sorted.
        must: the prompts among ``allowed`` that every plan has: coming closer, on a phone that is not known. What is
            driven live lacks its perspective (docs/decisions/0034). A gentle plan asks for nothing else then.
    """

    profile: str
    prompts: int
    flashes: int
    gentle: bool
    allowed: frozenset[str]
    reasons: tuple[str, ...]
    must: frozenset[str] = frozenset()


_STANDARD_PROMPTS = 2
_MORE_PROMPTS = 3  # only without flashes: both together would take longer than 20 seconds
_GENTLE_PROMPTS = 2  # of one kind; one with flashes, which complete it
_FEWEST_FLASHES, _MOST_FLASHES = 6, 8


def choose(
    needs: Iterable[str],
    age: int | None,
    failed_attempts: Sequence[str],
    risk: Risk,
    *,
    least: int = 0,
    asked: Collection[str] = (),
    turn: bool = False,
) -> Demand:
    """Choose what a remote session asks for.

    Args:
        needs: the person's accessibility needs.
        age: completed years; None when unknown, which changes nothing.
        failed_attempts: the profiles of the attempts that failed since the last proof, if the caller is recognised:
            the next session asks such a person for something easier. A stranger who failed is not helped like that.
        risk: what speaks for asking more.
        asked: prompts that such a person was asked for alone, without success: another one is asked for, if the person
            can do another.
        turn: whether such a person was advised to turn the head a little: a turn is asked for, if they can do one.
        least: number of signs of fraud that the session answers at least, though fewer are present now.

    Returns:
        The demand.
    """
    known = {name: NEEDS.get(name, UNKNOWN_NEED) for name in needs}
    # The reasons do not name the need: they are kept longer than data about a person's health.
    reasons = {"need" if name in NEEDS else "need_unknown" for name in known}
    gentle = any(need.gentle for need in known.values())
    if age is not None and age >= GENTLE_FROM_AGE:
        gentle = True
        reasons.add("age")
    # After a failure the person is asked for something else. The additions for risk stay.
    if any(profile in (STANDARD, LIGHT) for profile in failed_attempts):
        gentle = True
        reasons.add("failed_before")

    signals = [f"risk:{signal}" for signal in risk.signals]
    # A stranger must not get an easier plan by waiting until a sign of fraud is gone.
    signals += [f"risk:failed_{number}" for number in range(len(signals) + 1, least + 1)]
    reasons.update(signals)
    may_flash = all(need.flashes for need in known.values())
    # One kind of movement alone proves nothing (docs/decisions/0033); light in the same film completes it.
    lit = may_flash and (gentle or bool(signals))
    flashes = min(_FEWEST_FLASHES - 1 + max(len(signals), 1), _MOST_FLASHES) if lit else 0
    allowed = DRAWN.difference(*(need.forbids for need in known.values()))
    if gentle:
        allowed &= GENTLE_PROMPTS
        allowed = allowed.difference(asked) or allowed
        if turn:
            allowed = allowed & TURNS or allowed
        prompts = 1 if flashes else _GENTLE_PROMPTS
    else:
        prompts = _STANDARD_PROMPTS if flashes or not signals else _MORE_PROMPTS
    if signals and gentle and not flashes:
        reasons.add("risk_not_answered")  # nothing more can be asked of this person
    profile = LIGHT if flashes else GENTLE if gentle else STANDARD
    must = allowed & {COME_CLOSER} if risk.new_device else frozenset[str]()
    return Demand(profile, prompts, flashes, gentle, allowed, tuple(sorted(reasons)), must)


def visit_demand() -> Demand:
    """Return the demand of a visit, which asks for nothing: an agent films the person."""
    return Demand(DOORSTEP, 0, 0, True, frozenset(), ("visit",))
