"""Payloads on which CBOR libraries choke are malformed, even if the signature is genuine."""

from __future__ import annotations

import cbor2
import pytest
from cwt import COSE
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import CertificateMalformed, SigningKey, sign
from certify.certificates.claims import to_claims
from certify.certificates.plain_cbor import is_plain
from certify.certificates.signing import _private_key, verify

from .conftest import NOW, build, trust

KEY = SigningKey.generate()
CLAIMS = cbor2.dumps(to_claims(build(KEY)), canonical=True)


def signed(payload: bytes) -> bytes:
    protected = {1: KEY.algorithm.cose, 4: bytes.fromhex(KEY.kid)}
    data = COSE.new(deterministic_header=True).encode_and_sign(payload, _private_key(KEY), protected=protected)
    assert isinstance(data, bytes)
    return data


CHOKING = {
    "deep arrays": b"\x81" * 1500 + b"\x01",
    "deep maps": b"\xa1\x01" * 700 + b"\x01",
    "deep tags": b"\xc1" * 1500 + b"\x01",
    "array of 2^60": b"\x9b\x10" + bytes(7),
    "map of 2^60": b"\xbb\x10" + bytes(7),
    "bytes of 2^60": b"\x5b\x10" + bytes(7),
    "text of 2^32": b"\x7a\xff\xff\xff\xff",
    "open array": b"\x9f\x01\xff",
    "open map": b"\xbf\x01\x02\xff",
    "open text": b"\x7f\x61a\xff",
    "nothing": b"",
    "break alone": b"\xff",
    "reserved length": b"\x1c",
    "same key twice": b"\xa2\x01\x02\x01\x03",
    "map as key": b"\xa1\xa1\x01\x02\x03",
    "no number": b"\xf9\x7e\x00",
    "endless number": b"\xfa\x7f\x80\x00\x00",
    "number with a point": b"\xfb\x3f\xf0" + bytes(6),
    "undefined": b"\xf7",
    "simple value": b"\xf8\x20",
    "date": b"\xc0\x74not a date at all!!!",
    "large number": b"\xc2\x49\x01" + bytes(8),
    "pattern": b"\xd8\x23\x61(",
    "address": b"\xd9\x01\x04\x41\x00",
    "shared object": b"\xd8\x1c\x81\xd8\x1d\x00",
    "text that is none": b"\x62\xff\xfe",
    "claims and more": CLAIMS + b"\x00",
    "claims, cut": CLAIMS[:-1],
    "claims within a tag": b"\xd9\xd9\xf7" + CLAIMS,
    "long form of a length": b"\xb8" + bytes([CLAIMS[0] & 31]) + CLAIMS[1:],
}


@pytest.mark.parametrize("name", CHOKING)
def test_attack_a_payload_that_libraries_choke_on_is_malformed(name: str) -> None:
    with pytest.raises(CertificateMalformed):
        verify(signed(CHOKING[name]), trust(KEY), now=NOW)


def test_claims_are_plain() -> None:
    assert is_plain(CLAIMS)
    assert verify(sign(build(KEY), KEY), trust(KEY), now=NOW).key_id == KEY.kid


@given(st.binary(max_size=60))
def test_what_is_plain_is_read_by_the_library(data: bytes) -> None:
    if not is_plain(data):
        return
    try:
        cbor2.loads(data)
    except (ValueError, TypeError):
        return  # a text that is no UTF-8, a key that cannot be one: both are caught
