"""The guide process: looks at the frames of live captures and says what to do, for the HTTP process of this machine.

It listens on a Unix socket, keeps nothing and stores nothing. All frames are looked at in one thread, so a process is
one core at most; start as many as there are cores to spare.
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
    """Serve until cancelled. ``load`` is called in the thread that will do the looking.

    Raises what ``load`` raises.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="guide") as thread:
        loop = asyncio.get_running_loop()
        guides = await loop.run_in_executor(thread, load)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                guide = guides.start(Plan.from_json(json.loads(await receive(reader))))
                while True:
                    time_ms, jpeg = unpack_frame(await receive(reader))
                    hint = await loop.run_in_executor(thread, look, guide, time_ms, jpeg)
                    await send(writer, hint.to_bytes())
            except (asyncio.IncompleteReadError, OSError):
                pass  # the phone is done or gone
            except Exception:
                log.exception("a live capture lost its guide")
            finally:
                writer.close()

        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, path)
        # Frames are pictures of faces: nobody else on this machine may connect.
        os.chmod(path, 0o600)  # noqa: PTH101 - Path.chmod would follow, and a socket is no link
        log.info("guide ready", extra={"pid": os.getpid()})
        async with server:
            await server.serve_forever()


def look(guide: Guide, time_ms: int, jpeg: bytes) -> Hint:
    """Look at one frame."""
    try:
        advice = guide.see(jpeg, time_ms / 1000)
    except ImageRefused:
        return Hint(time_ms, unreadable=True)
    start = None if advice.start_s is None else round(advice.start_s * 1000)
    return Hint(
        time_ms, advice.phase.value, advice.say, start, advice.prompt, advice.answered, round(advice.progress, 3)
    )
