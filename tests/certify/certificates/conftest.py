"""Keys of both algorithms, the verifier's trusted keys, and certificates to sign."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from certify.certificates import (
    Algorithm,
    Certificate,
    CertifiedEntitlement,
    KeySet,
    Method,
    SigningKey,
    StatusReference,
    TrustedKey,
    new_number,
)

Make = Callable[..., Certificate]
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def build(key: SigningKey, **changes: object) -> Certificate:
    values: dict[str, object] = {
        "number": new_number(2026, bytes(range(1, 8))),
        "issuer": "Social Insurance Service",
        "key_id": key.kid,
        "name": "José Müller-Ortega",
        "birth_year": 1949,
        "national_id": "11010519491231002X",
        "entitlements": [CertifiedEntitlement("employee", dt.date(2027, 3, 14))],
        "method": Method.REMOTE_FACE,
        "assurance": "face+liveness",
        "issued_at": dt.datetime(2026, 3, 15, 9, 0, 0, 999_999, tzinfo=dt.UTC),
        "valid_from": dt.datetime(2026, 3, 15, 8, tzinfo=dt.UTC),
        "valid_until": dt.date(2027, 3, 14),
        "time_zone": "Asia/Shanghai",
        "determination": bytes(range(32)),
        "status": StatusReference(123_456, "https://certify.example.org/status/7"),
    }
    return Certificate.issue(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session", params=list(Algorithm), ids=str)
def any_key(request: pytest.FixtureRequest) -> SigningKey:
    return SigningKey.generate(request.param)


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
def keys(key: SigningKey) -> KeySet:
    return trust(key)


def trust(*keys: SigningKey) -> KeySet:
    return KeySet(TrustedKey(key.verification_key, LONG_AGO) for key in keys)
