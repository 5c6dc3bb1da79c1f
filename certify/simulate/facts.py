"""Facts about a life from registers and families, in the form that the rules take."""

from __future__ import annotations

from certify.domain.evidence import AdverseRecord, Evidence, SignOfLife, Void
from certify.simulate.conduct import Days
from certify.simulate.lives import Life

_REGISTER, _FAMILY = "civil-register", "family"
"""The two sources of deaths. They are independent, as a stop by two sources requires."""


def reports(life: Life, days: Days) -> list[tuple[int, Evidence]]:
    """Return all reports of the person's death, right or wrong, each with the day on which it arrives."""
    records: list[tuple[int, Evidence]] = []
    if life.registered <= life.end:
        records.append((life.registered, _death(days, "death-registered", _REGISTER, life.dies, life.registered)))
    if life.family <= life.end:
        records.append((life.family, _death(days, "death-family", _FAMILY, life.dies, life.family)))
    if life.wrong_death <= life.end:
        wrong = _death(days, "death-wrong", _REGISTER, life.wrong_death, life.wrong_death)
        records.append((life.wrong_death, wrong))
        if life.voided <= life.end:
            noon = days.noon(life.voided)
            void = Void(id="void", source=_REGISTER, event_at=noon, recorded_at=noon, target=wrong.id)
            records.append((life.voided, void))
    return records


def sign(life: Life, number: int, days: Days) -> SignOfLife:
    """Return one act of a life as a sign of life; each kind of act has its own feed."""
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
