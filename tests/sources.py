"""The sources of the tests: each name is an institution of its own, for which everyone speaks, and reports all."""

from __future__ import annotations

from functools import cache

from certify.domain.channels import ATTESTERS
from certify.policies import load_policies
from certify.sources import SourceRegistry, parse_sources

NAMES = (
    *("a", "b", "r", "y"),
    *("city-hospital", "civil-registry", "clinics", "consulates", "deaths-registry", "health", "hospital", "hospitals"),
    *("household-register", "insurer", "life-events-registry", "police", "prison-registry", "registry"),
)


@cache
def sources_for_tests() -> SourceRegistry:
    """Return a registry that leaves the limits of sources to the tests about them (tests/certify/sources/)."""
    policies = [document.policy for document in load_policies().values()]
    reports = {
        "kinds": sorted({kind for policy in policies for kind in policy.adverse}),
        "acts": sorted({act for policy in policies for act in policy.signs}),
    }
    one = {**reports, "principals": ["*"], "attests": sorted(ATTESTERS)}
    return parse_sources(
        {
            "institutions": dict.fromkeys(NAMES, "An institution of the tests"),
            "sources": {name: {**one, "institution": name} for name in NAMES},
            "officers": {"kinds": reports["kinds"]},
        }
    )
