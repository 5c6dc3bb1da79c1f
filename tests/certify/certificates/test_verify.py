"""Offline verification: every form of a certificate, and any other input as one of our errors."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from certify.certificates import (
    BadSignature,
    CertificateError,
    CertificateMalformed,
    KeySet,
    NotACertificate,
    SigningKey,
    State,
    UnknownKey,
    qr_png,
    sign,
    to_file,
    to_text,
    verify_any,
)
from certify.certificates.payload import Method
from certify.certificates.pdf import certificate_pdf
from certify.certificates.verify import signed_bytes
from certify.texts.sheet import sheet_words

from .conftest import NOW, build, trust


@pytest.fixture(scope="module")
def cose(key: SigningKey) -> bytes:
    return sign(build(key), key)


def forms(key: SigningKey, cose: bytes) -> dict[str, bytes | str]:
    certificate = build(key)
    picture = io.BytesIO()
    Image.open(io.BytesIO(qr_png(to_text(cose)))).convert("L").save(picture, "JPEG")
    file = to_file(certificate, cose)
    return {
        "cose": cose,
        "text": to_text(cose),
        "text bytes": to_text(cose).encode() + b"\r\n",
        "png": qr_png(to_text(cose)),
        "jpeg": picture.getvalue(),
        "json": file,
        "json bytes": b"\xef\xbb\xbf" + file.encode(),
        "pdf": certificate_pdf(certificate, cose, words=sheet_words("en", {}), created_at=NOW, fonts=()),
    }


def test_every_form_verifies(key: SigningKey, keys: KeySet, cose: bytes) -> None:
    for name, data in forms(key, cose).items():
        report = verify_any(data, keys, NOW)
        assert report.state is State.VALID, name
        assert report.certificate == build(key)
        assert report.key_id == key.kid
        assert signed_bytes(data) == cose


def test_every_form_of_an_untrusted_one_is_refused(key: SigningKey, cose: bytes) -> None:
    for data in forms(key, cose).values():
        with pytest.raises(UnknownKey):
            verify_any(data, trust(SigningKey.generate()), NOW)


def test_the_report_speaks_plainly(keys: KeySet, cose: bytes) -> None:
    report = verify_any(cose, keys, NOW)
    told = " ".join(report.lines)
    assert report.lines[0] == "Genuine and in date, unless it was revoked since: offline that cannot be seen."
    assert not report.only_a_face
    for expected in ("José Müller-Ortega", "2027-03-14", "employee", "revoked", "002X"):
        assert expected in told
    assert "EXPIRED" in verify_any(cose, keys, NOW + dt.timedelta(days=700)).lines[0]
    assert "NOT YET" in verify_any(cose, keys, NOW - dt.timedelta(days=700)).lines[0]


@pytest.mark.parametrize(
    ("assurance", "sentence"),
    [
        ("face", "Liveness was not assessed:"),
        ("face+liveness", "Liveness was assessed too:"),
        ("face+liveness+possession", "The person's known telephone, a code or a link was used."),
        ("face+attested", "An agent saw the person."),
        ("face+data", "Records of acts that need the living body were compared."),
        ("records", "Neither face nor liveness was assessed."),
        ("iris", "Assurance: iris"),
    ],
)
def test_the_report_says_in_words_what_was_assessed(key: SigningKey, assurance: str, sentence: str) -> None:
    told = verify_any(sign(build(key, assurance=assurance), key), trust(key), NOW).lines
    assert any(sentence in line for line in told)
    assert not any(f"({assurance})" in line for line in told)


@pytest.mark.parametrize("assurance", ["face", "face+possession"])
def test_a_face_only_certificate_never_reads_as_valid(key: SigningKey, assurance: str) -> None:
    report = verify_any(sign(build(key, assurance=assurance), key), trust(key), NOW)
    assert report.only_a_face
    assert report.lines[0].startswith("Genuine, but WEAK: only a face was compared")
    assert "valid" not in report.lines[0]


@pytest.mark.parametrize("assurance", ["face+liveness", "face+liveness+possession", "face+data", "face+attested"])
def test_more_than_a_face_is_not_weak(key: SigningKey, assurance: str) -> None:
    assert not verify_any(sign(build(key, assurance=assurance), key), trust(key), NOW).only_a_face


def test_a_visit_of_an_earlier_release_is_not_weak(key: SigningKey) -> None:
    """Its certificates said "face" although an agent saw the person."""
    visit = build(key, assurance="face", method=Method.DOORSTEP)
    assert not verify_any(sign(visit, key), trust(key), NOW).only_a_face


def test_the_readable_part_of_the_file_is_not_trusted(key: SigningKey, keys: KeySet, cose: bytes) -> None:
    document = json.loads(to_file(build(key), cose))
    document["shown"]["name"]["value"] = "An Impostor"
    document["shown"]["valid_until"]["value"] = "2099-12-31"
    assert verify_any(json.dumps(document), keys, NOW).certificate.name == "José Müller-Ortega"


def test_a_changed_file_is_refused(key: SigningKey, keys: KeySet, cose: bytes) -> None:
    forged = bytearray(cose)
    forged[-1] ^= 1
    with pytest.raises(BadSignature):
        verify_any(to_file(build(key), bytes(forged)), keys, NOW)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", NotACertificate),
        ("", NotACertificate),
        ("hello", NotACertificate),
        ("\ud800", NotACertificate),
        (b"\xff\xfe\x00", NotACertificate),
        (b"%PDF-1.7 nothing", NotACertificate),
        (
            b"%PDF-<cpl:certificate>CPL1:A</cpl:certificate><cpl:certificate>CPL1:B</cpl:certificate>",
            CertificateMalformed,
        ),
        ("{", NotACertificate),
        ('{"a":' * 12_000, NotACertificate),
        ("{" + " " * 70_000 + "}", NotACertificate),
        ("{}", NotACertificate),
        ('{"format": "certify-proof-of-life-1"}', CertificateMalformed),
        ('{"format": "certify-proof-of-life-1", "cose": 5}', CertificateMalformed),
        ('{"format": "certify-proof-of-life-1", "cose": "x"}', NotACertificate),
        (b"\xd2\x84", NotACertificate),
        (b"\x89PNG\r\n\x1a\n", NotACertificate),
        (b"\xff\xd8\xff", NotACertificate),
        ("CPL1:!", CertificateMalformed),
        (bytes(20_000_001), NotACertificate),
        ("9" * 20_000_001, NotACertificate),
    ],
    ids=range(20),
)
def test_rubbish_in_every_form(data: bytes | str, error: type[CertificateError]) -> None:
    with pytest.raises(error):
        verify_any(data, KeySet([]), NOW)


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_input_raises_only_certificate_errors(data: bytes | str) -> None:
    with pytest.raises(CertificateError):
        verify_any(data, KeySet([]), NOW)


@given(
    st.sampled_from(["%PDF-<cpl:certificate>CPL1:", "CPL1:", '{"format": "certify-proof-of-life-1", "cose": "CPL1:']),
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=60),
)
def test_plausible_beginnings_raise_only_certificate_errors(start: str, text: str) -> None:
    with pytest.raises(CertificateError):
        verify_any((start + text + '"}</cpl:certificate>').encode(), KeySet([]), NOW)
