"""The table of channels: complete, and consistent with certificates."""

from __future__ import annotations

from certify.certificates.payload import Method
from certify.domain.channels import ATTESTERS, CHANNELS, Channel


def test_every_channel_has_a_row() -> None:
    assert set(CHANNELS) == set(Channel)


def test_ranks_and_reasons_are_distinct() -> None:
    rules = CHANNELS.values()
    assert len({rule.rank for rule in rules}) == len(Channel)
    # Institutions that attest share a reason, which names the institution and its channel.
    assert len({rule.reason for rule in rules if not rule.attested}) == len(Channel) - len(ATTESTERS)


def test_methods_are_those_that_certificates_know() -> None:
    named = {rule.method for rule in CHANNELS.values() if rule.method is not None}
    assert named == {method.value for method in Method}


def test_no_certificate_rests_on_a_proof_that_this_service_did_not_see() -> None:
    assert [channel for channel, rule in CHANNELS.items() if rule.method is None] == [Channel.PRIOR]
