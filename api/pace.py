"""Send answers on a beat, so that the time of an answer does not reveal what was done for it."""

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
    gate: Callable[[], float] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Response:
    """Do the work in a thread, and return its answer a whole number of beats after the start.

    One fixed pause is not enough: if the machine is slow and the work takes longer than the pause, differences in time
    show again. Beats continue: with a beat of 0.4 s, work of 0.45 s is answered after 0.8 s.

    Args:
        work: builds the answer. Its error is raised on the beat too.
        beat_s: seconds between beats; 0 answers at once.
        gate: called before the work, in a thread. It returns the seconds by which the work is held back, or raises
            the refusal. Nothing is held meanwhile: no thread and no connection.
        clock: returns monotonic seconds.
        sleep: waits the given number of seconds.
    """
    begin = clock()
    try:
        if gate is not None:
            held_s = await run_in_threadpool(gate)
            if held_s and beat_s:
                await sleep(held_s)
        return await run_in_threadpool(work)
    finally:
        if beat_s:
            took = clock() - begin
            await sleep(max(1, math.ceil(took / beat_s)) * beat_s - took)
