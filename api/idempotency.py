"""Idempotency-Key: a repeated request that changes something gets the first answer and changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from api.errors import KeyReused
from api.state import service_of
from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.service import Service, Unit
from certify.storage.idempotency import claim_key, store_answer
from certify.tokens import Principal

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the caller, new for each thing to do; send the same again when an answer was lost.",
        examples=["6b1f0c9e-8a55-4c59-9a10-1e9d7c2f4a11"],
    ),
]


class Once:
    """Runs work under an idempotency key: work, answer and key commit together or not at all."""

    def __init__(self, service: Service, key: str, request_sha256: str) -> None:
        self._service = service
        self._key = key
        self._request = request_sha256

    def run(self, caller: Principal, work: Callable[[Unit], BaseModel], *, status: int) -> Response:
        """Do the work once and return its answer, or return the stored answer of the first time.

        Raises KeyReused when the key came with another request before.
        """
        vault = self._service.vault
        label = f"answer:{caller.key}:{self._key}"
        with self._service.unit(caller.key) as unit:
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
                body = vault.open_secret(label, earlier.body)
                headers = {"Idempotency-Replayed": "true"}
                return Response(body, earlier.status, headers=headers, media_type="application/json")
            body = work(unit).model_dump_json().encode()
            store_answer(
                unit.db, principal=caller.key, key=self._key, status=status, body=vault.seal_secret(label, body)
            )
        return Response(body, status, media_type="application/json")


async def once(request: Request, key: IdempotencyKey, service: Annotated[Service, Depends(service_of)]) -> Once:
    """Dependency: the idempotency of this request, over its method, path and body."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    digest.update(await request.body())
    return Once(service, key, digest.hexdigest())
