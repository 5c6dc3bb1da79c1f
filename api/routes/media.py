"""Read media from a request body: the raw bytes, without forms."""

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


MEDIA_BODY = _raw(
    "The image file. Its content decides about its type, not the header.", *_IMAGES, "application/octet-stream"
)
CAPTURE_BODY = _raw(
    "The image or video file. Its content decides about its type, not the header.",
    *_IMAGES,
    *_VIDEOS,
    "application/octet-stream",
)
CHUNK_BODY = _raw("The bytes of this chunk.", "application/octet-stream")


async def media_body(request: Request) -> bytes:
    """Return the whole body, as a dependency. The middleware has bounded its size.

    Raises:
        Invalid: the body is empty (``empty_body``).
    """
    data = await request.body()
    if not data:
        raise Invalid("The request has nothing in its body.", code=ErrorCode.EMPTY_BODY)
    return data
