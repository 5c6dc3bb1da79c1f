"""Turn an error that ended a command into a sentence and an exit code.

Errors of the libraries (SQLAlchemy, psycopg, Alembic) are recognised by the modules that are loaded: an error of a
library can only come up where the library is loaded, and nothing is loaded just to explain.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from certify.cli.exit_codes import ExitCode
from certify.domain.policy import PolicyInvalid
from certify.errors import CertifyError, Unavailable
from models.errors import ImageRefused, ModelsError
from models.guidance import sentence

_AGAIN = "What was done before is kept; run the command again when the database answers."
_CORRECT = "Start it, or correct CERTIFY_DATABASE_URL."

_BY_STATE = {
    "08": ("{database} closed the connection.", _AGAIN),
    "28": ("{database} refuses the user or the password: {reason}.", "Correct CERTIFY_DATABASE_URL."),
    "3D": ("{database} does not exist.", "Create it, or correct CERTIFY_DATABASE_URL; then run 'certify db upgrade'."),
    "3F": ("The schema of {database} is not the one that this release needs.", "Run 'certify db upgrade'."),
    "42P01": ("The schema of {database} is not the one that this release needs.", "Run 'certify db upgrade'."),
    "42703": ("The schema of {database} is not the one that this release needs.", "Run 'certify db upgrade'."),
    "42501": ("The user may not do this in {database}: {reason}.", "Grant the right, or use another user."),
    "25006": ("{database} can only be read at the moment.", "Use the server that writes."),
    "40": ("{database} was busy with the same rows: {reason}.", "Run the command again."),
    "55P03": ("{database} was busy with the same rows: {reason}.", "Run the command again."),
    "53": ("{database} has no room left: {reason}.", "Make room, then run the command again."),
    "57": ("{database} closed the connection: {reason}.", _AGAIN),
    "58": ("{database} has a fault: {reason}.", "Look into the log of PostgreSQL."),
    "XX": ("{database} has a fault: {reason}.", "Look into the log of PostgreSQL."),
}
"""By SQLSTATE or its class (PostgreSQL, appendix A). Other states are faults of ours."""

_NOT_CONNECTED = ("connection failed", "connection is bad", "failed to resolve", "connection timeout", "could not")
_CHAIN = 10
"""Most errors that are followed from one to the error that caused it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command ended.

    Args:
        message: what happened, one sentence.
        hint: what to do next, one sentence; empty when there is nothing to do.
        code: exit code of the command.
    """

    message: str
    hint: str
    code: ExitCode


def failure_of(error: BaseException) -> Failure | None:
    """Say why a command ended.

    Args:
        error: what the command raised.

    Returns:
        The sentence and the exit code; None when the error is a fault of certify itself.
    """
    found = _of_ours(error) or _of_database(error)
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return Failure("A value given holds bytes that are no UTF-8 text.", "Write it in UTF-8.", ExitCode.REFUSED)
    if found is None and isinstance(error, OSError) and error.strerror:
        where = " ".join(os.fsdecode(name) for name in (error.filename,) if isinstance(name, str | bytes))
        found = Failure(
            f"{where or 'A file or connection'} cannot be used: {error.strerror}.",
            "Correct the path or its permissions.",
            ExitCode.UNAVAILABLE,
        )
    return found


def _of_ours(error: BaseException) -> Failure | None:
    if isinstance(error, Unavailable):
        return Failure(error.message, error.hint, ExitCode.UNAVAILABLE)
    if isinstance(error, CertifyError):
        return Failure(error.message, error.hint, ExitCode.REFUSED)
    if isinstance(error, ImageRefused):
        return Failure(sentence(error.code), error.hint, ExitCode.REFUSED)
    if isinstance(error, ModelsError):
        return Failure(error.message, error.hint, ExitCode.UNAVAILABLE)
    if isinstance(error, PolicyInvalid):
        return Failure(
            f"A policy cannot be used: {str(error).rstrip('.')}.", "Correct the file named.", ExitCode.UNAVAILABLE
        )
    if isinstance(error, _types("certify.certificates.errors", "CertificateError")):
        return Failure(error.diagnostics(), "", ExitCode.NO)
    return None


def _of_database(error: BaseException) -> Failure | None:
    for cause in _chain(error):
        if isinstance(cause, _types("sqlalchemy.exc", "ArgumentError", "NoSuchModuleError")):
            return _failure("CERTIFY_DATABASE_URL cannot be used as the address of a database.", _CORRECT)
        if isinstance(cause, _types("sqlalchemy.exc", "TimeoutError")):
            return _failure("All connections to {database} are in use.", "Run the command again.")
        if isinstance(cause, _types("alembic.util.exc", "CommandError")):
            return _failure(
                f"The schema of {{database}} cannot be changed: {_sentence(cause)}.",
                "A newer release may have changed it: use that release.",
            )
        if isinstance(cause, _types("psycopg", "Error")):
            return _of_psycopg(cause)
    return None


def _of_psycopg(error: BaseException) -> Failure | None:
    state, reason = getattr(error, "sqlstate", None), _sentence(error)
    if state is not None:
        for key in (state, state[:2]):
            if key in _BY_STATE:
                return _failure(*_BY_STATE[key], reason=reason)
        return None
    text = str(error)
    if isinstance(error, _types("psycopg", "ProgrammingError")):
        if text.startswith(("invalid", "missing")):  # an option of the address that the driver does not know
            return _failure("CERTIFY_DATABASE_URL cannot be used: {reason}.", _CORRECT, reason=reason)
        return None
    if text.startswith(_NOT_CONNECTED):
        return _failure("{database} does not answer: {reason}.", _CORRECT, reason=reason)
    if isinstance(error, _types("psycopg", "OperationalError", "InterfaceError")):
        return _failure("{database} closed the connection: {reason}.", _AGAIN, reason=reason)
    return None


def _failure(message: str, hint: str, *, reason: str = "") -> Failure:
    from certify.config import Settings

    name = "the database"
    with suppress(ValueError):  # the settings are not valid: that is another error
        settings = Settings()
        name = settings.database_name
        if settings.database_url is None and hint == _CORRECT:
            hint = f"Its log is {settings.data_dir / 'postgres' / 'log'}."
    text = message.replace("{database}", name).replace("{reason}", reason)
    return Failure(text[:1].upper() + text[1:], hint, ExitCode.UNAVAILABLE)


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it: libraries wrap the error of the driver in one of their own."""
    found = [error]
    while len(found) < _CHAIN:
        last = found[-1]
        following = getattr(last, "orig", None) or last.__cause__
        if following is None and isinstance(last, _types("sqlalchemy.exc", "InvalidRequestError", "StatementError")):
            following = last.__context__  # "this session is rolled back", after the connection was lost
        if following is None or following in found:
            break
        found.append(following)
    return found


def _types(module: str, *names: str) -> tuple[Any, ...]:
    """Return classes of a module, or none where it is not loaded."""
    loaded = sys.modules.get(module)
    return tuple(getattr(loaded, name) for name in names) if loaded is not None else ()


def _sentence(error: BaseException) -> str:
    """Return what the driver says, in one line, without the names of its layers."""
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    words = re.sub(r"^.* failed: ", "", first.removeprefix("connection is bad: "))
    return _without_password(re.sub(r"^(FATAL|ERROR): +", "", words).rstrip("."))


def _without_password(text: str) -> str:
    found = re.search(r"://[^:/@]*:([^@]*)@", os.environ.get("CERTIFY_DATABASE_URL", ""))
    return text.replace(found[1], "…") if found and len(found[1]) > 2 else text
