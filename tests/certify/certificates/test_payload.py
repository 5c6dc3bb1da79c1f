"""The content of a certificate: conversion to claims and back, and values that the format does not allow."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.certificates import (
    Certificate,
    CertificateMalformed,
    CertifiedEntitlement,
    Method,
    SigningKey,
    UnsupportedVersion,
)
from certify.certificates.claims import Claim, from_claims, to_claims
from certify.certificates.payload import end_of_day

from .conftest import build

KEY = SigningKey.generate()
names = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=40)
days = st.dates(dt.date(2026, 4, 1), dt.date(2090, 1, 1))


@given(
    name=names,
    birth_year=st.none() | st.integers(1850, 2020),
    last=days,
    schemes=st.lists(st.from_regex(r"[a-z0-9_+-]{1,40}", fullmatch=True), min_size=1, max_size=12),
    method=st.sampled_from(Method),
    zone=st.sampled_from(["Asia/Shanghai", "America/Sao_Paulo", "Europe/Lisbon", "Pacific/Apia"]),
    determination=st.binary(min_size=32, max_size=32),
)
def test_claims_round_trip(
    name: str,
    birth_year: int | None,
    last: dt.date,
    schemes: list[str],
    method: Method,
    zone: str,
    determination: bytes,
) -> None:
    try:
        certificate = build(
            KEY,
            name=name,
            birth_year=birth_year,
            valid_until=last,
            entitlements=[CertifiedEntitlement(scheme, last) for scheme in schemes],
            method=method,
            time_zone=zone,
            determination=determination,
        )
    except ValueError:  # NFC can lengthen a name beyond the bounds
        return
    assert from_claims(to_claims(certificate), key_id=KEY.kid) == certificate


def claims(**changes: object) -> dict[Any, Any]:
    result: dict[Any, Any] = {**to_claims(build(KEY))}
    for name, value in changes.items():
        result[int(Claim[name])] = value
    return result


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("ISS", b"bytes"),
        ("ISS", ""),
        ("EXP", "soon"),
        ("EXP", 1),
        ("EXP", 2**80),
        ("NBF", True),
        ("IAT", 1.5),
        ("CTI", b"\xff"),
        ("CTI", b"PL-2026-0000-0000-0000"),
        ("VERSION", "1"),
        ("NAME", "a" * 121),
        ("NAME", "evil\u202ename"),
        ("NAME", "two\nlines"),
        ("NAME", "e\u0301"),
        ("BIRTH_YEAR", 12),
        ("ID_TAIL", "12345"),
        ("ENTITLEMENTS", []),
        ("ENTITLEMENTS", [["a", 1]] * 13),
        ("ENTITLEMENTS", [["a", True]]),
        ("ENTITLEMENTS", [["a", 20_000, 1]]),
        ("ENTITLEMENTS", [["a", 30_000]]),
        ("ENTITLEMENTS", [{}]),
        ("ENTITLEMENTS", [["\u990a", 20_000]]),
        ("METHOD", 9),
        ("METHOD", True),
        ("VALID_UNTIL", 10**12),
        ("VALID_UNTIL", -(10**9)),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("TIME_ZONE", "a\x00b"),
        ("DETERMINATION", bytes(31)),
        ("STATUS", {"status_list": {"idx": 1, "uri": "http://plain.example"}}),
        ("STATUS", {"status_list": {"idx": -1, "uri": "https://a.example"}}),
        ("STATUS", {"status_list": {"idx": 1, "uri": "https://a.example", "more": 1}}),
        ("STATUS", {}),
    ],
)
def test_a_malformed_claim_is_refused(claim: str, value: object) -> None:
    with pytest.raises(CertificateMalformed):
        from_claims(claims(**{claim: value}), key_id=KEY.kid)


@pytest.mark.parametrize("claim", [claim for claim in Claim if claim not in (Claim.STATUS, Claim.VERSION)])
def test_a_missing_claim_is_refused(claim: Claim) -> None:
    content = claims()
    del content[int(claim)]
    with pytest.raises(CertificateMalformed):
        from_claims(content, key_id=KEY.kid)


@pytest.mark.parametrize("content", [None, [], "x", {"1": 2}, {**claims(), 99: 1}, {**claims(), "x": 1}])
def test_content_other_than_the_map_of_claims_is_refused(content: object) -> None:
    with pytest.raises(CertificateMalformed):
        from_claims(content, key_id=KEY.kid)


def test_a_newer_version_says_so() -> None:
    with pytest.raises(UnsupportedVersion):
        from_claims(claims(VERSION=2), key_id=KEY.kid)


def test_without_status_reference() -> None:
    certificate = build(KEY, status=None)
    assert from_claims(to_claims(certificate), key_id=KEY.kid).status is None


def test_only_the_tail_of_the_national_id_is_kept() -> None:
    certificate = build(KEY)
    assert certificate.id_tail == "002X"
    assert "11010519491231" not in json.dumps(certificate.to_json())


def test_a_name_from_a_register_is_tidied() -> None:
    assert build(KEY, name="  Jose\u0301\t Mu\u0308ller\u200f\u0000 ").name == "José Müller"
    persian = "\u0645\u0631\u06cc\u0645\u200c\u0628\u06cc\u06af\u0645"
    assert build(KEY, name=persian).name == persian
    rare = "王\ue863\U000323b0"  # a private-use character, and one of a newer Unicode
    assert from_claims(to_claims(build(KEY, name=rare)), key_id=KEY.kid).name == rare


def test_json_has_labels_for_people() -> None:
    shown = build(KEY).to_json()
    assert shown["name"] == {"label": "Name", "value": "José Müller-Ortega"}
    assert shown["valid_until"]["value"] == "2027-03-14"
    assert shown["entitlements"] == [{"scheme": "employee", "valid_until": "2027-03-14"}]


@pytest.mark.parametrize(
    ("day", "zone", "ends"),
    [
        (dt.date(2027, 3, 14), "Asia/Shanghai", "2027-03-14T16:00:00"),
        (dt.date(2028, 2, 29), "Asia/Shanghai", "2028-02-29T16:00:00"),
        (dt.date(2026, 3, 29), "Europe/Berlin", "2026-03-29T22:00:00"),  # clocks went forward that morning
        (dt.date(2026, 10, 25), "Europe/Berlin", "2026-10-25T23:00:00"),  # and back
        (dt.date(2018, 11, 3), "America/Sao_Paulo", "2018-11-04T03:00:00"),  # midnight itself was skipped
        (dt.date(2026, 3, 7), "America/Havana", "2026-03-08T05:00:00"),  # likewise
        (dt.date(2011, 12, 29), "Pacific/Apia", "2011-12-30T10:00:00"),  # a whole day was skipped
    ],
)
def test_the_end_of_a_day(day: dt.date, zone: str, ends: str) -> None:
    assert end_of_day(day, zone) == dt.datetime.fromisoformat(ends).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": dt.datetime(2026, 3, 15)},  # noqa: DTZ001
        {"entitlements": []},
        {"entitlements": [CertifiedEntitlement("a", dt.date(2027, 3, 15))]},
        {"valid_from": dt.datetime(2028, 1, 1, tzinfo=dt.UTC)},
        {"time_zone": ""},
        {"valid_until": dt.date.max},
        {"determination": b""},
        {"number": "PL-1"},
    ],
)
def test_issue_refuses_what_the_format_does_not_allow(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each case has its own message
        build(KEY, **changes)


def test_a_certificate_outlives_a_small_change_of_zone_rules() -> None:
    content = claims()
    content[int(Claim.EXP)] += 3600
    certificate = from_claims(content, key_id=KEY.kid)
    assert certificate.expires_at - end_of_day(certificate.valid_until, "Asia/Shanghai") == dt.timedelta(hours=1)


def test_the_constructor_takes_only_whole_seconds_in_utc() -> None:
    certificate = build(KEY)
    values = {name: getattr(certificate, name) for name in Certificate.__dataclass_fields__}
    values["issued_at"] = certificate.issued_at.replace(microsecond=1)
    with pytest.raises(ValueError, match="whole seconds"):
        Certificate(**values)
