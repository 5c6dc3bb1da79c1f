"""Run one live capture: the conversation between a phone and the service, from hello to the result (docs/live.md).

The phone says hello and sends frames. The service passes each frame to a guide process and each hint to the phone. It
submits the recording like an upload, and sends the result when the worker has decided. Every error is sent as a
problem detail before the connection closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from api import views
from api.auth import Admit, require_own_session
from api.errors import BadRequest, problem_body, status_of
from api.network import network_of_scope
from api.schemas.sessions import LiveHello, LivePhone, SessionOut
from api.state import State
from certify.capture.live.guide_client import Guidance, GuideLost
from certify.capture.live.recording import FRAME_HEADER, MAX_FRAME_MESSAGE, Recording
from certify.capture.live.submit import begin_live, finish_live
from certify.capture.live.wire import Hint
from certify.domain.error_codes import ErrorCode
from certify.errors import CertifyError, Conflict, Gone, Unavailable
from certify.issuers.tokens import Principal
from certify.service import Unit
from certify.storage.database import DatabaseError, PoolTimeout
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from models.errors import ImageRefused, VideoRefused
from models.guidance import sentence
from models.media.video_frames import FRAME_LIMITS

log = logging.getLogger("certify.live")

RATE = 8
"""Frames a second that the service asks a phone for; five are enough."""

_HELLO_S = 10.0
_IDLE_S = 15.0
"""If a phone sends nothing for so long, the connection ends; the session stays open for another attempt."""
NO_FACE_S = 20.0
"""If no face is seen for so long, the capture ends and leaves its place to others."""
_WHOLE_S = 240.0
_RESULT_S = 30.0
_RESULT_POLL_S = 0.4
_MAX_PHONE_MESSAGE = 20_000
"""Bytes of a message about camera and motion: two hundred samples and the report."""
_MAX_GUIDES_LOST = 3
_GUIDE_RETRY_S = 20.0
"""A guide process that died is started again within seconds."""


class Stopped(Exception):
    """The phone asked to end the capture."""


class Conversation:
    """The conversation of one live capture over one WebSocket."""

    def __init__(self, socket: WebSocket, admit: Admit, session_id: UUID) -> None:
        self._socket = socket
        self._admit = admit
        self._session_id = session_id
        self._state: State = socket.app.state.certify
        self._recording = Recording()
        self._newest: tuple[int, bytes] | None = None
        self._frame_arrived = asyncio.Event()
        self._frames = 0
        self._camera: dict[str, Any] = {}

    async def run(self) -> None:
        """Talk until the capture has ended, and close the connection."""
        await self._socket.accept()
        code, reason = 1000, "done"
        try:
            async with asyncio.timeout(_WHOLE_S):
                await self._talk()
        except (WebSocketDisconnect, Stopped):
            code, reason = 1000, "left"
        except (CertifyError, ImageRefused, VideoRefused, DatabaseError, PoolTimeout, TimeoutError) as error:
            code, reason = await self._send_problem(error)
        except Exception as error:  # the phone is told, and the server continues
            log.exception("unexpected error in a live capture")
            code, reason = await self._send_problem(error)
        log.info("live", extra={"frames": self._frames, "ended": reason})
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)

    async def _talk(self) -> None:
        hello = await self._hello()
        caller = self._admit(hello.token, hello.device)
        require_own_session(caller, self._session_id)
        takes, begun = await asyncio.to_thread(self._begin, caller, hello.nonce)
        # What is asked is told only when its moment comes.
        await self._send(
            "ready",
            prompts=len(takes[0]["steps"]),
            frames={"per_second": RATE, "max_bytes": FRAME_LIMITS.max_bytes, "max_side": 640},
        )
        reader = asyncio.create_task(self._read())
        guide = asyncio.create_task(self._guide(takes))
        try:
            await asyncio.wait({reader, guide}, return_when=asyncio.FIRST_COMPLETED)
            if not guide.done():
                await reader  # raises the reason
            last = await guide
        finally:
            for task in (reader, guide):
                task.cancel()
            await asyncio.gather(reader, guide, return_exceptions=True)
        video, arrivals = await asyncio.to_thread(self._recording.close, last.time_ms)
        source = {
            "way": "live",
            "camera": hello.camera.model_dump() | self._camera if hello.camera else None,
            "take": last.take,
            "begun": begun,
            "shown_ms": [list(moments) for moments in last.moments],
            **arrivals,
        }
        session = await asyncio.to_thread(self._finish, caller, video, source)
        await self._send("submitted", session=session.model_dump(mode="json"))
        await self._send_result()

    async def _hello(self) -> LiveHello:
        try:
            async with asyncio.timeout(_HELLO_S):
                message = await self._receive()
        except TimeoutError:
            raise BadRequest("The first message did not come.", code=ErrorCode.LIVE_NO_HELLO) from None
        try:
            return LiveHello.model_validate_json(message if isinstance(message, str) else "")
        except ValidationError:
            # The problem does not repeat the message, because it may contain a token.
            raise BadRequest(
                "The first message must be a hello with token and nonce.", code=ErrorCode.LIVE_NO_HELLO
            ) from None

    def _begin(self, caller: Principal, nonce: str) -> tuple[list[dict[str, Any]], int]:
        with self._state.strangers.unit(caller.key) as unit:
            row = get_session(unit.db, self._session_id)
            if not secrets.compare_digest(views.nonce_text(row), nonce):
                raise Conflict("The nonce is not that of this session.", code=ErrorCode.WRONG_NONCE)
            return begin_live(unit, self._session_id)

    def _finish(self, caller: Principal, video: bytes, source: dict[str, Any]) -> SessionOut:
        def work(unit: Unit) -> SessionOut:
            return views.session(finish_live(unit, self._session_id, video, source), unit.now)

        with self._state.strangers.unit(caller.key) as unit:
            return work(unit)

    async def _read(self) -> None:
        """Receive frames until an error ends it; a frame that arrives wakes the guide."""
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
                self._note_phone(message)
                continue
            if len(message) <= FRAME_HEADER.size or len(message) > MAX_FRAME_MESSAGE:
                raise BadRequest("This frame has a wrong size.", code=ErrorCode.LIVE_MESSAGE)
            seq, captured_ms = FRAME_HEADER.unpack_from(message)
            jpeg = message[FRAME_HEADER.size :]
            self._frames += 1
            if self._recording.add(seq, captured_ms, jpeg, round(time.monotonic() * 1000)):
                # If the guide is behind, it gets the newest frame only. The worker gets all that were recorded.
                self._newest = captured_ms, jpeg
                self._frame_arrived.set()

    def _note_phone(self, message: str) -> None:
        """Keep what the phone says about its camera and its motion."""
        try:
            said = LivePhone.model_validate_json(message if len(message) <= _MAX_PHONE_MESSAGE else "")
        except ValidationError:
            raise BadRequest("This message is not understood.", code=ErrorCode.LIVE_MESSAGE) from None
        if said.camera is not None:
            self._camera = said.camera.model_dump()
        self._recording.note_motion(said.motion)

    async def _guide(self, takes: Sequence[Mapping[str, Any]]) -> Hint:
        """Pass on hints until the capture is done, and return the one about its last frame."""
        lost, retry_until = 0, time.monotonic()
        while True:
            try:
                network = network_of_scope(self._socket.scope)
                async with self._state.guides.guidance([dict(take) for take in takes], network) as guidance:
                    return await self._pass_on(guidance, takes)
            except GuideLost:
                lost += 1
                retry_until = time.monotonic() + _GUIDE_RETRY_S
                # The next guide has seen none of the frames, so the recording begins again.
                if self._newest is not None:
                    self._recording.forget_before(self._newest[0] + 1)
            except Unavailable:
                # If there is no guide at the beginning, the phone is told at once, so that it can upload a video.
                if time.monotonic() >= retry_until:
                    raise
            if lost > _MAX_GUIDES_LOST:
                raise Unavailable(
                    "Live guidance broke down.", hint="Record a video and send it.", code=ErrorCode.LIVE_OFF
                )
            await asyncio.sleep(0.25)

    async def _pass_on(self, guidance: Guidance, takes: Sequence[Mapping[str, Any]]) -> Hint:
        seen = time.monotonic()
        while True:
            left = seen + NO_FACE_S - time.monotonic()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    await self._frame_arrived.wait()
            except TimeoutError:
                raise _no_face() from None
            self._frame_arrived.clear()
            if self._newest is None:
                continue
            captured_ms, jpeg = self._newest
            hint = await guidance.ask(captured_ms, jpeg)
            if hint.unreadable:
                self._recording.note_unreadable()
                continue
            if "no_face" not in hint.say:
                seen = time.monotonic()
            self._recording.forget_before(captured_ms + 1 if hint.start_ms is None else hint.start_ms)
            await self._send("guidance", **_hint_content(hint, takes[hint.take]))
            if hint.phase == "done":
                return hint

    async def _send_result(self) -> None:
        """Wait for the worker, and send the result. A phone that disconnects before can ask for it later."""
        disconnected = asyncio.create_task(self._until_disconnected())
        try:
            end = time.monotonic() + _RESULT_S
            while time.monotonic() < end and not disconnected.done():
                await asyncio.wait({disconnected}, timeout=_RESULT_POLL_S)
                row = await self._state.quick.get(SessionRow, self._session_id)
                if row is not None and row.state == "decided":
                    session = views.session(row, self._state.service.clock())
                    await self._send("result", session=session.model_dump(mode="json"))
                    return
        finally:
            disconnected.cancel()

    async def _until_disconnected(self) -> None:
        """Read until the phone disconnects; frames that still arrive are ignored."""
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

    async def _send_problem(self, error: Exception) -> tuple[int, str]:
        status, body = _problem_of(error)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._send("problem", problem=body)
        # Close codes from 4000 to 4999 are for applications (RFC 6455, 7.4.2).
        return 4000 + status, body["code"]


def _no_face() -> Gone:
    return Gone(
        "No face was seen for some time.",
        hint="Hold the phone in front of you and begin again; the session is still open.",
        code=ErrorCode.LIVE_NO_FACE,
    )


def _hint_content(hint: Hint, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message about a frame. It names a prompt while it is open, and colours when they come next."""
    asked = None if hint.prompt is None else plan["steps"][hint.prompt]["prompt"]
    return {
        "time_ms": hint.time_ms,
        "phase": hint.phase,
        "say": list(hint.say),
        "sentences": [sentence(code) for code in hint.say],
        "start_ms": hint.start_ms,
        "prompt": hint.prompt,
        "asked": asked,
        "back": hint.back,
        "reached": hint.reached,
        "flashes": [dict(flash) for flash in plan["flashes"]] if hint.colours else [],
        "commands": [dict(command) for command in plan.get("commands", ())] if hint.colours else [],
        "answered": list(hint.answered),
        "progress": hint.progress,
    }


def _kind(message: str) -> str:
    try:
        content = json.loads(message)
    except (ValueError, RecursionError):
        return ""
    return str(content.get("type", "")) if isinstance(content, dict) else ""


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
