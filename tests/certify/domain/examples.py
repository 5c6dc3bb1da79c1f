"""Evidence, pensions and decisions that a reader can check by hand, for the tests of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import cast

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, decide
from certify.domain.evidence import (
    AdverseRecord,
    Capture,
    Check,
    Evidence,
    Fact,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.reasons import Code
from tests.certify.domain.strategies import SHIPPED

BORN = date(1950, 5, 5)


def at(year: int, month: int, day: int, hour: int = 4, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)  # 04:00 UTC is noon in Shanghai


def capture(when: datetime, *, llr: float | None = 6.0, fact_id: str = "capture") -> Capture:
    return Capture(
        id=fact_id,
        source="certify",
        event_at=when,
        recorded_at=when,
        session_id=f"session of {fact_id}",
        channel=Channel.REMOTE,
        acquired=Check.PASS,
        llr=llr,
        embedders=2,
        liveness=Check.PASS,
        filmed=True,
    )


def adverse(kind: str, when: datetime, source: str = "civil registry") -> AdverseRecord:
    return AdverseRecord(id=f"{kind} by {source}", source=source, event_at=when, recorded_at=when, kind=kind)


def sign(act: str, when: datetime) -> SignOfLife:
    return SignOfLife(id=f"{act} {when:%F}", source="insurer", event_at=when, recorded_at=when, act=act)


def void(target: Evidence, when: datetime, source: str) -> Void:
    return Void(id=f"void of {target.id}", source=source, event_at=when, recorded_at=when, target=target.id)


def ruling(ruled: Ruling, when: datetime, *dismisses: str, fact_id: str = "ruling") -> OfficerRuling:
    return OfficerRuling(
        id=fact_id, source="officer 7", event_at=when, recorded_at=when, ruling=ruled, dismisses=dismisses
    )


def pension(
    scheme: str = "employee",
    *,
    starts_on: date = date(2010, 1, 1),
    born: date | None = BORN,
    last_proof_on: date | None = None,
) -> Entitlement:
    return Entitlement(f"the {scheme} pension", scheme, starts_on, born, last_proof_on)


def decided(entitlement: Entitlement, evidence: Sequence[Fact], as_of: date) -> Determination:
    return decide(entitlement, SHIPPED[entitlement.scheme], [cast("Evidence", fact) for fact in evidence], as_of)


def codes(determination: Determination) -> set[Code]:
    return {reason.code for reason in determination.reasons}
