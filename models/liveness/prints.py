"""Pack what a photo or film is recognised by into bytes, to be sealed: its faces and its movement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.face.align import SIDE
from models.face.near_copy import FacePrint
from models.liveness.movement import Movement

_FACE = SIDE * SIDE


def pack_prints(faces: Sequence[FacePrint], movement: Movement | None) -> bytes:
    """Return one byte with the number of faces, the faces, and the movement of a film."""
    return bytes([len(faces)]) + b"".join(face.tobytes() for face in faces) + (movement.to_bytes() if movement else b"")


def unpack_prints(data: bytes) -> tuple[list[FacePrint], Movement | None]:
    """Undo :func:`pack_prints`.

    Returns:
        The faces, and the movement; None for a photo.

    Raises:
        ValueError: the bytes are no packed prints.
    """
    count, rest = data[0], data[1:]
    faces = np.frombuffer(rest[: count * _FACE], np.uint8).reshape(count, SIDE, SIDE)
    moved = rest[count * _FACE :]
    return list(faces), Movement.from_bytes(moved) if moved else None
