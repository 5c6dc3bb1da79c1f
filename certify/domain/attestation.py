"""What an attestation of an institution proves under a policy: how strongly, for how long, and where."""

from __future__ import annotations

from dataclasses import dataclass

ANY_COUNTRY = "any"
"""In place of a country code: attestations count wherever they were made."""


@dataclass(frozen=True, slots=True)
class AttestationRule:
    """What an attestation of one kind of institution proves under a policy.

    Attributes:
        rank: of two proofs of one day, the one with the higher rank counts; the ranks of the other channels are in
            :data:`certify.domain.channels.CHANNELS`.
        validity_months: how long the proof counts, but never longer than the policy says for all proofs.
        countries: codes of the countries in which it counts, or ``any``.
        justification: why the numbers are what they are.
    """

    rank: int
    validity_months: int
    countries: frozenset[str]
    justification: str

    def covers(self, country: str) -> bool:
        """Tell whether an attestation made in a country counts."""
        return ANY_COUNTRY in self.countries or country in self.countries
