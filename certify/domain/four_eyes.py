"""Say which actions need a second officer, and which officer may be the second one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from certify.domain.described import Described


class Action(Described):
    """What an officer can propose. The values are stored, so they are never renamed; new ones are added."""

    STOP = "stop", "Stop the payment, on a review case."
    CONFIRM_ALIVE = "confirm_alive", "Confirm on a review case that the person was seen or spoken to."
    NO_CHANGE = "no_change", "Close a review case that says nothing about life or payment."
    REVOKE = "revoke", "Revoke a certificate."
    ERASE = "erase", "Erase a person, after the waiting time of the policy."
    REPLACE_REFERENCE = "replace_reference", "Replace the enrolled face by a photo that shows another face."
    ADMIT_VISIT = "admit_visit", "Let a sealed visit count that was refused."
    TWO_PEOPLE = "two_people", "Answer that a duplicate face is that of two people, such as twins."
    CONDITION_MET = "condition_met", "Find that a pension goes on: study, or a medical review with the day of the next."
    PART_PAYABLE = "part_payable", "Find that only a part of a pension is payable, as in prison, and on which days."
    RECORD_CHANGES_NOTHING = (
        "record_changes_nothing",
        "Find that a record, such as one of a marriage, is about another person or changes nothing.",
    )
    WRONG_REFERENCE = "wrong_reference", "Refuse a new photo that shows the face of another person."


class TwoOfficers(Described):
    """What a policy can ask two officers for (``four_eyes.needs_two``)."""

    STOP = "stop", "A stop of the payment."
    REVOKE = "revoke", "The revocation of a certificate."
    ERASE = "erase", "The erasure of a person."
    CONFIRM_AGAINST_DEATH = (
        "confirm_alive_against_death",
        "A confirmation of life that dismisses a report of death, another adverse record or a stop.",
    )
    CONFIRM_ALIVE = "confirm_alive", "Every confirmation of life."
    REPLACE_REFERENCE = "replace_reference", "The replacement of the enrolled face."
    ADMIT_VISIT = "admit_visit", "The admission of a refused visit."
    TWO_PEOPLE = "two_people", "The answer that a duplicate face is that of two people."
    CONDITION_MET = "condition_met", "The finding that a condition is met which keeps a pension going."
    PART_PAYABLE = "part_payable", "The finding that only a part of a pension is payable."


class ActionReason(Described):
    """Why an officer proposes an action. Each needs a text as well; the code is for counting and for certificates."""

    SEEN_IN_PERSON = "seen_in_person", "An officer saw the person."
    SPOKEN_TO = "spoken_to", "An officer spoke to the person and made sure of who it was."
    DOCUMENT_SEEN = "document_seen", "A document shows it."
    RECORD_WRONG = "record_wrong", "A registry's record is wrong or is about another person."
    DEATH_CONFIRMED = "death_confirmed", "The death is confirmed."
    NOT_ENTITLED = "not_entitled", "The person is not entitled."
    ISSUED_IN_ERROR = "issued_in_error", "What was issued should not have been issued."
    FRAUD = "fraud", "There is evidence of fraud."
    PERSON_ASKED = "person_asked", "The person asked for it."
    LEGAL_DUTY = "legal_duty", "A law or a court asks for it."
    FACE_CHANGED = "face_changed", "The face has changed, as after an operation."
    WRONG_FACE = "wrong_face", "The enrolled photo shows another person."
    INQUIRY_DONE = "inquiry_done", "An inquiry explained what was wrong."
    OTHER = "other", "Another reason, which the text gives."


_NEEDS = {
    Action.STOP: (TwoOfficers.STOP,),
    Action.REVOKE: (TwoOfficers.REVOKE,),
    Action.ERASE: (TwoOfficers.ERASE,),
    Action.REPLACE_REFERENCE: (TwoOfficers.REPLACE_REFERENCE,),
    Action.ADMIT_VISIT: (TwoOfficers.ADMIT_VISIT,),
    Action.TWO_PEOPLE: (TwoOfficers.TWO_PEOPLE,),
    Action.WRONG_REFERENCE: (),
    Action.CONDITION_MET: (TwoOfficers.CONDITION_MET,),
    Action.PART_PAYABLE: (TwoOfficers.PART_PAYABLE,),
    Action.RECORD_CHANGES_NOTHING: (TwoOfficers.CONFIRM_AGAINST_DEATH,),
    Action.NO_CHANGE: (),
}


@dataclass(frozen=True, slots=True)
class FourEyesRule:
    """When two officers are needed, and what happens to what they decided.

    Attributes:
        needs_two: what two officers are needed for.
        erasure_wait_hours: hours between the second officer's decision and an erasure, in which it can be recalled.
        audit_share: share of the rulings that are drawn at random, to be checked by a third person.
    """

    needs_two: frozenset[TwoOfficers] = frozenset(TwoOfficers) - {
        TwoOfficers.CONFIRM_ALIVE,
        TwoOfficers.CONDITION_MET,
    }
    erasure_wait_hours: int = 72
    audit_share: float = 0.05


def needs_two_officers(action: Action, rules: Collection[FourEyesRule], *, against_death: bool) -> bool:
    """Tell whether an action needs a second officer: it does if the policy of any of the person's schemes says so.

    Args:
        action: what is to be done.
        rules: the rules of the schemes that the action touches. Without any, the shipped rule counts.
        against_death: whether a confirmation of life would dismiss a record or a stop.
    """
    words: tuple[TwoOfficers, ...] = _NEEDS.get(action, (TwoOfficers.CONFIRM_ALIVE,))
    if action is Action.CONFIRM_ALIVE and against_death:
        words = (*words, TwoOfficers.CONFIRM_AGAINST_DEATH)
    return any(word in rule.needs_two for rule in rules or (FourEyesRule(),) for word in words)


class Bar(Described):
    """Why an officer may not carry out an action."""

    PROPOSED = "proposed", "You proposed this yourself."
    OPENED_CASE = "opened_case", "You opened this case yourself."
    ENROLLED = "enrolled", "You enrolled this person yourself."


def barred(officer: str, *, proposed_by: str | None, opened_by: str | None, enrolled_by: str | None) -> Bar | None:
    """Return why an officer may not carry out an action; None if the officer may.

    Officers are compared as principals (issuer and subject), never as names that somebody typed.

    Args:
        officer: the principal who would carry it out.
        proposed_by: the principal who proposed it; None if it needs only one officer.
        opened_by: the principal who caused the review case; None for an action without a case.
        enrolled_by: the principal who enrolled the person; None if that is not known.
    """
    if officer == proposed_by:
        return Bar.PROPOSED
    if officer == opened_by:
        return Bar.OPENED_CASE
    return Bar.ENROLLED if officer == enrolled_by else None
