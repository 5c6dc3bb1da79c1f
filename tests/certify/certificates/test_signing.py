"""Signing and verifying: every changed bit is refused, and keys and dates count as signed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import cbor2
import pytest
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import (
    Algorithm,
    BadSignature,
    CertificateError,
    CertificateMalformed,
    CertifiedEntitlement,
    KeyNotInUse,
    KeySet,
    NotACertificate,
    SigningKey,
    State,
    StatusReference,
    TrustedKey,
    UnknownKey,
    UnsupportedVersion,
    sign,
)
from certify.certificates.claims import Claim, to_claims
from certify.certificates.qr import qr_code, to_text
from certify.certificates.signing import MAX_COSE_BYTES, read_unverified, verify

from .conftest import LONG_AGO, NOW, build, trust

SECOND = dt.timedelta(seconds=1)


def test_round_trip(any_key: SigningKey) -> None:
    certificate = build(any_key)
    found = verify(sign(certificate, any_key), trust(any_key), now=NOW)
    assert found.certificate == certificate
    assert found.state is State.VALID
    assert found.key_id == any_key.kid


def test_eddsa_is_deterministic(key: SigningKey) -> None:
    assert sign(build(key), key) == sign(build(key), key)


def test_every_flipped_bit_is_refused(any_key: SigningKey) -> None:
    data = sign(build(any_key, status=None), any_key)
    keys = trust(any_key)
    for place in range(len(data)):
        # all bits in the headers, one bit elsewhere: each costs a signature check
        for bit in range(8) if place < 24 else (place % 8,):
            forged = bytearray(data)
            forged[place] ^= 1 << bit
            with pytest.raises(CertificateError):
                verify(bytes(forged), keys, now=NOW)


def test_cut_and_padded_messages_are_refused(key: SigningKey, keys: KeySet) -> None:
    data = sign(build(key), key)
    for length in range(len(data)):
        with pytest.raises(CertificateError):
            verify(data[:length], keys, now=NOW)
    for forged in (data + b"\x00", b"\xd8\x3d" + data, data[1:]):
        with pytest.raises(CertificateError):
            verify(forged, keys, now=NOW)


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(CertificateError):
        verify(data, KeySet([]), now=NOW)
    with pytest.raises(CertificateError):
        verify(b"\xd2\x84" + data, KeySet([]), now=NOW)


def test_too_long(keys: KeySet) -> None:
    with pytest.raises(NotACertificate):
        verify(b"\xd2" * (MAX_COSE_BYTES + 1), keys, now=NOW)


def encode(key: SigningKey, payload: bytes, protected: dict[int, Any], unprotected: dict[int, Any]) -> bytes:
    jwk = key.to_jwk()
    cose_key = COSEKey.new({**COSEKey.from_jwk(dict(jwk)).to_dict(), 2: bytes.fromhex(key.kid)})
    tag = COSE.new().encode_and_sign(payload, cose_key, protected=protected, unprotected=unprotected)
    assert isinstance(tag, bytes)
    return tag


def headers(key: SigningKey) -> dict[int, Any]:
    return {1: key.algorithm.cose, 4: bytes.fromhex(key.kid)}


def test_the_algorithm_is_the_keys_own(any_key: SigningKey) -> None:
    data = sign(build(any_key), any_key)
    other = Algorithm.ES256 if any_key.algorithm is Algorithm.EDDSA else Algorithm.EDDSA
    renamed = data.replace(
        cbor2.dumps(cbor2.dumps(headers(any_key))),
        cbor2.dumps(cbor2.dumps({1: other.cose, 4: bytes.fromhex(any_key.kid)})),
    )
    assert renamed != data
    with pytest.raises(BadSignature, match="another algorithm"):
        verify(renamed, trust(any_key), now=NOW)


def test_a_mac_with_the_public_key_is_refused(key: SigningKey, keys: KeySet) -> None:
    secret = COSEKey.from_symmetric_key(key.verification_key.to_pem(), alg="HS256", kid=bytes.fromhex(key.kid))
    payload = cbor2.dumps(to_claims(build(key)), canonical=True)
    data = COSE.new().encode_and_mac(payload, secret, protected={1: 5, 4: bytes.fromhex(key.kid)})
    assert isinstance(data, bytes)
    with pytest.raises(NotACertificate):
        verify(data, keys, now=NOW)
    with pytest.raises(NotACertificate):  # the same bytes under the tag of a signature
        verify(b"\xd2" + data[1:], keys, now=NOW)


def test_unprotected_headers_are_refused(key: SigningKey, keys: KeySet) -> None:
    payload = cbor2.dumps(to_claims(build(key)), canonical=True)
    assert verify(encode(key, payload, headers(key), {}), keys, now=NOW).state is State.VALID
    for protected, unprotected in (
        (headers(key), {99: b"x"}),
        ({1: key.algorithm.cose}, {4: bytes.fromhex(key.kid)}),
        ({**headers(key), 3: 60}, {}),
    ):
        with pytest.raises(NotACertificate):
            verify(encode(key, payload, protected, unprotected), keys, now=NOW)


def test_signed_but_malformed_payloads_are_refused(key: SigningKey, keys: KeySet) -> None:
    claims = to_claims(build(key))
    canonical = cbor2.dumps(claims, canonical=True)
    payloads = [
        b"",
        b"\xff",
        cbor2.dumps([1]),
        cbor2.dumps(dict(reversed(list(claims.items())))),
        canonical + b"\x00",
        b"\xb0" + canonical[1:] + cbor2.dumps(1) + cbor2.dumps("again"),
        cbor2.dumps({**claims, 1: cbor2.undefined}, canonical=True),
        b"\x81" * 1000,
    ]
    for payload in payloads:
        with pytest.raises(CertificateMalformed):
            verify(encode(key, payload, headers(key), {}), keys, now=NOW)
    newer = cbor2.dumps({**claims, int(Claim.VERSION): 2}, canonical=True)
    with pytest.raises(UnsupportedVersion):
        verify(encode(key, newer, headers(key), {}), keys, now=NOW)


def test_an_unknown_key(key: SigningKey) -> None:
    data = sign(build(key), key)
    with pytest.raises(UnknownKey):
        verify(data, trust(SigningKey.generate()), now=NOW)


def test_a_forger_who_names_a_trusted_key(key: SigningKey, keys: KeySet) -> None:
    payload = cbor2.dumps(to_claims(build(key)), canonical=True)
    forged = encode(SigningKey(key.kid, key.algorithm, SigningKey.generate().private), payload, headers(key), {})
    with pytest.raises(BadSignature):
        verify(forged, keys, now=NOW)


def test_a_retired_key_verifies_what_it_signed_before(key: SigningKey) -> None:
    before = build(key)
    data = sign(before, key)
    successor = SigningKey.generate()
    public = key.verification_key

    def rotated(retired: dt.datetime) -> KeySet:
        return KeySet([TrustedKey(public, LONG_AGO, retired=retired), TrustedKey(successor.verification_key, retired)])

    assert verify(data, rotated(before.issued_at + SECOND), now=NOW).state is State.VALID
    with pytest.raises(KeyNotInUse):
        verify(data, rotated(before.issued_at), now=NOW)
    with pytest.raises(KeyNotInUse):
        verify(data, KeySet([TrustedKey(public, before.issued_at + SECOND)]), now=NOW)
    assert verify(sign(build(successor), successor), rotated(before.issued_at), now=NOW).key_id == successor.kid


@pytest.mark.parametrize(
    ("zone", "day", "ends"),
    [
        ("Asia/Shanghai", dt.date(2027, 3, 14), dt.datetime(2027, 3, 14, 16, tzinfo=dt.UTC)),
        ("Asia/Shanghai", dt.date(2028, 2, 29), dt.datetime(2028, 2, 29, 16, tzinfo=dt.UTC)),
        ("Europe/Berlin", dt.date(2027, 3, 28), dt.datetime(2027, 3, 28, 22, tzinfo=dt.UTC)),
        ("Europe/Berlin", dt.date(2026, 10, 25), dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)),
        ("America/New_York", dt.date(2026, 11, 1), dt.datetime(2026, 11, 2, 5, tzinfo=dt.UTC)),
    ],
)
def test_expiry_to_the_second(key: SigningKey, keys: KeySet, zone: str, day: dt.date, ends: dt.datetime) -> None:
    entitlements = [CertifiedEntitlement("employee", day)]
    data = sign(build(key, time_zone=zone, valid_until=day, entitlements=entitlements), key)
    shanghai = dt.timezone(dt.timedelta(hours=8))
    assert verify(data, keys, now=(ends - SECOND).astimezone(shanghai)).state is State.VALID
    late = verify(data, keys, now=ends.astimezone(shanghai))
    assert late.state is State.EXPIRED


def test_not_yet_valid(key: SigningKey, keys: KeySet) -> None:
    certificate = build(key)
    data = sign(certificate, key)
    early = verify(data, keys, now=certificate.valid_from - SECOND)
    assert early.state is State.NOT_YET_VALID

    assert verify(data, keys, now=certificate.valid_from).state is State.VALID


def test_now_must_be_aware(key: SigningKey, keys: KeySet) -> None:
    with pytest.raises(ValueError, match="aware"):
        verify(sign(build(key), key), keys, now=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_signing_with_another_key_than_named(key: SigningKey) -> None:
    with pytest.raises(ValueError, match="another key"):
        sign(build(key), SigningKey.generate())


def test_a_certificate_at_every_bound_still_fits_one_qr_code(key: SigningKey) -> None:
    day = dt.date(2027, 3, 14)
    certificate = build(
        key,
        name="𠀀" * 120,
        issuer="𠀀" * 80,
        assurance="𠀀" * 40,
        national_id="𠀀" * 4,
        entitlements=[CertifiedEntitlement("x" * 40, day)] * 12,
        time_zone="America/Argentina/ComodRivadavia",
        status=StatusReference(2**32 - 1, "https://" + "x" * 120),
    )
    data = sign(certificate, key)
    assert len(data) <= MAX_COSE_BYTES
    assert qr_code(to_text(data)).version


def test_diagnostics_are_sentences_without_personal_data() -> None:
    for kind in CertificateError.__subclasses__():
        assert kind("x").diagnostics().endswith(".")
        assert kind.code != CertificateError.code


def test_reading_without_the_signature_gives_the_same_and_refuses_another_form(any_key: SigningKey) -> None:
    certificate = build(any_key)
    data = sign(certificate, any_key)
    assert read_unverified(data) == verify(data, trust(any_key), now=NOW).certificate == certificate
    forged = data[:-1] + bytes([data[-1] ^ 1])
    assert read_unverified(forged) == certificate, "it does not look at the signature, as it says"
    for broken, error in (
        (b"", NotACertificate),
        (data[:-1], CertificateMalformed),
        (data + b"\0", CertificateMalformed),
    ):
        with pytest.raises(error):
            read_unverified(broken)
