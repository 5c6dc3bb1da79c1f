"""People for measurements: enrolment with a measured reference, and submission of a selfie."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from certify.capture.session import open_session, submit_media
from certify.domain.channels import Channel
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.service import Service
from models.pipeline import FaceEngine


def enrol(service: Service, engine: FaceEngine, portrait: bytes, number: int) -> UUID:
    """Enrol a person with one pension and one measured reference; ``number`` makes the id unique."""
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        person = add_beneficiary(unit, NewBeneficiary(f"BENCH{number:05}", "Bench", pension))
        reference = add_reference(unit, person, portrait)
    measure_reference(service, engine, reference)
    return person


def submit(service: Service, person: UUID, photo: bytes) -> UUID:
    """Open a session for a person and submit the photo; return the session, which waits for evaluation."""
    with service.unit() as unit:
        session = open_session(unit, person, Channel.REMOTE).id
    with service.unit() as unit:
        submit_media(unit, session, photo)
    return session
