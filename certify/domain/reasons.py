"""Reasons of a determination: stable codes for machines, one plain sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Code(StrEnum):
    """Reason codes. Their names are part of the API: never renamed, only added."""

    PROVEN_REMOTE = "proven_remote"
    PROVEN_DOORSTEP = "proven_doorstep"
    PROVEN_DATA = "proven_data"
    PROVEN_CONSULATE = "proven_consulate"
    PROVEN_ATTESTED = "proven_attested"
    PROVEN_OFFICER = "proven_officer"
    PROVEN_PRIOR = "proven_prior"
    PROVEN_FACE_DATA = "proven_face_data"
    PROVEN_MOVEMENT_DATA = "proven_movement_data"
    PROVEN_TEMPLATE_DATA = "proven_template_data"
    LIVENESS_NOT_ASSESSED = "liveness_not_assessed"
    POSSESSION_MISSING = "possession_missing"
    NEVER_PROVEN = "never_proven"
    PROOF_EXPIRED = "proof_expired"
    IN_GRACE = "in_grace"
    OVERDUE = "overdue"
    FACE_NOT_ACQUIRED = "face_not_acquired"
    FACE_DOES_NOT_MATCH = "face_does_not_match"
    FACE_NOT_COMPARED = "face_not_compared"
    FACE_NEARLY_MATCHES = "face_nearly_matches"
    FACE_FOR_OFFICER = "face_for_officer"
    FACE_DRIFTED = "face_drifted"
    REFERENCE_FOREIGN = "reference_foreign"
    REFERENCE_ALONE = "reference_alone"
    REFERENCE_NOT_COMPARABLE = "reference_not_comparable"
    REFERENCE_USED = "reference_used"
    LIVENESS_FAILED = "liveness_failed"
    LIVENESS_REQUIRED = "liveness_required"
    FILM_UNPROMPTED = "film_unprompted"
    ONE_MOVEMENT_ALONE = "one_movement_alone"
    MOVEMENTS_ALONE = "movements_alone"
    EYES_CLOSED = "eyes_closed"
    CHANNEL_NOT_ACCEPTED = "channel_not_accepted"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    SIGNS_INSUFFICIENT = "signs_insufficient"
    ATTESTATION_NOT_ACCEPTED = "attestation_not_accepted"
    ADVERSE_PAUSES = "adverse_pauses"
    ADVERSE_OTHER_PATH = "adverse_other_path"
    ADVERSE_REVIEW = "adverse_review"
    ADVERSE_UNKNOWN_KIND = "adverse_unknown_kind"
    ADVERSE_VOIDED = "adverse_voided"
    ADVERSE_DECIDED = "adverse_decided"
    VOID_NOT_ENTITLED = "void_not_entitled"
    STOPPED_BY_SOURCES = "stopped_by_sources"
    LIFE_RESUMES_PAYMENT = "life_resumes_payment"
    STOPPED_BY_OFFICER = "stopped_by_officer"
    OWED_UNTIL = "owed_until"
    PROOF_CONTRADICTS_DEATH = "proof_contradicts_death"
    FUTURE_DATED = "future_dated"
    BELOW_MINIMUM_AGE = "below_minimum_age"
    AGE_NOT_ASSESSED = "age_not_assessed"
    ENTITLED_UNTIL = "entitled_until"
    ENDS_SOON = "ends_soon"
    ENTITLEMENT_ENDED = "entitlement_ended"
    END_NOT_ASSESSED = "end_not_assessed"
    END_DATES_DIFFER = "end_dates_differ"
    CONDITION_FOUND = "condition_found"
    REVIEW_ON = "review_on"
    REVIEW_DUE = "review_due"
    REVIEW_LATE = "review_late"
    REVIEW_NOT_KNOWN = "review_not_known"
    PART_PAYABLE = "part_payable"
    PART_IN_QUESTION = "part_in_question"
    RECORD_CHANGES_NOTHING = "record_changes_nothing"
    RESIDENCE_EXPLAINED = "residence_explained"
    RESIDENCE_NOT_NAMED = "residence_not_named"
    ATTESTATION_NOT_OF_COUNTRY = "attestation_not_of_country"


UNKNOWN_FROM = date(1900, 1, 1)
"""The first possible day of an event of which no date is known at all."""
_TEXTS: dict[Code, str] = {
    Code.PROVEN_REMOTE: "Proven alive on {date} by a photo that matches the enrolled face.",
    Code.PROVEN_DOORSTEP: "Proven alive on {date} by an agent's visit.",
    Code.PROVEN_DATA: "Proven alive on {date} by records of other services ({acts}).",
    Code.PROVEN_CONSULATE: "Proven alive on {date} before a consular officer.",
    Code.PROVEN_ATTESTED: "Proven alive on {date}: '{institution}' attests that its {channel} saw the person.",
    Code.PROVEN_OFFICER: "Confirmed alive on {date} by an officer of the fund.",
    Code.PROVEN_PRIOR: "Proven alive on {date}, before this service began.",
    Code.PROVEN_FACE_DATA: (
        "Proven alive on {date} by a photo that matches the enrolled face, together with records of acts that need "
        "the body ({acts}, weight {weight} of {needed})."
    ),
    Code.PROVEN_MOVEMENT_DATA: (
        "Proven alive on {date} by a film that matches the enrolled face and shows the movement that was asked for, "
        "together with records of acts that need the body ({acts}, weight {weight} of {needed})."
    ),
    Code.PROVEN_TEMPLATE_DATA: (
        "Proven alive on {date} by a film that matches a template of another system, together with the person's own "
        "phone, a code or a link, and with records of acts that need the body ({acts}, weight {weight} of {needed})."
    ),
    Code.POSSESSION_MISSING: (
        "The person's own phone, a code or a link was not used, so this proof is valid for {months} months."
    ),
    Code.LIVENESS_NOT_ASSESSED: "Whether a living person stood before the camera was not assessed.",
    Code.NEVER_PROVEN: "No proof of life has been recorded yet.",
    Code.PROOF_EXPIRED: "The last proof of life ran out on {date}.",
    Code.IN_GRACE: "The proof of life is due; there is time until {date}, and the pension continues.",
    Code.OVERDUE: "No proof of life came by {date}. An officer will make contact; nothing stops by itself.",
    Code.FACE_NOT_ACQUIRED: "The photo could not be used.",
    Code.FACE_DOES_NOT_MATCH: "The face in the photo does not match the enrolled face well enough.",
    Code.FACE_NOT_COMPARED: "The face could not be compared with enough face models.",
    Code.FACE_NEARLY_MATCHES: (
        "The face nearly matches the enrolled one. One more photo or film in better light is asked for, and both count "
        "together."
    ),
    Code.FACE_FOR_OFFICER: "An officer compares the face with the enrolled one.",
    Code.FACE_DRIFTED: (
        "The face matches references of later proofs, and not the enrolled ones. An officer compares the pictures."
    ),
    Code.REFERENCE_FOREIGN: (
        "The face was compared with a template of another system, by a weaker face model. It never decides alone."
    ),
    Code.REFERENCE_ALONE: (
        "A template of another system is the only reference of this person, so a second proof is needed: the person's "
        "own phone, a code or a link together with records of acts that need the body, a visit, or an officer."
    ),
    Code.REFERENCE_NOT_COMPARABLE: (
        "The only reference of this person is a template of another system, and the face model that can compare it is "
        "not installed. A visit or an officer can confirm the person."
    ),
    Code.REFERENCE_USED: "The face is nearest to a reference of {date}. Its age in full years: {years}.",
    Code.LIVENESS_FAILED: "The photo looks like a picture of a picture or a screen.",
    Code.LIVENESS_REQUIRED: "This scheme needs a check that a living person stands before the camera.",
    Code.FILM_UNPROMPTED: (
        "The film does not answer what the screen asked at its moments, so it does not show that it was made now. "
        "Please make a new film here; the screen shows what to do."
    ),
    Code.ONE_MOVEMENT_ALONE: (
        "The movement that was asked for was seen, and it is not enough alone. It counts together with the colours of "
        "the screen, or with the own phone, a code or a link and a recent record of an act that needs the body. "
        "Otherwise an agent comes to the door."
    ),
    Code.MOVEMENTS_ALONE: (
        "The movements that were asked for were seen. From a phone that is not known for this person they are not "
        "enough without the colours of the screen. They count together with the own phone, a code or a link and a "
        "recent record of an act that needs the body. Otherwise an agent comes to the door."
    ),
    Code.EYES_CLOSED: "The eyes were closed.",
    Code.CHANNEL_NOT_ACCEPTED: "This scheme does not accept this way of proving life for this person.",
    Code.TOO_MANY_ATTEMPTS: "Several attempts did not succeed; an agent can come to the door instead.",
    Code.SIGNS_INSUFFICIENT: (
        "Records of other services show signs of life, but not enough of them (weight {weight} of {threshold})."
    ),
    Code.ATTESTATION_NOT_ACCEPTED: (
        "An attestation of '{institution}' ({channel}, {country}) is not one that this scheme accepts."
    ),
    Code.ADVERSE_PAUSES: (
        "A record of kind '{kind}' from '{source}' pauses the certificate until an officer has looked. "
        "The pension continues."
    ),
    Code.ADVERSE_OTHER_PATH: (
        "A record of kind '{kind}' from '{source}' asks for another way of proving life: {paths}."
    ),
    Code.ADVERSE_REVIEW: "A record of kind '{kind}' from '{source}' needs an officer's look.",
    Code.ADVERSE_UNKNOWN_KIND: "A record of a kind this scheme does not know ('{kind}') needs an officer's look.",
    Code.ADVERSE_VOIDED: "A record of kind '{kind}' from '{source}' was taken back and has no effect.",
    Code.ADVERSE_DECIDED: (
        "A record of kind '{kind}' from '{source}' reports an event on which an officer has ruled already. "
        "It pauses and stops nothing; an officer looks at it."
    ),
    Code.VOID_NOT_ENTITLED: "Somebody other than the source tried to take back a record; it still stands.",
    Code.STOPPED_BY_SOURCES: (
        "{count} independent institutions report '{kind}'; the payment stops. An appeal restores it with back-pay."
    ),
    Code.LIFE_RESUMES_PAYMENT: (
        "Several sources report '{kind}', but the person was seen alive on {date}, later than that. "
        "The pension continues until an officer has looked."
    ),
    Code.STOPPED_BY_OFFICER: "An officer stopped the payment.",
    Code.OWED_UNTIL: "The pension is owed until {date}. What was paid for later days was overpaid.",
    Code.PROOF_CONTRADICTS_DEATH: (
        "A proof of life dated {date} is later than the reported death of {death}: the report may be wrong."
    ),
    Code.FUTURE_DATED: "Something dated in the future ({date}) was left out.",
    Code.BELOW_MINIMUM_AGE: "This benefit starts at age {age}.",
    Code.AGE_NOT_ASSESSED: "The date of birth is missing, so the age could not be assessed.",
    Code.ENTITLED_UNTIL: "The pension is awarded until {date}.",
    Code.ENDS_SOON: "The pension ends on {date}. {proof}",
    Code.ENTITLEMENT_ENDED: "The entitlement ended on {date}.",
    Code.END_NOT_ASSESSED: "The date of birth is missing, so the end of the pension could not be assessed.",
    Code.END_DATES_DIFFER: (
        "The award ends on {award}, and by the date of birth the pension ends on {birth}. An officer looks at it; the "
        "later day counts, and nothing stops by itself."
    ),
    Code.CONDITION_FOUND: "An officer found that '{about}' continues until {date}.",
    Code.REVIEW_ON: "The next review of '{about}' is on {date}.",
    Code.REVIEW_DUE: "The review of '{about}' is due on {date}. The pension continues.",
    Code.REVIEW_LATE: "The review of '{about}' was due on {date}. An officer decides; nothing stops by itself.",
    Code.REVIEW_NOT_KNOWN: "The fund has not stated when '{about}' is reviewed next.",
    Code.PART_PAYABLE: "From {since} the part {fraction} is payable while '{rule}' holds ({until}): {justification}.",
    Code.PART_IN_QUESTION: (
        "The records behind the finding '{rule}' were taken back, so the whole pension is payable until an officer has "
        "looked."
    ),
    Code.RECORD_CHANGES_NOTHING: (
        "Officers found that a record of kind '{kind}' from '{source}' is wrong or changes nothing."
    ),
    Code.RESIDENCE_EXPLAINED: (
        "A record of kind '{kind}' from '{source}' agrees with the second residence ({country}) that the fund knows."
    ),
    Code.RESIDENCE_NOT_NAMED: (
        "A record of kind '{kind}' from '{source}' names no country; it may mean the second residence ({country}) that "
        "the fund knows, so an officer looks at it."
    ),
    Code.ATTESTATION_NOT_OF_COUNTRY: (
        "An attestation of '{institution}' ({channel}) is not accepted from {country}: {needs}."
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """A code with its parameters, sorted by name, and the ids of the facts that it rests on."""

    code: Code
    params: tuple[tuple[str, str], ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the reason as one plain English sentence."""
        params = dict(self.params)
        text = _TEXTS[self.code].format_map(params)
        if "first" in params and "last" in params:
            said = said_span(date.fromisoformat(params["first"]), date.fromisoformat(params["last"]))
            text += f" The day is not known exactly: it was {said}."
        elif "first" in params:
            since = date.fromisoformat(params["first"])
            early = "is not known" if since <= UNKNOWN_FROM else f"may be as early as {since}"
            text += f" The day of the death {early}."
        return text


def said_span(first: date, last: date) -> str:
    """Say in English when something happened whose day is not known: "in March 2026".

    Args:
        first: the first possible day; 1 January 1900 if nothing is known.
        last: the last possible day.

    Returns:
        The words.
    """
    if first <= UNKNOWN_FROM:
        return f"on an unknown day until {last.day} {last:%B %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"in {first:%B %Y}"
    if first.year == last.year and (first.month, first.day) == (1, 1) and last.month == 12:
        return f"in {first.year}"
    return f"between {first.day} {first:%B %Y} and {last.day} {last:%B %Y}"


def reason(code: Code, *facts: str, **params: object) -> Reason:
    """Build a reason. Parameters become text; facts and parameters are sorted, so that their order never matters."""
    return Reason(code, tuple(sorted((k, str(v)) for k, v in params.items())), tuple(sorted(set(facts))))
