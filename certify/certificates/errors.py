"""Errors of certificates, each with a stable code and a sentence that a person understands."""

from __future__ import annotations

from typing import ClassVar

from certify.domain.error_codes import ErrorCode


class CertificateError(Exception):
    """A certificate cannot be accepted.

    ``code`` is stable and meant for machines; `diagnostics` is meant for the person at the counter. The message of the
    exception is technical detail for logs and never contains personal data.
    """

    code: ClassVar[ErrorCode] = ErrorCode.CERTIFICATE_ERROR
    explanation: ClassVar[str] = "This certificate cannot be accepted."

    def __init__(self, detail: str = "", *, said: str = "") -> None:
        """Keep the reason.

        Args:
            detail: what happened, for logs.
            said: the sentences for people, where those of the class do not say enough.
        """
        super().__init__(detail)
        self._said = said

    def diagnostics(self) -> str:
        """Return one or two plain sentences: what is wrong and what to do next."""
        return self._said or self.explanation


class NotACertificate(CertificateError):
    """The input is not a certificate of this service at all, or no QR code could be read in it."""

    code = ErrorCode.NOT_A_CERTIFICATE
    explanation = (
        "This is not a proof-of-life certificate. It is a PDF, a JSON file, a text that begins with CPL1:, "
        "or a picture of its QR code."
    )


class SeveralCertificates(NotACertificate):
    """The input holds more than one certificate, and nothing tells which one is meant."""

    code = ErrorCode.SEVERAL_CERTIFICATES
    explanation = "These are several certificates. Check one at a time."


class OtherCode(NotACertificate):
    """The picture shows a code, but not that of a certificate."""

    code = ErrorCode.OTHER_CODE
    explanation = "This is a code of another kind. Look for the square code on the certificate itself."


class NoCode(NotACertificate):
    """The picture shows no QR code at all."""

    code = ErrorCode.NO_CODE
    explanation = "There is no QR code in this picture. Take a picture of the whole page, with the square code on it."


class CodeUnreadable(NotACertificate):
    """The picture shows a QR code that cannot be read."""

    code = ErrorCode.CODE_UNREADABLE
    explanation = (
        "There is a QR code, but it cannot be read. Lay the paper flat, in good light, and take a sharper picture of "
        "the whole code."
    )


class PictureUnreadable(NotACertificate):
    """The picture or file is of a kind that is not read, too large, or damaged."""

    code = ErrorCode.PICTURE_UNREADABLE
    explanation = "This picture cannot be opened. Send another one, as JPEG."


class CertificateMalformed(CertificateError):
    """The input looks like a certificate, but its content does not follow the format."""

    code = ErrorCode.MALFORMED
    explanation = "This certificate is damaged or was not made by this service. Ask for a new copy."


class UnsupportedVersion(CertificateError):
    """The certificate is genuine, but of a newer format than this program knows."""

    code = ErrorCode.UNSUPPORTED_VERSION
    explanation = "This certificate is of a newer kind. Update the program that checks it."


class BadSignature(CertificateError):
    """The signature does not fit the content: altered or forged."""

    code = ErrorCode.BAD_SIGNATURE
    explanation = "This certificate was altered or forged. Do not accept it; tell the issuer."


class UnknownKey(CertificateError):
    """No trusted key carries the key id of the certificate."""

    code = ErrorCode.UNKNOWN_KEY
    explanation = (
        "This certificate was signed with a key that is not on your list of trusted keys. "
        "Fetch the issuer's current list and check again."
    )


class KeyNotInUse(CertificateError):
    """The key is known, but was not in use when the certificate says it was issued."""

    code = ErrorCode.KEY_NOT_IN_USE
    explanation = (
        "This certificate was signed with a key that was not in use on its date of issue. "
        "Do not accept it; ask the issuer."
    )
