"""What an attestation of an institution proves under a policy: how strongly, for how long, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from certify.domain.policy_table import PolicyInvalid, Table

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


def attestation_rule(table: Table) -> AttestationRule:
    """Read the rule of one kind of institution from its table.

    Raises:
        PolicyInvalid: a value is missing, unknown or impossible; the text names the table and the key.
    """
    countries = frozenset(table.take("countries", list))
    if bad := [code for code in countries if code != ANY_COUNTRY and not re.fullmatch(r"[A-Z]{2}", str(code))]:
        raise PolicyInvalid(
            f"{table.where}: 'countries' has codes of two capital letters or '{ANY_COUNTRY}', not {bad}"
        )
    rule = AttestationRule(
        rank=table.integer("rank", 1, 9),
        validity_months=table.integer("validity_months", 1, 36),
        countries=countries,
        justification=table.take("justification", str),
    )
    table.done()
    return rule
