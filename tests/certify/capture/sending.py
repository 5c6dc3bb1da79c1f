"""Send photos and videos as a phone does, each step in a transaction of its own."""

from __future__ import annotations

import hashlib
from uuid import UUID

from certify.capture.session import open_session, submit_media
from certify.capture.uploads import MIN_CHUNK, Progress, begin_upload, put_chunk, upload_progress
from certify.domain.channels import Channel
from certify.service import Service

CHUNK = MIN_CHUNK


def submit(service: Service, person: UUID, photo: bytes, channel: Channel = Channel.REMOTE) -> UUID:
    with service.unit() as unit:
        session = open_session(unit, person, channel)
    with service.unit() as unit:
        submit_media(unit, session.id, photo)
    return session.id


def open_for(
    service: Service, person: UUID, channel: Channel = Channel.REMOTE, *, device_id: str | None = None
) -> UUID:
    with service.unit() as unit:
        return open_session(unit, person, channel, device_id=device_id).id


def begin(service: Service, session: UUID, data: bytes, *, sha256: str | None = None) -> Progress:
    with service.unit() as unit:
        return begin_upload(unit, session, size=len(data), sha256=sha256 or hashlib.sha256(data).hexdigest())


def put(service: Service, session: UUID, start: int, data: bytes) -> Progress:
    with service.unit() as unit:
        progress = put_chunk(unit, session, start, data)
    if progress.refusal:
        raise progress.refusal
    return progress


def ask_progress(service: Service, session: UUID) -> Progress:
    with service.reading() as unit:
        return upload_progress(unit, session)


def send(service: Service, session: UUID, data: bytes, *, size: int = CHUNK) -> Progress:
    progress = ask_progress(service, session)
    while progress.offset < progress.size:
        progress = put(service, session, progress.offset, data[progress.offset : progress.offset + size])
    return progress
