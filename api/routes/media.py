"""Raw media in a request body: the bytes as they are, no forms."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

_IMAGES = ("image/jpeg", "image/png", "image/webp", "image/heic")
_VIDEOS = ("video/webm", "video/mp4")


def _raw(description: str, *kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "description": description, "content": content}}


MEDIA_BODY = _raw("The image file itself. Its content decides, not the header.", *_IMAGES, "application/octet-stream")
CAPTURE_BODY = _raw(
    "The image or video file itself. Its content decides, not the header.",
    *_IMAGES,
    *_VIDEOS,
    "application/octet-stream",
)
CHUNK_BODY = _raw("The bytes of this chunk.", "application/octet-stream")


async def media_body(request: Request) -> bytes:
    """Dependency: the whole body, already bounded by the body limit."""
    data = await request.body()
    if not data:
        raise Invalid("The request has nothing in its body.", code=ErrorCode.EMPTY_BODY)
    return data
