"""Tell load balancers whether this process can serve, at the price of a few checks a minute.

Anyone may ask as often as they like, so the answer is kept: all who ask within two seconds get the same one.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.service import Service
from certify.storage.database import DatabaseError, PoolTimeout, sqlstate
from certify.storage.health import require_current_schema, require_room

log = logging.getLogger("certify.readiness")

FRESH_S = 2.0
"""How long an answer is kept. Load balancers ask every few seconds."""

WRITE_EVERY_S = 15.0
"""Time between two checks that the database can write; each costs it about ten milliseconds."""

MIN_FREE_BYTES = 200_000_000
"""Least room in the data folder: ten uploads of the largest size."""


class Readiness:
    """The answer of ``/ready``, for one event loop."""

    def __init__(self, service: Service, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._looked_at: float | None = None
        self._wrote_at: float | None = None
        self._problem: Unavailable | None = None
        self._looking: asyncio.Future[None] | None = None

    async def check(self) -> None:
        """Check that all parts work.

        Raises:
            Unavailable: a part does not (``database_unavailable``, ``schema_old``, ``disk_full``).
        """
        if self._looked_at is None or self._clock() - self._looked_at > FRESH_S:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
            await asyncio.shield(self._looking)
        if self._problem is not None:
            raise self._problem

    def _look(self) -> None:
        before, self._problem = self._problem, None
        try:
            self._require_all()
        except Unavailable as problem:
            self._problem = problem
        except (DatabaseError, PoolTimeout) as error:
            log.warning("not ready", extra={"error": type(error).__name__, "sqlstate": sqlstate(error)})
            self._problem = Unavailable(
                "The database does not answer.", hint="Its log says why.", code=ErrorCode.DATABASE_UNAVAILABLE
            )
        self._looked_at = self._clock()
        if self._problem is not None and (before is None or before.code != self._problem.code):
            log.warning("not ready", extra={"code": self._problem.code, "reason": self._problem.message})

    def _require_all(self) -> None:
        require_current_schema(self._service.database)
        if self._wrote_at is None or self._clock() - self._wrote_at > WRITE_EVERY_S:
            self._wrote_at = None  # a check that fails is repeated at once
            require_room(self._service.database)
            self._wrote_at = self._clock()
        free = free_bytes(self._service.settings.data_dir)
        if free is not None and free < MIN_FREE_BYTES:
            raise Unavailable(
                f"The disk of the data folder has only {free // 1_000_000:,} MB left.",
                hint="Make room. Nothing that was accepted is lost.",
                code=ErrorCode.DISK_FULL,
            )


def free_bytes(folder: Path) -> int | None:
    """Return the room that a folder's disk has left for this user; None when there is no such folder."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free
    return None
