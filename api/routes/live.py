"""The WebSocket of live captures. docs/live.md describes its messages."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, WebSocket

from api.auth import Admit, allow_live
from api.live import Conversation
from certify.issuers.tokens import Role

router = APIRouter(prefix="/v1/sessions/{session_id}/live", tags=["sessions"])


@router.websocket("")
async def live(
    session_id: UUID,
    websocket: WebSocket,
    admit: Annotated[Admit, Depends(allow_live(Role.PENSIONER))],
) -> None:
    """Film a person with immediate guidance, and submit the recording."""
    await Conversation(websocket, admit, session_id).run()
