"""Erase a person: destroy the data key, and with it every template, image and identifier that it sealed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from certify.decision.issue import revoke
from certify.domain.ledger_events import LedgerEvent
from certify.doorstep.identify import forget_sealed_of
from certify.doorstep.visits import end_visits_of
from certify.files.forget import forget_in_quarantine
from certify.people.access import forget_access_of
from certify.people.contact import forget_contact_of
from certify.people.identifiers import open_identifiers
from certify.queue import forget_jobs
from certify.senders import KeepsFiles
from certify.service import Unit
from certify.storage.certificates import certificate_in_force, certificates_of
from certify.storage.duplicate_faces import delete_pairs_of
from certify.storage.erasure import forget_facts_of, forget_traces_of
from certify.storage.face_prints import delete_face_prints_of
from certify.storage.homes import delete_home
from certify.storage.idempotency import forget_answers
from certify.storage.media import delete_media_of
from certify.storage.people import get_beneficiary, ids_of, references_of
from certify.storage.proposals import forget_proposals_of
from certify.storage.sessions import close_sessions_of
from certify.storage.sign_ins import delete_sign_ins_of
from certify.storage.tables.people import BeneficiaryRow
from certify.storage.video_hashes import delete_video_hashes_of


def erase(unit: Unit, beneficiary_id: UUID) -> None:
    """Erase a person's data. What remains (docs/privacy.md) names no person. The call may be repeated.

    Officers do not call this directly: ``certify.approvals.actions`` lets two of them decide, and waits
    (docs/decisions/0022).

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    person = get_beneficiary(unit.db, beneficiary_id, lock=True)
    if person.erased_at is not None:
        return
    ids = ids_of(unit.db, beneficiary_id)  # while they are still known
    forget_answers(unit.db, unit.service.vault, ids)
    forget_jobs(unit.db, ids)
    forget_files(unit, person, ids)
    forget_sealed_of(unit, beneficiary_id)  # while card and letters can still be matched to the person
    current = certificate_in_force(unit.db, beneficiary_id)
    if current is not None:
        revoke(unit, current.number, reason="person_erased")
    for reference in references_of(unit.db, beneficiary_id):
        unit.db.delete(reference)
    unit.db.flush()
    delete_media_of(unit.db, beneficiary_id)
    close_sessions_of(unit.db, beneficiary_id)
    delete_video_hashes_of(unit.db, beneficiary_id)
    delete_face_prints_of(unit.db, beneficiary_id)
    delete_pairs_of(unit.db, beneficiary_id)
    forget_access_of(unit, beneficiary_id)
    delete_sign_ins_of(unit.db, beneficiary_id)
    forget_contact_of(unit, beneficiary_id)
    delete_home(unit.db, beneficiary_id)
    end_visits_of(unit, beneficiary_id)
    for certificate in certificates_of(unit.db, beneficiary_id):
        certificate.cose = b""  # the signed bytes name the person; number, state and digest stay
    forget_traces_of(unit.db, beneficiary_id)
    forget_proposals_of(unit.db, beneficiary_id)
    unit.service.vault.destroy_key(unit.db, beneficiary_id)
    person.name = person.birth_date = person.region = person.ids_sealed = person.sex = None
    person.card_hash = person.card_masked = None
    # The hash is keyed, but a person who holds the key could still test guesses: it is replaced by random bytes.
    person.national_id_hash = unit.service.random_bytes(32)
    person.national_id_masked = "erased"
    person.needs = []
    person.signed_out_at = unit.now
    person.erased_at = unit.now
    unit.db.flush()
    forget_facts_of(unit.db, beneficiary_id)
    unit.ledger(LedgerEvent.PERSON_ERASED, beneficiary_id)


def forget_files(unit: Unit, person: BeneficiaryRow, ids: Sequence[str]) -> None:
    """Delete the files that name a person: letters, messages in folders, rows in quarantine files.

    A file that was deleted stays deleted if the transaction fails; then the erasure is repeated.

    Args:
        unit: the transaction of the erasure.
        person: the person, whose data key still exists.
        ids: ids of the person and of their messages.
    """
    for way in unit.service.senders.ways.values():
        if isinstance(way.sender, KeepsFiles):
            way.sender.forget(ids)
    numbers = [number for number in open_identifiers(unit, person) if number]
    settings = unit.service.settings
    folders = [folder for folder in (settings.data_dir, settings.feeds_dir) if folder is not None]
    forget_in_quarantine(folders, numbers)
