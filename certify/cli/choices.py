"""Words that a user can choose from. A copy, so that a help text loads no use case; a test compares both."""

from __future__ import annotations

from enum import StrEnum


class Ruling(StrEnum):
    """How an officer rules on a review case (certify.decision.review.Decision)."""

    CONFIRM_ALIVE = "confirm_alive"
    STOP = "stop"
    NO_CHANGE = "no_change"


class AuditOutcome(StrEnum):
    """The result of the check of a silent pass (certify.domain.states.AuditOutcome)."""

    ALIVE = "alive"
    FALSE_PASS = "false_pass"  # noqa: S105 - a verdict, not a password
    NOT_REACHED = "not_reached"


class ProposedAction(StrEnum):
    """What an officer can propose (certify.domain.four_eyes.Action)."""

    STOP = "stop"
    CONFIRM_ALIVE = "confirm_alive"
    NO_CHANGE = "no_change"
    REVOKE = "revoke"
    ERASE = "erase"
    REPLACE_REFERENCE = "replace_reference"
    ADMIT_VISIT = "admit_visit"
    TWO_PEOPLE = "two_people"
    CONDITION_MET = "condition_met"
    PART_PAYABLE = "part_payable"
    RECORD_CHANGES_NOTHING = "record_changes_nothing"
    WRONG_REFERENCE = "wrong_reference"


class FindingKind(StrEnum):
    """What an officer can find about a pension: three of the actions that can be proposed."""

    CONDITION_MET = "condition_met"
    PART_PAYABLE = "part_payable"
    RECORD_CHANGES_NOTHING = "record_changes_nothing"


class ProposedReason(StrEnum):
    """Why an officer proposes it (certify.domain.four_eyes.ActionReason)."""

    SEEN_IN_PERSON = "seen_in_person"
    SPOKEN_TO = "spoken_to"
    DOCUMENT_SEEN = "document_seen"
    RECORD_WRONG = "record_wrong"
    DEATH_CONFIRMED = "death_confirmed"
    NOT_ENTITLED = "not_entitled"
    ISSUED_IN_ERROR = "issued_in_error"
    FRAUD = "fraud"
    PERSON_ASKED = "person_asked"
    LEGAL_DUTY = "legal_duty"
    FACE_CHANGED = "face_changed"
    WRONG_FACE = "wrong_face"
    INQUIRY_DONE = "inquiry_done"
    OTHER = "other"


class RulingAuditOutcome(StrEnum):
    """The result of the check of a ruling (certify.domain.states.RulingAuditOutcome)."""

    UPHELD = "upheld"
    WRONG = "wrong"


class KeyPurpose(StrEnum):
    """What a signing key is for (certify.storage.signing.Purpose)."""

    CERTIFICATE = "certificate"
    LEDGER = "ledger"
    SESSION = "session"
    VISIT = "visit"


class KeyAlgorithm(StrEnum):
    """How a key signs (certify.certificates.keys.Algorithm)."""

    EDDSA = "EdDSA"
    ES256 = "ES256"


class TokenRole(StrEnum):
    """Roles that an issuer may give (certify.issuers.tokens.Role without the roles that the service itself gives)."""

    AGENT = "agent"
    PAYER = "payer"
    REGISTRY = "registry"
    ENROLLER = "enroller"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Language(StrEnum):
    """Languages of letters (certify.texts.Language)."""

    CHINESE = "zh-Hans"
    TRADITIONAL_CHINESE = "zh-Hant"
    ENGLISH = "en"
    PORTUGUESE = "pt"
    HINDI = "hi"
    FRENCH = "fr"
    SPANISH = "es"
    ARABIC = "ar"


RECHECK_SHARE = 0.03
"""Share of visits that a second agent repeats (certify.doorstep.planning.RECHECKED)."""

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = "mon tue wed thu fri"
"""Days on which agents usually work (certify.doorstep.planning.WORKDAYS)."""
