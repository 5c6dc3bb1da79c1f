"""The issuers file: what is accepted, and one sentence for everything that is not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from certify.errors import Unavailable
from certify.issuers.file import load_issuers
from certify.issuers.tokens import Role, ed25519_jwk

_SECRET = ed25519_jwk(b"s" * 32)
KEY = {name: value for name, value in _SECRET.items() if name != "d"}
STATIC: dict[str, Any] = {"issuer": "https://id.fund.example", "roles": ["officer"], "keys": [KEY]}
FETCHED: dict[str, Any] = {
    "issuer": "https://id.fund.example",
    "roles": ["officer"],
    "discovery": "https://id.fund.example",
}


def _load(folder: Path, content: Any) -> Any:
    path = folder / "issuers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return load_issuers(path)


def test_keys_and_discovery(tmp_path: Path) -> None:
    static, fetched = _load(
        tmp_path, [STATIC, {**FETCHED, "issuer": "https://login.example/t/v2.0", "longest_hours": 1}]
    )
    assert static.roles == {Role.OFFICER}
    assert (static.audiences, static.longest) == (("certify",), timedelta(hours=12))
    assert fetched.keys.discovery == "https://id.fund.example"
    assert fetched.longest == timedelta(hours=1)


def test_attack_an_issuer_cannot_be_given_the_roles_of_the_service(tmp_path: Path) -> None:
    (issuer,) = _load(tmp_path, [{**STATIC, "roles": ["officer", "self", "tablet", "pensioner"]}])
    assert issuer.roles == {Role.OFFICER}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[", "it is not JSON"),
        ("[]", "it names no issuer"),
        ("{}", "valid list"),
        ("[{}]", "entry 1, issuer: field required"),
        ([STATIC, {**FETCHED, "issuer": "https://b.example", "rolls": []}], "entry 2"),
        ([{**STATIC, "roles": ["king"]}], "entry 1, roles, 0"),
        ([{**STATIC, "roles": ["self"]}], "only roles that the service itself gives"),
        ([{**STATIC, "issuer": "certify:sessions"}], "one of the service's own"),
        ([{**STATIC, "keys": []}], "entry 1, keys"),
        ([{**STATIC, "keys": [_SECRET]}], "holds a secret key"),
        ([{**STATIC, "keys": [{"kty": "oct", "k": "c2VjcmV0"}]}], "holds a secret key"),
        ([{**STATIC, "keys": [{"kty": "OKP"}]}], "not a public JWK"),
        ([STATIC, STATIC], "twice"),
        ([{**STATIC, **FETCHED}], "either 'keys' or 'discovery'"),
        ([{**FETCHED, "discovery": "http://id.fund.example"}], "must begin with https://"),
        ([{**FETCHED, "discovery": "file:///etc/passwd"}], "must begin with https://"),
        ([{**FETCHED, "discovery": "https://user:word@id.fund.example"}], "must begin with https://"),
        ([{**FETCHED, "longest_hours": 9000}], "longest_hours"),
        ([{**FETCHED, "audience": ""}], "'audience' is empty"),
        ([{**FETCHED, "audience": []}], "'audience' is empty"),
        ([{**FETCHED, "claims": {"several_roles": "first"}}], "gives no order"),
        ([{**FETCHED, "claims": {"role": "a..b"}}], "entry 1, claims, role"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(Unavailable) as refused:
        _load(tmp_path, content)
    assert refused.value.code == "issuers_file"
    assert reason in refused.value.message
    assert "\n" not in refused.value.message
    assert str(_SECRET["d"]) not in refused.value.message


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unavailable, match="cannot be used") as refused:
        load_issuers(tmp_path / name)
    assert refused.value.code == "issuers_file"
