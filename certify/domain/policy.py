"""The versioned rules of a scheme, as data. Parsing is strict: an unknown or impossible value is refused at load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from certify.domain.attestation import AttestationRule, attestation_rule
from certify.domain.capture_rule import CaptureRule, ChallengeRule, LivenessRule, ZoneRule, capture_rule
from certify.domain.channels import ATTESTERS, CHANNELS, Channel
from certify.domain.entitlement_rules import EntitlementRules, entitlement_rules
from certify.domain.four_eyes import FourEyesRule, TwoOfficers
from certify.domain.policy_table import PolicyInvalid, Table

__all__ = [
    "AttestationRule",
    "CaptureRule",
    "ChallengeRule",
    "LivenessRule",
    "Policy",
    "PolicyInvalid",
    "ZoneRule",
    "parse_policy",
]


class Effect(StrEnum):
    """What an adverse record does."""

    PAUSE = "pause"  # no certificate until an officer has looked; the payment continues
    OTHER_PATH = "other_path"  # life must be proven by one of the named channels
    REVIEW = "review"  # an officer is asked; nothing else changes
    NONE = "none"  # known, without effect under this scheme


class OwedUntil(StrEnum):
    """Until when a pension is owed that stops because of a record."""

    DAY = "day"  # of the event
    MONTH = "month"  # the last day of its month
    PREVIOUS_MONTH = "previous_month"  # the last day of the month before


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Channels accepted from an age on (completed years)."""

    from_age: int
    accepted: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class AdverseRule:
    """What one kind of adverse record does.

    Attributes:
        effect: what one record does.
        can_stop: whether several independent reports of this kind (``Policy.stop_sources``) stop the payment.
        paths: the channels that remain, with the effect ``OTHER_PATH``.
        refuted_by_life: whether seeing the person alive shows the record to be wrong (true of a death, not of a move
            abroad).
        owed_until: until when the pension is owed if it stops; None if the record says nothing about it.
        ends_by_event: whether the event ends the pension by law, as remarriage can. Only officers stop it for that.
    """

    effect: Effect
    can_stop: bool
    paths: frozenset[Channel]
    refuted_by_life: bool = False
    owed_until: OwedUntil | None = None
    ends_by_event: bool = False


@dataclass(frozen=True, slots=True)
class SignRule:
    """The weight of one act.

    Attributes:
        weight: what one sign of this act adds up to.
        body_present: whether only the living body can do it.
        max_count: how many signs of this act count at most.
        justification: why the weight is what it is.
    """

    weight: float
    body_present: bool
    max_count: int
    justification: str


