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


class CertifyError(Exception):
    """Base of all errors of the service."""

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class NotFound(CertifyError):
    """The thing named does not exist, or the caller may not know that it does."""

    code = "not_found"


class Conflict(CertifyError):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class Invalid(CertifyError):
    """The input breaks a rule."""

    code = "invalid"


class MediaRefused(Invalid):
    """The image or video cannot be used; ``code`` says why."""

    code = "media_refused"


class TooLarge(CertifyError):
    """More bytes than the service accepts."""

    code = "too_large"


class Gone(CertifyError):
    """It existed, but was erased or its time ran out."""

    code = "gone"


class Unavailable(CertifyError):
    """A part that the service needs is missing or broken."""

    code = "unavailable"
