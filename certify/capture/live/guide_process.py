"""Run a guide process: analyse the frames of live captures and answer with guidance, for the HTTP process.

It listens on a Unix socket and stores nothing. One thread analyses all frames, so that a process uses one core at most.
Start one process for each core that is free.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from certify.capture.live.wire import Hint, receive, send, unpack_frame
from models.errors import ImageRefused
from models.live.guide import Guide, Guides
from models.liveness.plan import Plan

log = logging.getLogger("certify.guide")


async def serve_guide(load: Callable[[], Guides], path: Path) -> None:
    """Serve until cancelled. The call raises what ``load`` raises.

    Args:
        load: loads the models; called in the thread that analyses the frames.
        path: the Unix socket to listen on; an old one is replaced.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="guide") as thread:
        loop = asyncio.get_running_loop()
        guides = await loop.run_in_executor(thread, load)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                guide = guides.start([Plan.from_json(plan) for plan in json.loads(await receive(reader))])
                while True:
                    time_ms, jpeg = unpack_frame(await receive(reader))
                    hint = await loop.run_in_executor(thread, analyse_frame, guide, time_ms, jpeg)
                    await send(writer, hint.to_bytes())
            except (asyncio.IncompleteReadError, OSError):
                pass  # the phone has finished or disconnected
            except Exception:
                log.exception("a live capture lost its guide")
            finally:
                writer.close()

        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, path)
        # Frames are pictures of faces: no other user of this machine may connect.
        os.chmod(path, 0o600)  # noqa: PTH101 - Path.chmod would follow links, and a socket is none
        log.info("guide ready", extra={"pid": os.getpid()})
        async with server:
            await server.serve_forever()


def analyse_frame(guide: Guide, time_ms: int, jpeg: bytes) -> Hint:
    """Analyse one frame.

    Args:
        guide: the guide of this capture.
        time_ms: when the frame was taken, in milliseconds of the phone's clock.
        jpeg: the frame.

    Returns:
        What the screen shows next.
    """
    try:
        advice = guide.see(jpeg, time_ms / 1000)
    except ImageRefused:
        return Hint(time_ms, unreadable=True)
    return Hint(
        time_ms,
        advice.phase.value,
        advice.say,
        _ms(advice.start_s),
        advice.prompt,
        advice.answered,
        round(advice.progress, 3),
        advice.take,
        advice.back,
        advice.reached,
        advice.colours,
        tuple((_ms(shown), _ms(back)) for shown, back in advice.moments),
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
