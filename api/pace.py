"""Answers that come on the beat, so that how long one took tells nothing about what had to be done for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from fastapi import Response
from fastapi.concurrency import run_in_threadpool


async def paced(
    work: Callable[[], Response],
    beat_s: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Response:
    """Do the work in a thread and answer a whole number of beats after the beginning, whatever came of it.

    A pause up to a fixed time would show every difference again on a day when the machine is slow and the work takes
    longer than the pause. Beats go on: what takes 0.45 s of beats of 0.4 s is answered after 0.8 s.

    Args:
        work: what has to be done; what it raises is raised, on the beat too.
        beat_s: seconds between beats; 0 answers at once.
        clock: seconds that only go forward.
        sleep: waits so many seconds.
    """
    begin = clock()
    try:
        return await run_in_threadpool(work)
    finally:
        if beat_s:
            took = clock() - begin
            await sleep(max(1, math.ceil(took / beat_s)) * beat_s - took)
