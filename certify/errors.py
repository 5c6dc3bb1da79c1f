"""Define the errors of the service, as one small family.

Every error has a stable ``code`` for machines, a sentence that says what happened, and a hint that says what to do
next. ``api/errors.py`` maps the classes to HTTP status codes; nothing here knows HTTP.

    CertifyError
    ├── NotFound          what was named does not exist, or the caller may not see it
    ├── Conflict          its state does not allow this
    ├── Invalid           the input breaks a rule
    ├── TooLarge          more bytes than allowed
    ├── NotAllowed        the caller may not do this
    ├── Gone              it existed but was erased, or its time ran out
    └── Unavailable       a part that the service needs is missing or broken
"""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode


class CertifyError(Exception):
    """Base of all errors of the service.

    Args:
        message: one sentence that says what happened.
        hint: what to do next; empty if there is nothing to say.
        code: stable code; by default the code of the class.
    """

    code: ErrorCode = ErrorCode.ERROR

    def __init__(self, message: str, *, hint: str = "", code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class NotFound(CertifyError):
    """What was named does not exist, or the caller may not know that it exists."""

    code = ErrorCode.NOT_FOUND


class Conflict(CertifyError):
    """The state of what was named does not allow this."""

    code = ErrorCode.CONFLICT


class Invalid(CertifyError):
    """The input breaks a rule."""

    code = ErrorCode.INVALID


class TooLarge(CertifyError):
    """More bytes than the service accepts."""

    code = ErrorCode.TOO_LARGE


class NotAllowed(CertifyError):
    """The caller is known but may not do this."""

    code = ErrorCode.FORBIDDEN


class Gone(CertifyError):
    """What was named existed, but was erased or its time ran out."""

    code = ErrorCode.GONE


class Unavailable(CertifyError):
    """A part that the service needs is missing or broken."""

    code = ErrorCode.UNAVAILABLE
