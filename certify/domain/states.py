"""The states and other closed lists of words that tables store. The CHECK constraints and the code both use these.

The values are stored, so they are never renamed. A new value needs a migration of the constraint.
"""

from __future__ import annotations

from certify.domain.described import Described


class ReferenceState(Described):
    """A reference: the enrolled image of a face."""

    PENDING = "pending", "Waits for its measurement."
    ACTIVE = "active", "Measured; comparisons use it."
    REFUSED = "refused", "Not usable, or the face of another person than the one enrolled before."
    RETIRED = "retired", "Not compared any more: later references took its place."


class FaceAnswer(Described):
    """What an officer answers when a reference looks like the face of another person."""

    TWO_PEOPLE = "two_people", "Two people who look alike, such as twins."
    WRONG_REFERENCE = "wrong_reference", "The new reference does not show the person whom it was enrolled for."


class Provenance(Described):
    """Where the picture of a reference came from."""

    DOCUMENT = "document", "Copied from an identity document."
    REGISTER = "register", "Sent by an official register of identities."
    CAMERA = "camera", "Taken by the fund's own staff."
    UNKNOWN = "unknown", "Enrolled before the provenance was stored."
    PROOF = "proof", "Taken from a film or visit that confirmed the person."
    TEMPLATE = "template", "A template that another system made; the picture is not known."


class FaceZone(Described):
    """Where the comparison of a capture lies between the two thresholds of its calibration (models.states.Zone)."""

    MATCH = "match", "At or above the operating point: the face is the enrolled one."
    NEAR = "near", "Just below it: one more capture can decide."
    APART = "apart", "Below both thresholds."


class SessionState(Described):
    """A capture session."""

    OPEN = "open", "Waits for the media."
    SUBMITTED = "submitted", "The media are stored and wait for evaluation."
    DECIDED = "decided", "Evaluated; the outcome is stored."
    EXPIRED = "expired", "No media came in time."


class SessionProfile(Described):
    """How much a capture session asks of the person."""

    STANDARD = "standard", "Prompts and colours."
    GENTLE = "gentle", "Fewer prompts."
    LIGHT = "light", "Colours or one prompt only."
    DOORSTEP = "doorstep", "A visit: the agent is the witness."


class Possession(Described):
    """Whether a remote session was opened with something that only the person has, besides face and numbers."""

    SHOWN = "shown", "Opened with a known phone of the person, a code to the known contact, or a link."
    MISSING = "missing", "The fund knows a phone, number, address or link, and none was used."
    NOT_ASKED = "not_asked", "The fund knows none, or the session is a visit."


class Challenge(Described):
    """How much of the plan of its session a film answered."""

    UNRECORDED = "unrecorded", "Captured before this was recorded."
    NONE = "none", "Nothing was asked, or the film did not do it."
    UNLIT = "unlit", "All movements, and the light that was asked for could not be seen clearly."
    ONE_MOVEMENT = "one_movement", "One kind of movement, at the drawn moments, and no light."
    MOVEMENTS = "movements", "Several kinds of movement on a phone that was not known, and no light, which would harm."
    FULL = "full", "Several kinds of movement, or one and the light of the screen."


class CertificateState(Described):
    """A stored certificate."""

    VALID = "valid", "In force."
    PAUSED = "paused", "A report of death or another adverse record stands; it can become valid again."
    SUPERSEDED = "superseded", "A later certificate took its place."
    REVOKED = "revoked", "Withdrawn permanently."


class CaseState(Described):
    """A review case."""

    OPEN = "open", "Waits for an officer, or until its cause no longer exists."
    CLOSED = "closed", "Settled."


class ProposalState(Described):
    """A proposal of an officer (certify/decision/proposals.py)."""

    PROPOSED = "proposed", "Waits for a second officer."
    WAITING = "waiting", "A second officer agreed; an erasure waits for its time and can be recalled."
    CARRIED_OUT = "carried_out", "Done."
    REFUSED = "refused", "The second officer refused it."
    RECALLED = "recalled", "Taken back before it was carried out."
    EXPIRED = "expired", "No second officer decided in time."


class RulingAuditOutcome(Described):
    """What the check of a ruling found."""

    UPHELD = "upheld", "The file supports the ruling."
    WRONG = "wrong", "The file does not support the ruling."


class AgentState(Described):
    """Whether an agent works."""

    ACTIVE = "active", "Works."
    AWAY = "away", "Ill or on leave: the visits go to others."
    SUSPENDED = "suspended", "Does not work until a supervisor decides; all tablets are revoked."


