"""One live capture: the conversation between a phone and the service, from hello to the result.

The phone says hello and sends frames; each hint of the guide process is passed on; what was recorded is handed in like
an upload, and the result follows when it is there. Whatever goes wrong is said as a problem detail before the close.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from api import views
from api.auth import Admit, require_agent_at_visit, require_own_session
from api.errors import BadRequest, problem_body, status_of
from api.schemas.sessions import LiveHello, PlanOut, SessionOut
from api.state import State
from certify.capture.live.guide_client import Guidance, GuideLost
from certify.capture.live.recording import FRAME_HEADER, MAX_FRAME_MESSAGE, Recording
from certify.capture.live.submit import begin_live, finish_live
from certify.capture.live.wire import Hint
from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Conflict, Gone, Unavailable
from certify.service import Unit
from certify.storage.database import DatabaseError, PoolTimeout
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from certify.tokens import Principal
from models.errors import ImageRefused, VideoRefused
from models.guidance import sentence
from models.media.video_frames import FRAME_LIMITS

log = logging.getLogger("certify.live")

RATE = 8
"""Frames a second that a phone is asked for; five still do."""

_HELLO_S = 10.0
_IDLE_S = 15.0
"""A phone that sends nothing for so long has gone; its session stays open for another try."""
_WHOLE_S = 240.0
_RESULT_S = 30.0
_LOOK_S = 0.4
_GUIDES_LOST = 3
_GUIDE_BACK_S = 20.0


class Stopped(Exception):
    """The phone ended the capture of its own will."""


class Conversation:
    """Runs one conversation."""

    def __init__(self, socket: WebSocket, admit: Admit, session_id: UUID) -> None:
        self._socket = socket
        self._admit = admit
        self._session_id = session_id
        self._state: State = socket.app.state.certify
        self._recording = Recording()
        self._newest: tuple[int, bytes] | None = None
        self._came = asyncio.Event()
        self._frames = 0

    async def run(self) -> None:
        """Talk until the end, whatever it is."""
        await self._socket.accept()
        code, reason = 1000, "done"
        try:
            async with asyncio.timeout(_WHOLE_S):
                await self._talk()
        except (WebSocketDisconnect, Stopped):
            code, reason = 1000, "left"
        except (CertifyError, ImageRefused, VideoRefused, DatabaseError, PoolTimeout, TimeoutError) as error:
            code, reason = await self._say_problem(error)
        except Exception as error:  # the phone must hear of it, and the server goes on
            log.exception("unexpected error in a live capture")
            code, reason = await self._say_problem(error)
        log.info("live", extra={"frames": self._frames, "ended": reason})
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)

    async def _talk(self) -> None:
        hello = await self._hello()
        caller = self._admit(hello.token, hello.device)
        require_own_session(caller, self._session_id)
        plan = await asyncio.to_thread(self._begin, caller, hello.nonce)
        shown = PlanOut.model_validate({key: plan[key] for key in ("profile", "steps", "flashes", "total_ms")})
        await self._send(
            "ready",
            plan=shown.model_dump(mode="json"),
            frames={"per_second": RATE, "max_bytes": FRAME_LIMITS.max_bytes, "max_side": 640},
        )
        reader = asyncio.create_task(self._read())
        guide = asyncio.create_task(self._guide(plan))
        try:
            await asyncio.wait({reader, guide}, return_when=asyncio.FIRST_COMPLETED)
            if not guide.done():
                await reader  # raises why it ended
            until_ms = await guide
        finally:
            for task in (reader, guide):
                task.cancel()
            await asyncio.gather(reader, guide, return_exceptions=True)
        video, arrivals = await asyncio.to_thread(self._recording.close, until_ms)
        source = {"way": "live", "camera": hello.camera.model_dump() if hello.camera else None, **arrivals}
        session = await asyncio.to_thread(self._finish, caller, video, source)
        await self._send("submitted", session=session.model_dump(mode="json"))
        await self._tell_result()

    async def _hello(self) -> LiveHello:
        try:
            async with asyncio.timeout(_HELLO_S):
                message = await self._receive()
        except TimeoutError:
            raise BadRequest("The first message did not come.", code=ErrorCode.LIVE_NO_HELLO) from None
        try:
            return LiveHello.model_validate_json(message if isinstance(message, str) else "")
        except ValidationError:
            # What came is not repeated: there may be a token in it.
            raise BadRequest(
                "The first message must be a hello with token and nonce.", code=ErrorCode.LIVE_NO_HELLO
            ) from None

    def _begin(self, caller: Principal, nonce: str) -> dict[str, Any]:
        with self._state.service.unit(caller.key) as unit:
            require_agent_at_visit(unit, caller, self._session_id)
            row = get_session(unit.db, self._session_id)
            if not secrets.compare_digest(views.nonce_text(row), nonce):
                raise Conflict("The nonce is not that of this session.", code=ErrorCode.WRONG_NONCE)
            return begin_live(unit, self._session_id)

    def _finish(self, caller: Principal, video: bytes, source: dict[str, Any]) -> SessionOut:
        def work(unit: Unit) -> SessionOut:
            return views.session(finish_live(unit, self._session_id, video, source), unit.now)

        with self._state.service.unit(caller.key) as unit:
            return work(unit)

    async def _read(self) -> None:
        """Take in what the phone sends. Ends only by raising."""
        while True:
            try:
                async with asyncio.timeout(_IDLE_S):
                    message = await self._receive()
            except TimeoutError:
                raise Gone(
                    "No picture came for some time.",
                    hint="Begin again; the session is still open.",
                    code=ErrorCode.LIVE_IDLE,
                ) from None
            if isinstance(message, str):
                if _kind(message) == "stop":
                    raise Stopped
                raise BadRequest("This message is not understood.", code=ErrorCode.LIVE_MESSAGE)
            if len(message) <= FRAME_HEADER.size or len(message) > MAX_FRAME_MESSAGE:
                raise BadRequest("This frame has a wrong size.", code=ErrorCode.LIVE_MESSAGE)
            seq, captured_ms = FRAME_HEADER.unpack_from(message)
            jpeg = message[FRAME_HEADER.size :]
            self._frames += 1
            if self._recording.add(seq, captured_ms, jpeg, round(time.monotonic() * 1000)):
                # A guide that is behind looks at the newest frame only; all are kept for the verdict.
                self._newest = captured_ms, jpeg
                self._came.set()

    async def _guide(self, plan: Mapping[str, Any]) -> int:
        """Pass on hints until the capture is done; return the time of its last frame."""
        lost, give_up = 0, time.monotonic()
        while True:
            try:
                async with self._state.guides.guidance(dict(plan)) as guidance:
                    return await self._pass_on(guidance)
            except GuideLost:
                lost += 1
                give_up = time.monotonic() + _GUIDE_BACK_S
                # Another guide knows nothing of what went before: begin anew.
                if self._newest is not None:
                    self._recording.forget_before(self._newest[0] + 1)
            except Unavailable:
                # One that died is started again within seconds; whoever finds none at the beginning goes another way.
                if time.monotonic() >= give_up:
                    raise
            if lost > _GUIDES_LOST:
                raise Unavailable(
                    "Live guidance broke down.", hint="Record a video and send it.", code=ErrorCode.LIVE_OFF
                )
            await asyncio.sleep(0.25)

    async def _pass_on(self, guidance: Guidance) -> int:
        while True:
            await self._came.wait()
            self._came.clear()
            if self._newest is None:
                continue
            captured_ms, jpeg = self._newest
            hint = await guidance.ask(captured_ms, jpeg)
            if hint.unreadable:
                self._recording.note_unreadable()
                continue
            self._recording.forget_before(captured_ms + 1 if hint.start_ms is None else hint.start_ms)
            await self._send("guidance", **_shown(hint))
            if hint.phase == "done":
                return captured_ms

    async def _tell_result(self) -> None:
        """Wait for the worker, and say what came out. A phone that goes away asks later instead."""
        gone = asyncio.create_task(self._until_gone())
        try:
            end = time.monotonic() + _RESULT_S
            while time.monotonic() < end and not gone.done():
                await asyncio.wait({gone}, timeout=_LOOK_S)
                row = await self._state.quick.get(SessionRow, self._session_id)
                if row is not None and row.state == "decided":
                    session = views.session(row, self._state.service.clock())
                    await self._send("result", session=session.model_dump(mode="json"))
                    return
        finally:
            gone.cancel()

    async def _until_gone(self) -> None:
        """Read on until the phone leaves; frames that were still on their way are of no use any more."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await self._receive()

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text, data = message.get("text"), message.get("bytes")
        return data if data is not None else text or ""

    async def _send(self, kind: str, **content: Any) -> None:
        await self._socket.send_text(json.dumps({"type": kind, **content}))

    async def _say_problem(self, error: Exception) -> tuple[int, str]:
        status, body = _problem_of(error)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._send("problem", problem=body)
        # 4000 to 4999 are for applications (RFC 6455, 7.4.2).
        return 4000 + status, body["code"]


