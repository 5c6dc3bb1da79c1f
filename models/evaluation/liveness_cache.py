"""Keep what was read from films in a folder, so that a later evaluation need not read them again.

Reading a film costs seconds, measuring what was read a fifth of one. There is one file for what was read (``.npz``) and
one for measures and checks (``.json``); the verdict is always made again, with the parameters of the day. Their names
are hashes of everything that they depend on: the film, the weights, and the program's own source. So a changed film,
model or line of code is never answered from the cache. Both are written whole or not at all: an evaluation that was
interrupted goes on where it stopped.

The files show faces. They belong to the person who owns the films, and are written only where that person says.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from models.evaluation.readings_file import examined_arrays, examined_from
from models.liveness.examined import Examined

_READING = (
    *("face/*.py", "media/*.py"),
    *(f"liveness/{name}.py" for name in ("readings", "screen", "device_frame", "examined")),
)
_JUDGING = ("liveness/*.py",)


class FilmCache:
    """Reads and writes the files of one folder.

    Args:
        folder: where they are; made if it is missing.
        models: sha256 by name of the models.
    """

    def __init__(self, folder: Path, models: Mapping[str, str]) -> None:
        self._folder = folder
        self._models = json.dumps(dict(sorted(models.items())))
        folder.mkdir(parents=True, exist_ok=True)

    def examined(self, film: str) -> tuple[Examined, bytes] | None:
        """Return what was read from a film, and a strip of its pictures (JPEG); None if it is not in the folder.

        Args:
            film: sha256 of the film.
        """
        path = self._examined_path(film)
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
        return examined_from(content), content["strip"].tobytes()

    def strip(self, film: str) -> bytes:
        """Return the strip of pictures alone; empty if it is not in the folder."""
        path = self._examined_path(film)
        if not path.exists():
            return b""
        with np.load(path, allow_pickle=False) as arrays:
            return bytes(arrays["strip"].tobytes())

    def keep_examined(self, film: str, examined: Examined, strip: bytes) -> None:
        """Write what was read from a film."""
        arrays: dict[str, NDArray[Any]] = examined_arrays(examined) | {"strip": np.frombuffer(strip, np.uint8)}
        target = self._examined_path(film)
        partial = target.with_suffix(f".{os.getpid()}.part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w") as stream:
                    np.save(stream, array, allow_pickle=False)
        partial.replace(target)

    def measured(self, film: str, prompts: str) -> dict[str, Any] | None:
        """Return the measures and checks of a film; None if they are not in the folder.

        Args:
            film: sha256 of the film.
            prompts: what was asked.
        """
        path = self._measured_path(film, prompts)
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def keep_measured(self, film: str, prompts: str, measured: Mapping[str, Any]) -> None:
        """Write the measures and checks of a film."""
        target = self._measured_path(film, prompts)
        partial = target.with_suffix(f".{os.getpid()}.part")
        partial.write_text(json.dumps(dict(measured)), "utf-8")
        partial.replace(target)

    def _examined_path(self, film: str) -> Path:
        return self._folder / f"{_hash(film, self._models, source_hash(_READING))}.npz"

    def _measured_path(self, film: str, prompts: str) -> Path:
        code = source_hash(_READING + _JUDGING)
        return self._folder / f"{_hash(film, self._models, code, prompts)}.json"


@cache
def source_hash(patterns: tuple[str, ...]) -> str:
    """Return the hash of the program's files that match the patterns, below ``models/``."""
    root = Path(models.__file__).parent
    files = sorted({path for pattern in patterns for path in root.glob(pattern)})
    return _hash(*(f"{path.relative_to(root)}:{path.read_text('utf-8')}" for path in files))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:40]
