"""Live captures over a WebSocket. What is said there: docs/live.md."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, WebSocket

from api.auth import Admit, allow_live
from api.live import Conversation
from certify.tokens import Role

router = APIRouter(prefix="/v1/sessions/{session_id}/live", tags=["sessions"])


@router.websocket("")
async def live(
    session_id: UUID,
    websocket: WebSocket,
    admit: Annotated[Admit, Depends(allow_live(Role.PENSIONER, Role.AGENT))],
) -> None:
    """Film a person with guidance at once, and hand the recording in."""
    await Conversation(websocket, admit, session_id).run()
