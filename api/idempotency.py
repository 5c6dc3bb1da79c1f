"""Answer a repeated request with the first answer, and change nothing, if it carries the same Idempotency-Key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from api.errors import KeyReused
from api.state import service_of
from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.issuers.tokens import Principal
from certify.service import Service, Unit
from certify.storage.idempotency import claim_key, open_answer, seal_answer, store_answer

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, new for each change. If an answer was lost, send the same key again.",
        examples=["6b1f0c9e-8a55-4c59-9a10-1e9d7c2f4a11"],
    ),
]


_Answer = TypeVar("_Answer", bound=BaseModel)


class Once:
    """One request under its idempotency key. Work, answer and key commit together or not at all."""

    def __init__(self, service: Service, key: str, request_sha256: str) -> None:
        self._service = service
        self._key = key
        self._request = request_sha256

    def run(
        self, caller: Principal, work: Callable[[Unit], _Answer], *, status: int | Callable[[_Answer], int]
    ) -> Response:
        """Do the work once and return its answer, or return the stored answer of the first request.

        Args:
            caller: the caller; keys of different callers are independent.
            work: changes something and returns the answer's body.
            status: status of the answer, or a function that tells it from the answer.

        Raises:
            KeyReused: the key came with another request before (``idempotency_key_reused``).
            Conflict: the first request with this key is still running (``request_in_progress``).
        """
        vault = self._service.vault
        with self._service.unit(caller.key, formerly=caller.name_at_issuer) as unit:
            earlier = claim_key(
                unit.db, principal=caller.key, key=self._key, request_sha256=self._request, now=unit.now
            )
            if earlier is not None:
                if earlier.request_sha256 != self._request:
                    raise KeyReused(
                        "This Idempotency-Key was used for another request.", hint="Use a new key for each request."
                    )
                if earlier.status is None or earlier.body is None:
                    raise Conflict(
                        "The first request with this key has no answer yet.", code=ErrorCode.REQUEST_IN_PROGRESS
                    )
                body = open_answer(unit.db, vault, principal=caller.key, key=self._key, body=earlier.body)
                headers = {"Idempotency-Replayed": "true"}
                return Response(body, earlier.status, headers=headers, media_type="application/json")
            answer = work(unit)
            body, code = answer.model_dump_json().encode(), status(answer) if callable(status) else status
            sealed = seal_answer(unit.db, principal=caller.key, key=self._key, body=body, now=unit.now)
            store_answer(unit.db, principal=caller.key, key=self._key, status=code, body=sealed)
        return Response(body, code, media_type="application/json")


async def once(request: Request, key: IdempotencyKey, service: Annotated[Service, Depends(service_of)]) -> Once:
    """Return the idempotency of this request, over its method, path, query and body, as a dependency."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return Once(service, key, digest.hexdigest())
