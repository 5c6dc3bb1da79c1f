"""What can go wrong in the service, as one small family. No HTTP here: api/errors.py maps codes to status codes.

Every error has a stable ``code`` for machines, a sentence saying what happened and one saying what to do next.

    CertifyError
    ├── NotFound          the thing named does not exist (or may not be seen by the caller)
    ├── Conflict          the thing is in a state that does not allow this
    ├── Invalid           the input breaks a rule
    │   └── MediaRefused  the image or video cannot be used
    ├── TooLarge          more bytes than allowed
    ├── Gone              it existed and was erased, or its time ran out
    └── Unavailable       a part the service needs is missing
"""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode


class CertifyError(Exception):
    """Base of all errors of the service."""

    code: str = ErrorCode.ERROR

    def __init__(self, message: str, *, hint: str = "", code: ErrorCode | str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class NotFound(CertifyError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = ErrorCode.NOT_FOUND


class Conflict(CertifyError):
    """The thing is in a state that does not allow this."""

    code = ErrorCode.CONFLICT


class Invalid(CertifyError):
    """The input breaks a rule."""

    code = ErrorCode.INVALID


class MediaRefused(Invalid):
    """The image or video cannot be used; ``code`` says why."""

    code = ErrorCode.MEDIA_REFUSED


class TooLarge(CertifyError):
    """More bytes than the service accepts."""

    code = ErrorCode.TOO_LARGE


class Gone(CertifyError):
    """It existed, but was erased or its time ran out."""

    code = ErrorCode.GONE


class Unavailable(CertifyError):
    """A part that the service needs is missing or broken."""

    code = ErrorCode.UNAVAILABLE
