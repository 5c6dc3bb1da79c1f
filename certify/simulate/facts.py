"""What registers and families say of a life, as the facts that the rules take."""

from __future__ import annotations

from certify.domain.evidence import AdverseRecord, Evidence, SignOfLife, Void
from certify.simulate.conduct import Days
from certify.simulate.lives import Life

_REGISTER, _FAMILY = "civil-register", "family"
"""The two sources of deaths: independent of each other, as the two-key rule asks."""


def reports(life: Life, days: Days) -> list[tuple[int, Evidence]]:
    """Return what will be said of the person's death, right or wrong, each with the day on which it arrives."""
    found: list[tuple[int, Evidence]] = []
    if life.registered <= life.end:
        found.append((life.registered, _death(days, "death-registered", _REGISTER, life.dies, life.registered)))
    if life.family <= life.end:
        found.append((life.family, _death(days, "death-family", _FAMILY, life.dies, life.family)))
    if life.wrong_death <= life.end:
        wrong = _death(days, "death-wrong", _REGISTER, life.wrong_death, life.wrong_death)
        found.append((life.wrong_death, wrong))
        if life.voided <= life.end:
            noon = days.noon(life.voided)
            void = Void(id="void", source=_REGISTER, event_at=noon, recorded_at=noon, target=wrong.id)
            found.append((life.voided, void))
    return found


def sign(life: Life, number: int, days: Days) -> SignOfLife:
    """Return one of the acts of a life as a sign of life; each kind of act comes from a feed of its own."""
    act = life.acts[number]
    return SignOfLife(
        id=f"sign-{number:04}",
        source=act.act,
        event_at=days.noon(act.day),
        recorded_at=days.noon(act.recorded),
        act=act.act,
    )


def _death(days: Days, name: str, source: str, day: int, recorded: int) -> AdverseRecord:
    return AdverseRecord(id=name, source=source, event_at=days.noon(day), recorded_at=days.noon(recorded), kind="death")