def _shown(hint: Hint) -> dict[str, Any]:
    return {
        "time_ms": hint.time_ms,
        "phase": hint.phase,
        "say": list(hint.say),
        "sentences": [sentence(code) for code in hint.say],
        "start_ms": hint.start_ms,
        "prompt": hint.prompt,
        "answered": list(hint.answered),
        "progress": hint.progress,
    }


def _kind(message: str) -> str:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return ""
    return str(found.get("type", "")) if isinstance(found, dict) else ""


def _problem_of(error: Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(error, CertifyError):
        return int(status_of(error)), problem_body(status_of(error), error.code, error.message, hint=error.hint)
    if isinstance(error, ImageRefused | VideoRefused):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return int(status), problem_body(status, error.code, sentence(error.code))
    if isinstance(error, TimeoutError):
        status = HTTPStatus.GONE
        text = "The capture took too long."
        return int(status), problem_body(
            status, ErrorCode.LIVE_TOO_LONG, text, hint="Begin again; the session is still open."
        )
    if isinstance(error, DatabaseError | PoolTimeout):
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return int(status), problem_body(
            status, ErrorCode.DATABASE_UNAVAILABLE, "The database does not answer.", hint="Try again in a minute."
        )
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return int(status), problem_body(
        status,
        ErrorCode.INTERNAL_ERROR,
        "Something went wrong on our side.",
        hint="Begin again; the session is still open.",
    )
