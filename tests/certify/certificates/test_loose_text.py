"""What people copy: a certificate's text with line ends, blanks, quote marks and other words around it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable

import pytest

from certify.certificates import (
    BadSignature,
    CertificateError,
    CertificateMalformed,
    KeySet,
    NotACertificate,
    SigningKey,
    UnknownKey,
    sign,
    to_file,
    to_text,
    verify_any,
)
from certify.certificates.errors import SeveralCertificates
from certify.certificates.loose_text import from_loose_text
from certify.certificates.verify import signed_bytes

from .conftest import NOW, build, trust


@pytest.fixture(scope="module")
def texts(key: SigningKey) -> list[str]:
    """Return texts of certificates, among them some with blanks at many places."""
    return [to_text(sign(build(key, name=f"Maria Nr. {number}"), key)) for number in range(12)]


def cut(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


def wrapped(text: str, width: int = 72) -> str:
    """Wrap at blanks, which then are gone, and between letters: as mail programs do."""
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False))


CHANGES: dict[str, Callable[[str], str]] = {
    "blanks around it": lambda text: f"  \t{text}   \r\n",
    "lines of 76": lambda text: "\r\n".join(cut(text, 76)),
    "lines with blanks at their ends": lambda text: " \n".join(cut(text, 80)),
    "wrapped at blanks": wrapped,
    "quoted by mail": lambda text: "\n".join(f"> {line}" for line in cut(text, 76)),
    "quoted twice": lambda text: "\n".join(f">> {line}" for line in cut(text, 70)),
    "indented": lambda text: "\n".join(f"    {line}" for line in cut(text, 76)),
    "soft line ends of mail": lambda text: "=\r\n".join(cut(text, 75)),
    "in quote marks": lambda text: f'"{text}"',
    "in typographic quote marks": lambda text: f"\u201e{text}\u201c",
    "in brackets": lambda text: f"<{text}>",
    "in code marks": lambda text: f"`{text}`",
    "with a full stop": lambda text: f"My certificate is {text}.",
    "in a mail": lambda text: f"Dear Sir,\n\nhere it is:\n\n{wrapped(text)}\n\nKind regards\nAnna",
    "in a sentence": lambda text: f"Certificate: {text} (please keep it)",
    "sent twice": lambda text: f"{text}\n\n> {text}\n",
    "a blank after the prefix": lambda text: text.replace("CPL1:", "CPL1: "),
    "blanks that do not break": lambda text: text.replace(" ", "\u00a0"),
    "marks that are not seen": lambda text: "\ufeff\u200b" + text[:50] + "\u200b" + text[50:] + "\u00ad",
    "an answer of the service": lambda text: json.dumps({"number": "x", "text": text, "content": {"name": ["A"]}}),
    "a list of the service": lambda text: json.dumps([{"id": 1}, {"certificate": {"text": text}}], indent=2),
    "part of an answer": lambda text: '"state": "valid",\n  "text": ' + json.dumps(text).replace("/", "\\/") + ",",
    "a text of JSON": json.dumps,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copied_text_is_read(change: str, texts: list[str], keys: KeySet) -> None:
    for text in texts:
        changed = CHANGES[change](text)
        for form in (changed, changed.encode(), changed.encode("utf-16"), b"\xef\xbb\xbf" + changed.encode()):
            assert verify_any(form, keys, NOW).certificate.name == verify_any(text, keys, NOW).certificate.name


def test_two_certificates_in_one_text_are_named(texts: list[str], key: SigningKey) -> None:
    for both in (f"{texts[0]}\n\n{texts[1]}", json.dumps([{"text": texts[0]}, {"text": texts[1]}])):
        with pytest.raises(SeveralCertificates) as several:
            signed_bytes(both)
        assert "2 certificates" in several.value.diagnostics()
        assert "Maria Nr. 0" in several.value.diagnostics()


@pytest.mark.parametrize("lost", [1, 3, 40, 200])
def test_a_text_that_lost_letters_says_so(texts: list[str], lost: int) -> None:
    for text in (texts[0][:-lost], texts[0][:100] + texts[0][100 + lost :]):
        with pytest.raises(CertificateMalformed) as damaged:
            from_loose_text(text)
        assert "not whole" in damaged.value.diagnostics()


def test_the_reason_fits_what_was_given() -> None:
    for data, reason in {
        '{"state": "valid"}': "This JSON holds no",
        "hello": "a text that begins with CPL1:",
        b"%PDF-1.7 nothing": "neither a certificate nor a scan",
        b"%PDF-1.7 /Encrypt nothing": "locked with a password",
        bytes(20_000_001): "too large",
    }.items():
        with pytest.raises(NotACertificate) as refused:
            signed_bytes(data)  # type: ignore[arg-type]
        assert reason in refused.value.diagnostics()
        assert "sharper" not in refused.value.diagnostics()


def test_the_file_stays_as_it_was(key: SigningKey, texts: list[str]) -> None:
    cose = sign(build(key), key)
    assert signed_bytes("\n  " + to_file(build(key), cose)) == cose


def test_an_altered_text_with_lost_blanks_stays_forged(key: SigningKey, texts: list[str]) -> None:
    with pytest.raises(UnknownKey):
        verify_any(wrapped(texts[0]), KeySet([]), NOW)
    forged = bytearray(sign(build(key), key))
    forged[-1] ^= 1
    with pytest.raises(BadSignature):
        verify_any(wrapped(to_text(bytes(forged))), trust(key), NOW)


def test_attack_many_beginnings_and_lines_cost_little() -> None:
    for text in ("CPL1:" * 100_000, "CPL1:" + "RRQT9\n" * 100_000, "CPL1:RRQT9P60\n" * 50_000, "[" * 500_000):
        with pytest.raises(CertificateError):
            signed_bytes(text)
