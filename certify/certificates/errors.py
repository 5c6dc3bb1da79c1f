"""What can be wrong with a certificate, each with a stable code and a sentence a person understands."""

from __future__ import annotations

from typing import ClassVar


class CertificateError(Exception):
    """A certificate cannot be accepted.

    ``code`` is stable and meant for machines; `diagnostics` is meant for the person at the counter. The
    exception's own message is technical detail for logs and never contains personal data.
    """

    code: ClassVar[str] = "certificate_error"
    explanation: ClassVar[str] = "This certificate cannot be accepted."

    def diagnostics(self) -> str:
        """Return one plain-language sentence or two: what is wrong and what to do next."""
        return self.explanation


class NotACertificate(CertificateError):
    """The input is not a certificate of this service at all, or no QR code could be read in it."""

    code = "not_a_certificate"
    explanation = (
        "This is not a proof-of-life certificate, or its QR code could not be read. "
        "Try again with a sharper picture of the whole QR code."
    )


class CertificateMalformed(CertificateError):
    """The input looks like a certificate, but its content does not follow the format."""

    code = "malformed"
    explanation = "This certificate is damaged or was not made by this service. Ask for a new copy."


class UnsupportedVersion(CertificateError):
    """The certificate is genuine, but of a newer format than this program knows."""

    code = "unsupported_version"
    explanation = "This certificate is of a newer kind. Update the program that checks it."


class BadSignature(CertificateError):
    """The signature does not fit the content: altered or forged."""

    code = "bad_signature"
    explanation = "This certificate was altered or forged. Do not accept it; tell the issuer."


class UnknownKey(CertificateError):
    """No trusted key carries the key id of the certificate."""

    code = "unknown_key"
    explanation = (
        "This certificate was signed with a key that is not on your list of trusted keys. "
        "Fetch the issuer's current list and check again."
    )


class KeyNotInUse(CertificateError):
    """The key is known, but was not in use when the certificate says it was issued."""

    code = "key_not_in_use"
    explanation = (
        "This certificate was signed with a key that was not in use on its date of issue. "
        "Do not accept it; ask the issuer."
    )


class Expired(CertificateError):
    """The certificate is genuine, but its last day has passed."""

    code = "expired"
    explanation = "This certificate is genuine but has expired. The person needs a new proof of life."


class NotYetValid(CertificateError):
    """The certificate is genuine, but its validity has not begun."""

    code = "not_yet_valid"
    explanation = "This certificate is genuine but not valid yet. Check the date of this device, then try later."
