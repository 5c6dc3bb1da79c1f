"""Claims of identity providers, translated: the shapes of Keycloak and Entra, and shapes that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from certify.issuers.mapping import ClaimMap
from certify.issuers.trust import TokenRefused

NAMES = {"fund-officer": "officer", "fund-auditor": "auditor", "also-officer": "officer"}


def _role(claims: dict[str, Any], **attributes: Any) -> Any:
    return ClaimMap(**attributes)(claims)["role"]


def test_without_a_mapping_the_claim_is_ours() -> None:
    assert _role({"role": "officer"}) == "officer"
    assert _role({"role": ["officer"]}) == "officer"


def test_a_name_of_a_claim_may_have_dots() -> None:
    assert _role({"https://fund.example/role": "officer"}, role=("https://fund.example/role",)) == "officer"


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["fund-officer"], "officer"),
        (["offline_access", "fund-auditor", "uma_authorization"], "auditor"),
        (["fund-officer", "also-officer"], "officer"),
    ],
)
def test_names_of_the_provider_are_translated_and_others_ignored(roles: list[str], role: str) -> None:
    claims = {"realm_access": {"roles": roles}}
    assert _role(claims, role=("realm_access", "roles"), role_names=NAMES) == role


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"roles": []},
        {"roles": ["offline_access"]},
        {"roles": ["officer"]},
        {"roles": ["fund-officer", "fund-auditor"]},
    ],
)
def test_attack_no_role_and_several_roles_are_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        _role(claims, role=("roles",), role_names=NAMES)


def test_of_several_roles_the_first_of_the_file_is_taken_if_the_file_says_so() -> None:
    for roles in (["fund-officer", "fund-auditor"], ["fund-auditor", "fund-officer"]):
        assert _role({"roles": roles}, role=("roles",), role_names=NAMES, first_role=True) == "officer"
    with pytest.raises(TokenRefused):
        _role({"roles": ["x"]}, role=("roles",), role_names=NAMES, first_role=True)


def test_limits_are_found_and_become_lists() -> None:
    mapping = ClaimMap(scopes={"regions": ("extension_region",), "schemes": ("fund", "schemes")})
    claims = mapping({"role": "officer", "extension_region": "north", "fund": {"schemes": ["employee", "resident"]}})
    assert (claims["regions"], claims["schemes"]) == (["north"], ["employee", "resident"])


def test_attack_a_limit_that_is_missing_is_not_unlimited() -> None:
    mapping = ClaimMap(scopes={"regions": ("region",)})
    with pytest.raises(TokenRefused, match="region"):
        mapping({"role": "officer"})


@pytest.mark.parametrize("value", [5, None, True, {"officer": 1}, [["officer"]], [None], 1.5])
def test_attack_claims_of_wrong_types_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="neither a text"):
        _role({"role": value})
    with pytest.raises(ValueError, match="neither a text"):
        ClaimMap(scopes={"sources": ("s",)})({"role": "officer", "s": value})
