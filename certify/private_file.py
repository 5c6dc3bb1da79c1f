"""Write files that only the service's user may read."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only the service's user may read, and replace one of the same name.

    Other processes see the old file or the complete new one. A missing folder is created, with access for the same
    user only.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def delete_named(folder: Path, words: Collection[str]) -> None:
    """Delete the files of a folder whose names contain one of these words; a folder that is missing holds none."""
    if folder.is_dir():
        for path in folder.iterdir():
            if any(word in path.name for word in words):
                path.unlink(missing_ok=True)
