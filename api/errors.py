"""Turn errors into RFC 9457 problem details. Only this module maps an error to a status code."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from certify.capture.uploads import WrongOffset
from certify.certificates.errors import CertificateError
from certify.domain.error_codes import ErrorCode
from certify.doorstep.tablets import TabletRefused
from certify.errors import CertifyError, Conflict, Gone, Invalid, NotAllowed, NotFound, TooLarge, Unavailable
from certify.issuers.tokens import TokenRefused
from certify.people.access import AccessRefused
from certify.storage.database import DatabaseError, OperationalError, PoolTimeout, sqlstate
from models.errors import ImageRefused, VideoRefused
from models.guidance import sentence
from models.media import kinds

log = logging.getLogger("certify.api")

MEDIA_TYPE = "application/problem+json"


class Forbidden(CertifyError):
    """The caller is known but may not do this."""

    code = ErrorCode.FORBIDDEN


class PossessionRequired(Forbidden):
    """The person must first show that they hold their known telephone, mailbox or letter, by a code or link."""

    code = ErrorCode.POSSESSION_REQUIRED


class TooManyRequests(CertifyError):
    """The caller sends more requests than the rate limit allows. ``retry_after`` is in seconds."""

    code = ErrorCode.TOO_MANY_REQUESTS

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, hint=f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class KeyReused(CertifyError):
    """An Idempotency-Key was sent again with another request."""

    code = ErrorCode.IDEMPOTENCY_KEY_REUSED


class BadRequest(CertifyError):
    """The request is not understood, or lacks something that every such request needs."""

    code = ErrorCode.BAD_REQUEST


STATUS: Mapping[type[CertifyError], HTTPStatus] = {
    BadRequest: HTTPStatus.BAD_REQUEST,
    TokenRefused: HTTPStatus.UNAUTHORIZED,
    TabletRefused: HTTPStatus.UNAUTHORIZED,
    AccessRefused: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotAllowed: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Gone: HTTPStatus.GONE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:certify:problem:session_expired"]},
        "title": {"type": "string", "examples": ["Gone"]},
        "status": {"type": "integer", "examples": [410]},
        "code": {"type": "string", "examples": ["session_expired"], "description": "Stable; safe to branch on"},
        "detail": {"type": "string", "examples": ["The time of this session has run out."]},
        "hint": {"type": "string", "examples": ["Open a new session."], "description": "What to do next"},
        "offset": {"type": "integer", "examples": [1048576], "description": "Byte at which the upload continues"},
        "errors": {"type": "array", "items": {"type": "object"}, "description": "Fields that are wrong"},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problem answers of a route for OpenAPI.

    429 and 500 are added, because every route can give them. A route that knows its callers (401) can also answer
    503: the keys of a token's issuer may be out of reach.
    """
    known = (503,) if 401 in statuses else ()
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in dict.fromkeys((*statuses, *known, 429, 500))
    }


CHANGES = problems(400, 401, 403, 404, 409, 410, 413, 422, 503)
"""Problem answers of routes that change something under an Idempotency-Key and may meet erased or expired data."""

CHANGES_WITHOUT_410 = problems(400, 401, 403, 404, 409, 413, 422, 503)
"""As ``CHANGES``, for routes that never answer 410."""


def problem(
    status: HTTPStatus, code: str, detail: str, *, hint: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Build a problem answer.

    Args:
        status: status of the answer.
        code: stable error code.
        detail: what happened, for people.
        hint: what to do next; empty for none.
        headers: further headers of the answer.
        **more: further members of the problem details, such as ``offset``.
    """
    body = problem_body(status, code, detail, hint=hint)
    return JSONResponse({**body, **more}, int(status), headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_body(status: HTTPStatus, code: str, detail: str, *, hint: str = "") -> dict[str, Any]:
    """Build the body of a problem answer."""
    body: dict[str, Any] = {
        "type": f"urn:certify:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }
    return body | {"hint": hint} if hint else body


def install(app: FastAPI) -> None:
    """Register the handlers of all errors that a request may raise."""
    app.add_exception_handler(CertifyError, _on_certify_error)
    app.add_exception_handler(ImageRefused, _on_image_refused)
    app.add_exception_handler(VideoRefused, _on_video_refused)
    app.add_exception_handler(CertificateError, _on_certificate_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(OperationalError, _on_database_error)
    app.add_exception_handler(PoolTimeout, _on_database_error)
    app.add_exception_handler(DatabaseError, _on_data_error)
    app.add_exception_handler(Exception, _on_unexpected)


def status_of(error: CertifyError) -> HTTPStatus:
    """Return the status of an error: that of its nearest class in the map."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


async def _on_certify_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CertifyError)  # noqa: S101 - registered for this class
    return problem_response(error, {})


def problem_response(error: CertifyError, headers: Mapping[str, str]) -> JSONResponse:
    """Build the problem answer of one of our own errors.

    Args:
        error: the error.
        headers: further headers of the answer.
    """
    headers = dict(headers)
    if isinstance(error, TokenRefused):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    more = {"offset": error.offset} if isinstance(error, WrongOffset) else {}
    return problem(status_of(error), error.code, error.message, hint=error.hint, headers=headers, **more)


async def _on_image_refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ImageRefused)  # noqa: S101 - registered for this class
    if error.code == "too_many_bytes":
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    elif error.code == "not_an_image" or error.code in kinds.PICTURES | kinds.OTHERS:
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    else:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(status, error.code, sentence(error.code), hint=error.hint)


async def _on_video_refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VideoRefused)  # noqa: S101 - registered for this class
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, sentence(error.code), hint=error.hint)


async def _on_certificate_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CertificateError)  # noqa: S101 - registered for this class
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.diagnostics())


async def _on_validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    # The values are left out: one of them may be a person's national id.
    fields = [{"field": ".".join(map(str, entry["loc"])), "problem": entry["msg"]} for entry in error.errors()]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, ErrorCode.REQUEST_INVALID, "Some fields are wrong.", errors=fields)


async def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "_")
    return problem(status, code, str(error.detail), headers=error.headers)


async def _on_database_error(_request: Request, error: Exception) -> JSONResponse:
    # SQLSTATE tells a full disk (53100) from a server that is gone; the text of the error could hold values.
    log.error("database unavailable", extra={"error": type(error).__name__, "sqlstate": sqlstate(error)})
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.DATABASE_UNAVAILABLE,
        "The database does not answer.",
        hint="Nothing was lost. Try again in a minute.",
        headers={"Retry-After": "5"},
    )


async def _on_data_error(_request: Request, error: Exception) -> JSONResponse:
    # PostgreSQL cannot store the value, such as a text with a NUL or a number out of range. Nothing was stored.
    if isinstance(error, DatabaseError) and type(error).__name__ == "DataError":
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, ErrorCode.NOT_STORABLE, "A value cannot be stored.")
    return await _on_unexpected(_request, error)


async def _on_unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error, extra={"sqlstate": sqlstate(error)})
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        ErrorCode.INTERNAL_ERROR,
        "Something went wrong on our side.",
        hint="Nothing was changed. Try again. If it happens again, tell the operator the time.",
    )
