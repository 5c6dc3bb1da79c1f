"""Channels by which life can be proven, with everything that depends on the channel in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from certify.domain.reasons import Code


class Channel(StrEnum):
    """A way to prove life."""

    REMOTE = "remote"  # a capture session on the person's own phone
    DOORSTEP = "doorstep"  # a visit by an agent
    DATA = "data"  # signs of life in registries; the person does nothing
    CONSULATE = "consulate"  # in person before a consular officer, who attests it
    BANK = "bank"  # in person at a counter of a bank, which attests it
    POST = "post"  # in person at a counter of the post, which attests it
    NOTARY = "notary"  # in person before a notary, who attests it
    DOCTOR = "doctor"  # in person before a doctor, who attests it
    OFFICER = "officer"  # an officer of the fund decided on a review case
    PRIOR = "prior"  # a proof made before certify was introduced, taken over at import


class Attester(StrEnum):
    """Who stands behind a proof."""

    PERSON = "person"  # the person themselves, in front of their own camera
    AGENT = "agent"  # an agent of the fund, at the door
    REGISTRIES = "registries"  # institutions that recorded signs of life
    INSTITUTION = "institution"  # a consulate, bank, post office, notary or doctor who saw the person
    OFFICER = "officer"
    FUND = "fund"  # what the fund accepted before certify was introduced


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """The properties of a channel.

    Attributes:
        rank: of two proofs of one day, the one with the higher rank counts: its attester was nearer to the body.
        reason: the code that a determination gives for a proof by this channel.
        method: how a certificate names it, a value of :class:`certify.certificates.payload.Method`; None where no
            certificate can rest on it, because this service did not see the proof.
        attester: who may attest a proof by this channel.
        captured: whether capture sessions of this channel exist, so that a policy can set thresholds for them.
        in_person: whether a person saw the body, so that the proof can contradict a reported death.
        attested: whether an institution attests it, so that a policy says how strong it is and for how long it counts.
    """

    rank: int
    reason: Code
    method: str | None
    attester: Attester
    captured: bool = False
    in_person: bool = False
    attested: bool = False


def _attested(rank: int, reason: Code) -> ChannelRule:
    return ChannelRule(
        rank=rank, reason=reason, method="attested", attester=Attester.INSTITUTION, in_person=True, attested=True
    )


CHANNELS: Mapping[Channel, ChannelRule] = MappingProxyType(
    {
        Channel.PRIOR: ChannelRule(rank=0, reason=Code.PROVEN_PRIOR, method=None, attester=Attester.FUND),
        Channel.DATA: ChannelRule(rank=1, reason=Code.PROVEN_DATA, method="data", attester=Attester.REGISTRIES),
        Channel.REMOTE: ChannelRule(
            rank=2, reason=Code.PROVEN_REMOTE, method="remote_face", attester=Attester.PERSON, captured=True
        ),
        Channel.DOORSTEP: ChannelRule(
            rank=3,
            reason=Code.PROVEN_DOORSTEP,
            method="doorstep",
            attester=Attester.AGENT,
            captured=True,
            in_person=True,
        ),
        Channel.DOCTOR: _attested(4, Code.PROVEN_ATTESTED),
        Channel.POST: _attested(5, Code.PROVEN_ATTESTED),
        Channel.BANK: _attested(6, Code.PROVEN_ATTESTED),
        Channel.NOTARY: _attested(7, Code.PROVEN_ATTESTED),
        Channel.CONSULATE: _attested(8, Code.PROVEN_CONSULATE),
        Channel.OFFICER: ChannelRule(rank=9, reason=Code.PROVEN_OFFICER, method="officer", attester=Attester.OFFICER),
    }
)
"""One row for each channel; a test checks that none is missing."""

ATTESTERS = frozenset(channel.value for channel, rule in CHANNELS.items() if rule.attested)
"""Channels by which institutions attest that they saw a person."""