class TabletState(Described):
    """An agent's tablet."""

    INVITED = "invited", "Has an invitation that was not used yet."
    ACTIVE = "active", "Enrolled."
    REVOKED = "revoked", "Cannot be used any more."


class BundleState(Described):
    """A sealed visit that came in."""

    RECEIVED = "received", "Stored, still sealed."
    OPENED = "opened", "Opened; its content was recorded."
    REFUSED = "refused", "Not accepted; the reason is stored."


class HoldState(Described):
    """A hold on an agent's visits."""

    OPEN = "open", "Waits for a supervisor."
    RELEASED = "released", "The visits count again."
    CONFIRMED = "confirmed", "The visits stay without effect."


class VisitState(Described):
    """A visit at home."""

    ASKED = "asked", "Wanted, without agent and day."
    PLANNED = "planned", "Has an agent and a day."
    CANCELLED = "cancelled", "No longer needed."
    MADE = "made", "The agent was at the address and recorded a result."
    MISSED = "missed", "The agent was at the address and found no one."


class VisitPart(Described):
    """The part of the day that a person wishes for."""

    MORNING = "morning", "Before noon."
    AFTERNOON = "afternoon", "After noon."


class VisitReason(Described):
    """Why a visit is needed."""

    ASKED = "asked", "The person asked for it."
    ATTEMPTS = "attempts", "The remote attempts are used up."
    AUDIT = "audit", "Drawn for the random sample of silent certifications."
    RECHECK = "recheck", "Another agent repeats a visit."
    OVERDUE = "overdue", "The proof of life is overdue."
    FUND = "fund", "The fund planned it."
    WALK_IN = "walk_in", "The agent met the person outside the plan."


class MessageChannel(Described):
    """How a message goes out."""

    SMS = "sms", "Text message."
    EMAIL = "email", "E-mail."
    LETTER = "letter", "Printed letter."
    APPRISE = "apprise", "Another service, through Apprise."


class MessageState(Described):
    """A message in the outbox."""

    WAITING = "waiting", "Is to be sent."
    SENT = "sent", "Was handed to the gateway."
    FAILED = "failed", "Was refused, or failed too often."
    CANCELLED = "cancelled", "Is no longer of use."


class AccessKind(Described):
    """How a person opens their own pages without a face."""

    LINK = "link", "A one-time link, as letters carry it."
    CODE = "code", "Six digits, sent to the person's phone or mailbox."


class SignInWay(Described):
    """How a person or a tablet signed in."""

    FACE = "face", "The face was recognised."
    CODE = "code", "With a code that came by message."
    LINK = "link", "With the link of a letter or message."
    PASSKEY = "passkey", "An agent, with the passkey of the tablet."


class SignInEnd(Described):
    """Why a sign-in ended before its time."""

    SIGNED_OUT = "signed_out", "Signed out on the device itself."
    ENDED_BY_OWNER = "ended_by_owner", "The person ended it from another device."
    ENDED_BY_OFFICER = "ended_by_officer", "An officer ended it."
    CONTACT_CHANGED = "contact_changed", "The telephone or e-mail of the person was changed."
    TABLET_REVOKED = "tablet_revoked", "The tablet was revoked."


class ConsentPurpose(Described):
    """What a person consents to."""

    FACE = "face", "Comparing their face with the enrolled references."


class RunState(Described):
    """A registry run."""

    HELD = "held", "The file looks unlike earlier ones; an officer accepts or refuses it."
    READY = "ready", "Checked and stored; waits to be carried out."
    LINKED = "linked", "Its rows are linked with people; the results are being applied."
    DONE = "done", "Carried out."
    REFUSED = "refused", "An officer refused the file."


class QuestionState(Described):
    """A link question: whether a registry record belongs to a person."""

    OPEN = "open", "Waits for an officer."
    SAME = "same", "The record is about this person."
    DIFFERENT = "different", "The record is about another person."
    WITHDRAWN = "withdrawn", "The source took the record back."


class AuditCause(Described):
    """Why a certification can be drawn for the random audit."""

    SILENT = "silent", "Records alone proved life."
    NO_POSSESSION = "no_possession", "A film proved life without the person's known phone, number, address or link."
    ATTESTATION = "attestation", "An institution's attestation proved life."


class AuditOutcome(Described):
    """What the check of a certification found."""

    ALIVE = "alive", "The person was seen or spoken to, after the day of the proof."
    FALSE_PASS = "false_pass", "The person was dead on the day of the proof, or it was another person."
    NOT_REACHED = "not_reached", "The person could not be reached; this counts as neither."
