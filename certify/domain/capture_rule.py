"""When a capture proves life, as a policy says it for one channel."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from certify.domain.policy_table import PolicyInvalid, Table


class LivenessRule(StrEnum):
    """What a capture must show besides a matching face. A capture with a failed liveness check never certifies."""

    REQUIRED = "required"
    WHEN_FILMED = "when_filmed"  # a video must show life; for a still photo, "advisory" applies
    ADVISORY = "advisory"  # "not assessed" is accepted, and the certificate says so


class ChallengeRule(StrEnum):
    """What a film must have answered to show life. What it shows besides is evidence at most."""

    NONE = "none"  # nothing: documents of earlier releases
    ANSWERED = "answered"  # the prompts of its plan
    COMPLETED = "completed"  # several kinds of movement; one alone needs light, or possession with a sign of life


class ZoneRule(StrEnum):
    """What happens after a capture whose face is in a zone below the operating point."""

    RETRY = "retry"  # a failed attempt like any other
    ASK = "ask"  # one more capture with advice on light, and both are pooled; after that an officer
    OFFICER = "officer"  # an officer compares the pictures; the person may try again meanwhile


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """When a capture proves life.

    The thresholds of the zones belong to the weights and stand in their calibration (models/calibration.toml).

    Attributes:
        min_llr: a log10 likelihood ratio that a match must reach besides the operating point of the calibration; None
            for no more than that. It alone judges captures of releases that had no zones.
        embedders: how many face models must have compared the face.
        liveness: what the capture must show besides the face.
        max_attempts: failed attempts after which an agent's visit is offered.
        attempt_window_days: days for which a failed attempt counts.
        attested: whether an agent sees the person, so that the assurance says "attested".
        months_without_possession: how long a proof is valid if the session was opened without the known number,
            address, phone or link of the person; None if these are not asked for.
        challenge: what a film must have answered.
        photo_sign_days: a still photo, or a film that shows one kind of movement alone, proves only together with
            possession and with acts that need the body, dated at most so many days before it; 0 if it never proves.
        photo_sign_weight: the least weight that these acts add up to.
        near: what happens after a capture just below the operating point.
        apart: what happens after a capture far below it; never ``ASK``.
    """

    min_llr: float | None
    embedders: int
    liveness: LivenessRule
    max_attempts: int
    attempt_window_days: int
    attested: bool = False
    months_without_possession: int | None = None
    photo_sign_days: int = 0
    photo_sign_weight: float = 0.5
    near: ZoneRule = ZoneRule.RETRY
    apart: ZoneRule = ZoneRule.RETRY
    challenge: ChallengeRule = ChallengeRule.NONE


def capture_rule(table: Table) -> CaptureRule:
    """Read the rule of one channel.

    Raises:
        PolicyInvalid: a value is missing, unknown or impossible.
    """
    rule = CaptureRule(
        min_llr=table.number("min_llr", 1.0, 12.0) if table.has("min_llr") else None,
        embedders=table.integer("embedders", 1, 3),
        liveness=table.word("liveness", LivenessRule),
        max_attempts=table.integer("max_attempts", 1, 20),
        attempt_window_days=table.integer("attempt_window_days", 1, 366),
        attested=table.take("attested", bool, False),
        # 0 in a file means "not asked for": TOML has no null, and a scheme must be able to override the common rule.
        months_without_possession=table.integer("months_without_possession", 0, 36, 0) or None,
        photo_sign_days=table.integer("photo_sign_days", 0, 366, 0),
        photo_sign_weight=table.number("photo_sign_weight", 0.1, 10.0, 0.5),
        # Documents of earlier releases lack these keys: every capture below the threshold is a failed attempt, and a
        # film need answer nothing.
        near=table.word("near", ZoneRule, ZoneRule.RETRY),
        apart=table.word("apart", ZoneRule, ZoneRule.RETRY),
        challenge=table.word("challenge", ChallengeRule, ChallengeRule.NONE),
    )
    table.done()
    if rule.apart is ZoneRule.ASK:
        raise PolicyInvalid(f"{table.where}: 'apart' is 'retry' or 'officer'; only a capture that is near asks again")
    return rule
