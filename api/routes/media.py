"""Raw media in a request body: the bytes as they are, no forms."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from certify.errors import Invalid

MEDIA_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The image file itself. Its content decides, not the header.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/jpeg", "image/png", "image/webp", "image/heic", "application/octet-stream")
        },
    }
}


async def media_body(request: Request) -> bytes:
    """Dependency: the whole body, already bounded by the body limit."""
    data = await request.body()
    if not data:
        raise Invalid("The request has no image in its body.", code="empty_body")
    return data
