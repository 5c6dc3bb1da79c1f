"""Kinds of review cases. A person has at most one open case of each kind."""

from __future__ import annotations

from certify.domain.described import Described


class CaseKind(Described):
    """What an officer is asked. The values are stored, so they are never renamed; new ones are added."""

    ADVERSE_RECORD = "adverse_record", "A registry reports a death or another event that pauses or stops a pension."
    OVERDUE = "overdue", "The proof of life is overdue."
    QUESTION = "question", "The determination asks for an officer's review for another reason."
    OTHER_PATH = "other_path", "Life must be proven by another channel than the one that was tried."
    VISIT = "visit", "A visit must be arranged: the remote attempts are used up, or the person asked for one."
    APPEAL = "appeal", "The payment is stopped or the certificate paused, and the person says that this is wrong."
    PROOF_IN_PERSON = "proof_in_person", "Life is to be proven in person, before an officer or a consul."
    NOT_ME = "not_me", "The person says that a sign of life or an attestation was not them."
    PHOTO_NOT_PROCESSED = "photo_not_processed", "The media of a session could not be processed."
    LINK = "link", "Registry records may belong to this person; an officer answers the link questions."
    FALSE_PASS = "false_pass", "The random sample found a silent certification or a ruling that was wrong."
    FACE_IN_DOUBT = "face_in_doubt", "The face of a recognised caller does not match well enough; compare the pictures."
    VISIT_ATTESTED = "visit_attested", "An agent brought a witness's or a doctor's attestation instead of a face."
    VISIT_NOT_FOUND = "visit_not_found", "Agents found no one at the address, more than once."
    VISIT_MOVED = "visit_moved", "An agent learned that the person has moved."
    VISIT_REFUSED = "visit_refused", "The person refused the visit."
    ENTITLEMENT_ENDS = (
        "entitlement_ends",
        "A pension ends on a date, or has ended: look at the proof that it continues, or stop it.",
    )
    REVIEW_DUE = "review_due", "A review of the condition behind a pension is due, such as a disability."
    DUPLICATE_FACE = (
        "duplicate_face",
        "An enrolled photo looks like the face of another person; no certificate is issued.",
    )
