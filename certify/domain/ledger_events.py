"""Events of the ledger: everything that changes a person's standing, and changes of keys, agents, tablets and feeds."""

from __future__ import annotations

from certify.domain.described import Described


class LedgerEvent(Described):
    """Name of a ledger entry. Entries are hashed permanently, so a name is never changed; new names are added."""

    PERSON_ENROLLED = "person_enrolled", "A person was enrolled with their pensions."
    PEOPLE_IMPORTED = (
        "people_imported",
        "A chunk of a file of people was imported.",
    )
    PERSON_ERASED = "person_erased", "A person's data key was deleted, and with it all their sealed data."
    REFERENCE_ADDED = "reference_added", "A reference image was stored and waits for its measurement."
    REFERENCE_ACTIVE = "reference_active", "A reference was measured and is used from now on."
    REFERENCE_REFUSED = "reference_refused", "A reference cannot be used."
    TEMPLATE_IMPORTED = "template_imported", "A template of a face that another system made was stored."
    REFERENCE_REFRESHED = "reference_refreshed", "A confirmed film or visit gave a new reference."
    REFERENCE_NOT_REFRESHED = (
        "reference_not_refreshed",
        "A confirmed film or visit gave no new reference; the entry says why.",
    )
    REFERENCE_RETIRED = "reference_retired", "A reference is not compared any more: later ones took its place."
    REFERENCE_REPLACED = "reference_replaced", "A reference was deleted, because two officers replaced the face."
    CONSENT_GIVEN = "consent_given", "The person consented to the comparison of their face."
    CONSENT_WITHDRAWN = "consent_withdrawn", "The person withdrew their consent."
    SIGN_INS_ENDED = "sign_ins_ended", "An officer ended all sign-ins of a person, or of an agent's tablets."
    CONTACT_CHANGED = "contact_changed", "The person asked for another telephone or e-mail, which is used a week later."
    CONTACT_KEPT = "contact_kept", "The person undid a change of telephone or e-mail."
    FACES_DELETED = "faces_deleted", "The references of a person were deleted."
    MEDIA_SENT_BEFORE = "media_sent_before", "Media of a session are a copy of earlier media or of a reference."
    DUPLICATE_FACE_FOUND = "duplicate_face_found", "A new reference looks like the face of another person."
    DUPLICATE_FACE_ANSWERED = "duplicate_face_answered", "An officer answered whether two people or one are enrolled."
    SESSION_DECIDED = "session_decided", "A capture session was evaluated, or closed because it could not be processed."
    EVIDENCE_RECORDED = "evidence_recorded", "A record of a source was added to the evidence about a person."
    EVIDENCE_DENIED = (
        "evidence_denied",
        "The person denied a sign of life or an attestation; it no longer counts.",
    )
    STANDING_CHANGED = "standing_changed", "A determination changed the standing, the payment or the end of validity."
    CERTIFICATE_ISSUED = "certificate_issued", "A certificate was signed."
    CERTIFICATE_VALID = "certificate_valid", "A paused certificate is valid again."
    CERTIFICATE_PAUSED = "certificate_paused", "A certificate was paused."
    CERTIFICATE_SUPERSEDED = "certificate_superseded", "A later certificate took the place of this one."
    CERTIFICATE_REVOKED = "certificate_revoked", "A certificate was revoked."
    REVIEW_OPENED = "review_opened", "A review case was opened."
    TERMS_STATED = "terms_stated", "The fund stated the terms of a pension, such as its amount or the end of the award."
    REVIEW_CLOSED = "review_closed", "A review case was closed."
    ACTION_PROPOSED = "action_proposed", "An officer, or the person, proposed an action that needs a second officer."
    ACTION_AGREED = "action_agreed", "A second officer agreed to an action that waits, such as an erasure."
    ACTION_CARRIED_OUT = "action_carried_out", "A proposed action was carried out, or one that needs one officer only."
    ACTION_REFUSED = "action_refused", "A second officer refused a proposed action."
    ACTION_RECALLED = "action_recalled", "A proposed or waiting action was recalled."
    ACTION_EXPIRED = "action_expired", "No second officer decided on a proposed action in time."
    RULING_DRAWN = "ruling_drawn", "A ruling was drawn for the audit."
    RULING_AUDITED = "ruling_audited", "The check of a drawn ruling was recorded."
    AUDIT_RECORDED = "audit_recorded", "The check of a certification of the random sample was recorded."
    FEED_IMPORTED = "feed_imported", "The file of a registry was imported."
    FEED_ACCEPTED = "feed_accepted", "An officer accepted a file that was held."
    FEED_REFUSED = "feed_refused", "An officer refused a file."
    RUN_CHUNK = "run_chunk", "A chunk of a registry run was applied."
    RUN_DONE = "run_done", "A registry run was completed."
    LINK_ANSWERED = "link_answered", "An officer answered a link question."
    AGENT_ADDED = "agent_added", "An agent was added."
    AGENT_CHANGED = "agent_changed", "Details of an agent were changed."
    AGENT_STATE = "agent_state", "An agent works, is away, or was suspended."
    AGENT_HELD = "agent_held", "Visits of an agent are held, because they differ too much from usual ones."
    AGENT_HOLD_DECIDED = "agent_hold_decided", "A supervisor decided on a hold."
    TABLET_INVITED = "tablet_invited", "An invitation for a tablet was made."
    TABLET_ENROLLED = "tablet_enrolled", "A tablet was enrolled."
    TABLET_REVOKED = "tablet_revoked", "A tablet was revoked."
    DAY_TAKEN = "day_taken", "A tablet loaded the visits of the next days."
    VISIT_NEEDED = "visit_needed", "A visit became necessary."
    VISIT_ASKED = "visit_asked", "A person wished for a visit."
    VISIT_WISH_WITHDRAWN = "visit_wish_withdrawn", "A person withdrew their wish; the visit itself stays necessary."
    VISIT_CANCELLED = "visit_cancelled", "A visit was cancelled."
    VISIT_PLANNED = "visit_planned", "A visit got an agent and a day."
    VISIT_LATE = "visit_late", "A planned visit was not made in time and is planned again."
    VISIT_RECEIVED = "visit_received", "A sealed visit came in from a tablet."
    VISIT_ADMITTED = "visit_admitted", "An officer admitted a sealed visit that was refused."
    VISIT_OPENED = "visit_opened", "A sealed visit was opened and recorded."
    VISIT_REFUSED = "visit_refused", "A sealed visit was refused."
    HOMES_EXPORTED = "homes_exported", "Addresses of visits were exported to a file."
    KEY_ROTATED = "key_rotated", "A signing key was retired, and a new one signs from now on."
    MASTER_KEY_CHANGED = "master_key_changed", "All data keys are wrapped by a new master key."
    ROWS_SEALED = "rows_sealed", "The rows that an earlier release wrote were sealed with the service's key."
    LEDGER_RESTORED = "ledger_restored", "An operator said that the database was restored from a backup."
