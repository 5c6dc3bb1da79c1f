"""Propose and carry out what an officer must not do alone: stop, revoke, erase, confirm, replace a face, admit a visit.

Every route and command that does one of these calls ``propose``. If the policies ask for one officer only, the action
is carried out at once; otherwise it waits for ``carry_out`` by a second officer (docs/decisions/0022).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from certify.approvals.erase import erase
from certify.audit.rulings import draw_ruling
from certify.decision.duplicate_faces import answer_duplicate, require_duplicate_case
from certify.decision.findings import FINDINGS, read_details, record_finding, require_possible
from certify.decision.issue import require_in_force, revoke
from certify.decision.proposals import (
    Matter,
    Why,
    agree,
    close,
    expire_proposals,
    lock_proposal,
    new_proposal,
    recall_proposal,
    require_impartial,
    require_second,
    require_state,
    rules_of,
    text_of,
)
from certify.decision.review import Decision, require_open_case, rule, speaks_against_life
from certify.domain.error_codes import ErrorCode
from certify.domain.four_eyes import Action, ActionReason, needs_two_officers
from certify.domain.states import FaceAnswer, ProposalState
from certify.doorstep.identify import person_of_bundle
from certify.doorstep.receive import admit, require_admissible
from certify.errors import Invalid, NotFound
from certify.messages.notices import tell
from certify.people.references import replace_references, require_replacement
from certify.service import Service, Unit
from certify.storage.bundles import lock_bundle
from certify.storage.certificates import get_certificate
from certify.storage.people import get_beneficiary, get_reference
from certify.storage.proposals import due_proposals, open_proposal_of
from certify.storage.reviews import get_case
from certify.storage.tables.proposals import ProposalRow

log = logging.getLogger("certify.approvals.actions")

RULINGS = frozenset({Action.STOP, Action.CONFIRM_ALIVE, Action.NO_CHANGE})
"""Actions that rule on a review case."""

FACE_ANSWERS = frozenset({Action.TWO_PEOPLE, Action.WRONG_REFERENCE})
"""Actions that answer a review case about a duplicate face."""


def propose(unit: Unit, action: Action, target: str, *, officer: str, why: Why) -> ProposalRow:
    """Propose an action, or carry it out at once if it needs one officer only.

    Args:
        unit: the transaction to write in.
        action: what is to be done.
        target: id of the case, person, reference or visit, or number of the certificate.
        officer: the principal who proposes.
        why: the reason.

    Returns:
        The proposal: ``proposed``, or ``carried_out``; an erasure for which one officer is enough is ``waiting``.

    Raises:
        NotFound: the target does not exist (``review_case_not_found``, ``certificate_not_found``,
            ``beneficiary_not_found``, ``reference_not_found``, ``bundle_not_found``).
        Invalid: the target is no id (``target_invalid``), the reason has no text (``reason_missing``), or the text
            begins with no finding that the policy knows (``finding_invalid``).
        Gone: the person was erased (``person_erased``).
        Conflict: the action is not possible now (such as ``review_case_closed``), is proposed already
            (``proposal_open``), or the officer had a part in the case and one officer is enough
            (``second_officer_needed``).
    """
    matter = _matter(unit, action, target)
    rules = rules_of(unit, matter.beneficiary_id)
    person = matter.beneficiary_id
    against = action is Action.CONFIRM_ALIVE and person is not None and speaks_against_life(unit, person)
    alone = not needs_two_officers(action, rules, against_death=against)
    if alone:
        require_impartial(unit, officer, person, proposed_by=None, opened_by=matter.opened_by)
    if action in FINDINGS and person is not None:
        require_possible(unit, person, action, read_details(why.text))
    row = new_proposal(unit, matter, officer, why)
    if alone:
        _do(unit, row, officer)
    return row


def person_of(unit: Unit, action: Action, target: str) -> UUID | None:
    """Return the person whom an action is about, so that a caller's scope is checked before anything else is told.

    Args:
        unit: the transaction to read in.
        action: what is to be done.
        target: id of the case, person, reference or visit, or number of the certificate.

    Returns:
        Id of the person; None when no one knows whose visit it is.

    Raises:
        NotFound: the target does not exist.
        Invalid: the target is no id (``target_invalid``).
    """
    if action is Action.REVOKE:
        return get_certificate(unit.db, target).beneficiary_id
    number = _number(target)
    if action in RULINGS | FACE_ANSWERS:
        return get_case(unit.db, number).beneficiary_id
    if action is Action.REPLACE_REFERENCE:
        return get_reference(unit.db, number).beneficiary_id
    return person_of_bundle(unit, lock_bundle(unit.db, number)) if action is Action.ADMIT_VISIT else number


def wish_erasure(unit: Unit, beneficiary_id: UUID, *, by: str, text: str) -> ProposalRow:
    """Propose the erasure of the person who asks for it, and tell them on every known contact.

    An officer agrees, and the waiting time runs as for others.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        by: the person as a principal.
        text: what the person says.

    Returns:
        The proposal; a proposal or waiting erasure that is there already is returned as it is.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
    """
    matter = _matter(unit, Action.ERASE, str(beneficiary_id))
    known = open_proposal_of(unit.db, Action.ERASE, matter.target)
    if known is not None:
        return known
    tell(unit, beneficiary_id, "erasure_asked")
    return new_proposal(unit, matter, by, Why(ActionReason.PERSON_ASKED, text or "The person asked for it."))


def recall_erasure(unit: Unit, beneficiary_id: UUID, *, by: str) -> ProposalRow:
    """Recall the erasure of the person who asks for that: their own wish, or one that officers decided.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person.
        by: the person as a principal.

    Returns:
        The proposal.

    Raises:
        NotFound: no erasure is proposed or waits (``proposal_not_found``).
        Conflict: officers proposed it, and it is not decided yet (``not_your_proposal``).
    """
    known = open_proposal_of(unit.db, Action.ERASE, str(beneficiary_id))
    if known is None:
        raise NotFound("No erasure is under way.", code=ErrorCode.PROPOSAL_NOT_FOUND)
    return recall_proposal(unit, known.id, by=by)


def carry_out(unit: Unit, proposal_id: UUID, *, officer: str) -> ProposalRow:
    """Carry a proposal out, as the second officer. An erasure waits for the time of the policy first.

    Args:
        unit: the transaction to write in.
        proposal_id: id of the proposal.
        officer: the principal who carries it out.

    Returns:
        The proposal: ``carried_out``, or ``waiting`` for an erasure.

    Raises:
        NotFound: no such proposal (``proposal_not_found``), or its target is gone.
        Conflict: it is settled (``proposal_settled``), this officer proposed it, opened the case or enrolled the person
            (``second_officer_needed``), or the action is not possible any more (such as ``review_case_closed``).
        Gone: the person was erased (``person_erased``).
    """
    row = lock_proposal(unit, proposal_id)
    require_state(row, ProposalState.PROPOSED)
    matter = _matter(unit, Action(row.action), row.target)
    require_second(unit, row, officer, opened_by=matter.opened_by)
    _do(unit, row, officer)
    return row


def carry_out_due(service: Service) -> int:
    """Carry out the erasures whose waiting time is over, each in a transaction of its own; return how many.

    Proposals on which no second officer decided in time expire.

    Args:
        service: the running service.
    """
    with service.unit() as unit:
        expire_proposals(unit)
    with service.reading() as unit:
        due = due_proposals(unit.db, unit.now)
    done = 0
    for proposal_id in due:
        try:
            with service.unit() as unit:
                done += _erase_due(unit, proposal_id)
        except Exception:
            log.exception("an erasure failed; the others continue")
    return done


def _erase_due(unit: Unit, proposal_id: UUID) -> bool:
    row = lock_proposal(unit, proposal_id)
    if row.state != ProposalState.WAITING or row.due_at is None or row.due_at > unit.now:
        return False  # recalled since, or another worker was faster
    _perform(unit, row, row.decided_by or row.proposed_by)
    close(unit, row)
    return True


def _do(unit: Unit, row: ProposalRow, officer: str) -> None:
    wait = timedelta(0)
    rules = rules_of(unit, row.beneficiary_id)
    if row.action == Action.ERASE:
        wait = timedelta(hours=max(rule.erasure_wait_hours for rule in rules))
    if wait:
        agree(unit, row, officer, wait=wait)
        if row.beneficiary_id is not None:
            tell(unit, row.beneficiary_id, "erasure_waits", on=row.due_at)
        return
    _perform(unit, row, officer)
    close(unit, row, officer)
    if Action(row.action) in RULINGS:
        draw_ruling(unit, row, share=max(rule.audit_share for rule in rules))


def _perform(unit: Unit, row: ProposalRow, officer: str) -> None:
    action, target = Action(row.action), row.target
    performers: dict[Action, Callable[[], object]] = {
        Action.REVOKE: lambda: revoke(unit, target, reason=row.reason),
        Action.ERASE: lambda: erase(unit, UUID(target)),
        Action.REPLACE_REFERENCE: lambda: replace_references(unit, UUID(target)),
        Action.ADMIT_VISIT: lambda: admit(unit, UUID(target), officer=officer),
    }
    if action in RULINGS:
        rule(unit, UUID(target), officer=officer, decision=Decision(action.value))
    elif action in FACE_ANSWERS:
        answer_duplicate(unit, UUID(target), officer=officer, answer=FaceAnswer(action.value))
    elif action in FINDINGS:
        found = read_details(text_of(unit, row) or "")
        record_finding(unit, UUID(target), action, found, officer=officer, proposal=row.id)
    else:
        performers[action]()


def _matter(unit: Unit, action: Action, target: str) -> Matter:
    """Find what an action is about, lock the person, and check that the action is possible now."""
    if action is Action.REVOKE:
        certificate = get_certificate(unit.db, target)
        get_beneficiary(unit.db, certificate.beneficiary_id, lock=True)
        require_in_force(certificate)
        return Matter(action, target, certificate.beneficiary_id)
    number = _number(target)
    if action in RULINGS | FACE_ANSWERS:
        get_beneficiary(unit.db, get_case(unit.db, number).beneficiary_id, lock=True)
        case = get_case(unit.db, number, lock=True)
        require_open_case(case)
        if action in FACE_ANSWERS:
            require_duplicate_case(case)
        return Matter(action, str(number), case.beneficiary_id, opened_by=case.opened_by)
    if action is Action.REPLACE_REFERENCE:
        reference = get_reference(unit.db, number)
        get_beneficiary(unit.db, reference.beneficiary_id, lock=True)
        require_replacement(reference)
        return Matter(action, str(number), reference.beneficiary_id)
    if action is Action.ADMIT_VISIT:
        bundle = lock_bundle(unit.db, number)
        require_admissible(unit, bundle)
        return Matter(action, str(number), person_of_bundle(unit, bundle))
    person = get_beneficiary(unit.db, number, lock=True)
    unit.sealer(person.id)  # raises Gone after an erasure
    return Matter(action, str(number), person.id)


def _number(target: str) -> UUID:
    try:
        return UUID(target)
    except ValueError as error:
        raise Invalid("The target is not an id.", code=ErrorCode.TARGET_INVALID) from error