@dataclass(frozen=True, slots=True)
class SilentRule:
    """When signs of life alone prove life: the total weight and the number of body-present acts needed."""

    threshold: float
    min_body_present: int


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """When a confirmed proof gives a new reference, so that references age no faster than the person.

    Attributes:
        refresh_after_days: a proof by face, life and possession gives one if the newest is at least so many days old;
            0 if none does.
        keep: how many references of proofs are kept beside the enrolled ones; the oldest is retired.
    """

    refresh_after_days: int = 0
    keep: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one scheme in one version.

    Attributes:
        scheme: name of the scheme.
        version: version of these rules.
        title: name of the scheme for people.
        timezone: the IANA time zone in which an instant becomes a date.
        validity_months: how long a proof is valid.
        window_days: days before the due date on which the next proof may be given.
        grace_days: days after the due date before a pension counts as overdue.
        stop_sources: how many independent reports stop a payment, at least two: each of an institution and a principal
            of its own.
        min_age: completed years from which the benefit is paid; None for no minimum.
        capture: what a capture must show, by channel.
        bands: the channels accepted from each age on, in rising order.
        adverse: what each kind of adverse record does.
        signs: the weight of each act in signs of life.
        silent: when signs of life alone prove life.
        attestation: what attestations of institutions prove, by channel; a channel that is missing proves nothing.
        life_resumes_payment: whether a person who was seen alive after several sources reported a death is paid until
            an officer has looked.
        same_event_days: how far the dates of two reports of one event can lie apart. A report that copies an event on
            which an officer has ruled asks an officer, and pauses and stops nothing. -1: copies count as new events.
        four_eyes: what two officers are needed for.
        references: when a confirmed proof gives a new reference.
        asks_from: the day from which the scheme asks for proofs. An import before it makes no first proof due earlier.
        in_force_from: the first day of these rules; until then the scheme's earlier ones hold. None: since ever.
        entitlement: the rules about the entitlement itself: its end, reviews, parts and payment.
    """

    scheme: str
    version: str
    title: str
    timezone: str
    validity_months: int
    window_days: int
    grace_days: int
    stop_sources: int
    min_age: int | None
    capture: Mapping[Channel, CaptureRule]
    bands: tuple[AgeBand, ...]
    adverse: Mapping[str, AdverseRule]
    signs: Mapping[str, SignRule]
    silent: SilentRule
    attestation: Mapping[Channel, AttestationRule] = field(default_factory=dict)
    life_resumes_payment: bool = False
    same_event_days: int = -1
    four_eyes: FourEyesRule = field(default_factory=FourEyesRule)
    references: ReferenceRule = field(default_factory=ReferenceRule)
    asks_from: date | None = None
    in_force_from: date | None = None
    entitlement: EntitlementRules = field(default_factory=EntitlementRules)

    def accepted(self, age: int | None) -> frozenset[Channel]:
        """Return the channels accepted at an age; if the age is unknown, the channels accepted at every age."""
        if age is None:
            return frozenset.intersection(*(band.accepted for band in self.bands))
        fitting = [band for band in self.bands if band.from_age <= age]
        return fitting[-1].accepted if fitting else frozenset()


def parse_policy(data: Mapping[str, Any]) -> Policy:
    """Build a policy from a parsed TOML document.

    Args:
        data: the document.

    Returns:
        The policy.

    Raises:
        PolicyInvalid: a value is missing, unknown or impossible; the text names the table and the key.
    """
    top = Table(data, "policy")
    zone = top.take("timezone", str)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise PolicyInvalid(f"policy: 'timezone' is unknown ({zone!r})") from error
    min_age = top.integer("min_age", 0, 130, -1) if "min_age" in data else None
    policy = Policy(
        scheme=_scheme_name(top.take("scheme", str)),
        version=top.take("version", str),
        title=top.take("title", str),
        timezone=zone,
        validity_months=top.integer("validity_months", 1, 36),
        window_days=top.integer("window_days", 0, 366),
        grace_days=top.integer("grace_days", 0, 366),
        # One source must never stop a payment (docs/decisions/0004-decide-is-pure.md), whatever a policy says.
        stop_sources=top.integer("stop_sources", 2, 9),
        min_age=min_age,
        capture={
            Channel(name): capture_rule(Table(table, f"capture.{name}"))
            for name, table in top.take("capture", dict).items()
            if _is_capture_channel(name)
        },
        bands=_bands(top.take("bands", list)),
        adverse={name: _adverse_rule(Table(t, f"adverse.{name}")) for name, t in top.take("adverse", dict).items()},
        signs={name: _sign_rule(Table(t, f"signs.{name}")) for name, t in top.take("signs", dict).items()},
        silent=_silent_rule(Table(top.take("silent", dict), "silent")),
        attestation={
            Channel(name): attestation_rule(Table(table, f"attestation.{name}"))
            for name, table in top.take("attestation", dict, {}).items()
            if _is_attested_channel(name)
        },
        life_resumes_payment=top.take("life_resumes_payment", bool, False),
        # Documents of earlier releases lack the two keys. Their replays must come out as they did.
        same_event_days=top.integer("same_event_days", 0, 92, -1) if "same_event_days" in data else -1,
        four_eyes=_four_eyes(Table(top.take("four_eyes", dict, {}), "four_eyes")),
        references=_reference_rule(Table(top.take("references", dict, {}), "references")),
        asks_from=_day(top, "asks_from"),
        in_force_from=_day(top, "in_force_from"),
        entitlement=entitlement_rules(top),
    )
    top.done()
    for name in policy.entitlement.part_while:
        if name not in policy.adverse or policy.adverse[name].effect not in (Effect.PAUSE, Effect.REVIEW):
            raise PolicyInvalid(f"part_while.{name}: a record of this kind must pause or ask (adverse.{name})")
    for channel, rule in policy.capture.items():
        if (rule.months_without_possession or 0) > policy.validity_months:
            raise PolicyInvalid(
                f"capture.{channel}: 'months_without_possession' must not be longer than 'validity_months'"
            )
    return policy


def _day(table: Table, key: str) -> date | None:
    # A text, because documents are stored as JSON.
    text = table.take(key, str, None)
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise PolicyInvalid(f"{table.where}: '{key}' is a day such as \"2027-01-01\", not {text!r}") from None


def _scheme_name(name: str) -> str:
    # What a certificate can carry, and what fits in a file name, a metric and a URL.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise PolicyInvalid(f"policy: 'scheme' must be 1 to 40 small letters, digits or _, not {name!r}")
    return name


def _is_capture_channel(name: str) -> bool:
    if name not in {channel.value for channel, rule in CHANNELS.items() if rule.captured}:
        raise PolicyInvalid(f"capture.{name}: only 'remote' and 'doorstep' are captured")
    return True


def _is_attested_channel(name: str) -> bool:
    if name not in ATTESTERS:
        raise PolicyInvalid(f"attestation.{name}: known are {', '.join(sorted(ATTESTERS))}")
    return True


def _bands(tables: list[Mapping[str, Any]]) -> tuple[AgeBand, ...]:
    bands = []
    for number, data in enumerate(tables):
        table = Table(data, f"bands[{number}]")
        bands.append(AgeBand(table.integer("from_age", 0, 130), table.channels("accepted")))
        table.done()
    if not bands or bands[0].from_age != 0 or [b.from_age for b in bands] != sorted({b.from_age for b in bands}):
        raise PolicyInvalid("bands: 'from_age' must start at 0 and rise")
    return tuple(bands)


def _adverse_rule(table: Table) -> AdverseRule:
    rule = AdverseRule(
        effect=table.word("effect", Effect),
        can_stop=table.take("can_stop", bool, False),
        paths=table.channels("paths", []),
        refuted_by_life=table.take("refuted_by_life", bool, False),
        owed_until=table.word("owed_until", OwedUntil) if table.has("owed_until") else None,
        ends_by_event=table.take("ends_by_event", bool, False),
    )
    table.done()
    if (rule.effect is Effect.OTHER_PATH) != bool(rule.paths):
        raise PolicyInvalid(f"{table.where}: 'paths' goes with the effect 'other_path', and only with it")
    if rule.can_stop and rule.effect is not Effect.PAUSE:
        raise PolicyInvalid(f"{table.where}: 'can_stop' needs the effect 'pause': the certificate pauses first")
    if rule.ends_by_event and (rule.can_stop or rule.effect not in (Effect.PAUSE, Effect.REVIEW)):
        # A register can confuse two people, and two registers copy from each other: an officer decides.
        raise PolicyInvalid(f"{table.where}: 'ends_by_event' goes with the effects 'review' and 'pause' alone")
    if rule.owed_until and not (rule.can_stop or rule.ends_by_event):
        raise PolicyInvalid(f"{table.where}: 'owed_until' needs 'can_stop' or 'ends_by_event': otherwise nothing ends")
    return rule


def _sign_rule(table: Table) -> SignRule:
    rule = SignRule(
        weight=table.number("weight", 0.0, 10.0),
        body_present=table.take("body_present", bool),
        max_count=table.integer("max_count", 1, 100, 1),
        justification=table.take("justification", str),
    )
    table.done()
    return rule


def _four_eyes(table: Table) -> FourEyesRule:
    shipped = FourEyesRule()
    rule = FourEyesRule(
        needs_two=table.words("needs_two", TwoOfficers, [word.value for word in shipped.needs_two]),
        erasure_wait_hours=table.integer("erasure_wait_hours", 0, 720, shipped.erasure_wait_hours),
        audit_share=table.number("audit_share", 0.0, 1.0, shipped.audit_share),
    )
    table.done()
    return rule


def _reference_rule(table: Table) -> ReferenceRule:
    shipped = ReferenceRule()
    rule = ReferenceRule(
        refresh_after_days=table.integer("refresh_after_days", 0, 3660, shipped.refresh_after_days),
        keep=table.integer("keep", 1, 5, shipped.keep),
    )
    table.done()
    return rule


def _silent_rule(table: Table) -> SilentRule:
    rule = SilentRule(
        threshold=table.number("threshold", 0.1, 100.0),
        min_body_present=table.integer("min_body_present", 1, 10),
    )
    table.done()
    return rule
