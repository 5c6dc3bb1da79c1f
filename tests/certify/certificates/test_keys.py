"""Signing keys and the file of trusted keys: ids, round trips, periods of use, and keys that are refused."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from certify.certificates import Algorithm, KeyNotInUse, KeySet, SigningKey, TrustedKey, UnknownKey, VerificationKey

from .conftest import LONG_AGO

Y26 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Y27 = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def test_the_key_id_is_the_rfc_7638_thumbprint() -> None:
    # RFC 8037 appendix A.3: thumbprint kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert VerificationKey.from_jwk(jwk).kid == "90facafea9b15566"


def test_private_round_trip(any_key: SigningKey) -> None:
    again = SigningKey.from_jwk(json.loads(json.dumps(any_key.to_jwk())))
    assert again == any_key
    assert again.to_jwk() == any_key.to_jwk()
    assert any_key.to_jwk()["d"] not in repr(any_key)


def test_public_round_trips(any_key: SigningKey) -> None:
    public = any_key.verification_key
    assert VerificationKey.from_jwk(public.to_jwk()) == public
    assert VerificationKey.from_public(load_pem_public_key(public.to_pem())) == public
    assert "d" not in public.to_jwk()
    assert public.to_jwk()["alg"] == public.algorithm.value


def test_a_private_key_is_refused_where_a_public_one_belongs(any_key: SigningKey) -> None:
    with pytest.raises(ValueError, match="private"):
        VerificationKey.from_jwk(any_key.to_jwk())
    with pytest.raises(ValueError, match="no private part"):
        SigningKey.from_jwk(any_key.verification_key.to_jwk())


@pytest.mark.parametrize(
    "change",
    [{"kid": "0" * 16}, {"alg": "HS256"}, {"kty": "oct", "k": "AAAA"}, {"x": "AA"}, {"x": 7}, {"crv": "P-521"}],
)
def test_bad_public_keys(any_key: SigningKey, change: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each case has its own message
        VerificationKey.from_jwk({**any_key.verification_key.to_jwk(), **change})


def test_other_kinds_of_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="Ed25519 or P-256"):
        SigningKey.from_private(x25519.X25519PrivateKey.generate())
    with pytest.raises(ValueError, match="Ed25519 or P-256"):
        SigningKey.from_private(ec.generate_private_key(ec.SECP384R1()))


def test_the_two_halves_must_belong_together() -> None:
    one, other = SigningKey.generate().to_jwk(), SigningKey.generate().to_jwk()
    with pytest.raises(ValueError, match=r".+"):
        SigningKey.from_jwk({**one, "x": other["x"]})


def test_the_key_file_round_trips(any_key: SigningKey) -> None:
    other = SigningKey.generate(Algorithm.ES256)
    keys = KeySet(
        [TrustedKey(other.verification_key, Y26, Y27, retired=Y27), TrustedKey(any_key.verification_key, LONG_AGO)]
    )
    again = KeySet.from_json(keys.to_json())
    assert again.keys == keys.keys
    assert again.to_json() == keys.to_json()
    assert again.keys[0].key == any_key.verification_key
    assert keys.to_pem().count(b"BEGIN PUBLIC KEY") == 2


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"keys": {}}', '{"keys": [1]}', '{"keys": [{}]}', "[" * 100_000, " " * 1_000_001],
)
def test_bad_key_files(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each case has its own message
        KeySet.from_json(text)


@pytest.mark.parametrize("change", [{"valid_from": None}, {"valid_from": "2026-01-01T00:00:00"}, {"retired": 5}])
def test_bad_periods(key: SigningKey, change: dict[str, object]) -> None:
    entry = {**TrustedKey(key.verification_key, Y26).to_jwk(), **change}
    with pytest.raises(ValueError):  # noqa: PT011 - each case has its own message
        KeySet.from_json(json.dumps({"keys": [entry]}))


def test_a_key_id_occurs_once(key: SigningKey) -> None:
    with pytest.raises(ValueError, match="twice"):
        KeySet([TrustedKey(key.verification_key, Y26)] * 2)


def test_periods_of_use(key: SigningKey) -> None:
    second = dt.timedelta(seconds=1)
    keys = KeySet([TrustedKey(key.verification_key, Y26, valid_until=Y27 + second, retired=Y27)])
    keys.require_in_use(key.kid, Y26)
    keys.require_in_use(key.kid, Y27 - second)
    for moment in (Y26 - second, Y27):
        with pytest.raises(KeyNotInUse):
            keys.require_in_use(key.kid, moment)
    with pytest.raises(UnknownKey):
        keys.find("00")
    assert keys.find(key.kid) == key.verification_key
