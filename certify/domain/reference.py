"""What a capture is worth by the references that it was compared with: templates of another system, drift, age."""

from __future__ import annotations

from certify.domain.capture_rule import CaptureRule
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import age_on, local_date
from certify.domain.states import FaceZone, Possession


def unproven_by_reference(capture: Capture) -> tuple[Check, tuple[Reason, ...]] | None:
    """Judge a capture whose face was compared with templates of another system, or has drifted; None for all others.

    What a stranger sent with the number of the person asks no officer, and neither does what shows no life.

    Args:
        capture: the capture; its liveness did not fail.

    Returns:
        The state and the reasons why the face proves nothing here; None if it matches references of this service, or
        matches in a visit, where the agent is the second proof.
    """
    fact, alive = capture.id, capture.liveness is Check.PASS or capture.channel is Channel.DOORSTEP
    officer = (reason(Code.FACE_FOR_OFFICER, fact),) if alive and not capture.public_entry else ()
    if capture.drifted:
        return Check.FAIL, (reason(Code.FACE_DRIFTED, fact), *officer)
    if not capture.foreign:
        return None
    if capture.llr is None or capture.zone is None:
        return Check.NOT_ASSESSED, (reason(Code.REFERENCE_NOT_COMPARABLE, fact), *officer)
    weak = reason(Code.REFERENCE_FOREIGN, fact)
    if capture.zone is not FaceZone.MATCH:
        return Check.FAIL, (reason(Code.FACE_DOES_NOT_MATCH, fact), weak, *officer)
    if capture.channel is Channel.DOORSTEP:
        return None
    return Check.NOT_ASSESSED, (reason(Code.REFERENCE_ALONE, fact), weak, *officer)


def can_be_completed(capture: Capture, rule: CaptureRule) -> bool:
    """Tell whether records of acts that need the body can complete a capture that matches a template of another system.

    The film shows life, and its session was opened with something that only the person has.

    Args:
        capture: the capture.
        rule: of its channel.
    """
    return (
        capture.foreign
        and not capture.drifted
        and capture.zone is FaceZone.MATCH
        and capture.acquired is Check.PASS
        and capture.filmed
        and capture.liveness is Check.PASS
        and capture.eyes is not Check.FAIL
        and capture.possession is Possession.SHOWN
        and capture.llr is not None
        and (rule.min_llr is None or capture.llr >= rule.min_llr)
    )


def about_reference(capture: Capture, timezone: str) -> tuple[Reason, ...]:
    """Return what a determination says about the reference of a capture that proves: its kind and its age.

    Args:
        capture: the capture.
        timezone: of the scheme.
    """
    said = [reason(Code.REFERENCE_FOREIGN, capture.id)] if capture.foreign else []
    if capture.reference_on is not None:
        day = local_date(capture.event_at, timezone)
        years = max(age_on(capture.reference_on, day), 0)
        said.append(reason(Code.REFERENCE_USED, capture.id, date=capture.reference_on, years=years))
    return tuple(said)
