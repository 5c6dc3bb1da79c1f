"""A face engine for tests about something else than the engine: it measures the same picture or film only once.

The models are deterministic, so the second result would be the first one. Hundreds of tests send the same few pictures.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from models.liveness.examined import Each, Examined
from models.liveness.plan import Plan
from models.liveness.source import CaptureSource
from models.media.video import VideoLimits
from models.pipeline import FaceEngine
from models.results import Measurement, Watched


class RememberingEngine(FaceEngine):
    """An engine that remembers its results. A picture that is refused is looked at again."""

    _results: ClassVar[dict[Any, Any]] = {}  # the keys name all that a result depends on, apart from the weights

    _read: ClassVar[dict[bytes, Examined]] = {}

    def measure(self, data: bytes, *, evaluation: bool = False) -> Measurement:
        """Measure one picture, or return what was measured before."""
        key = ("measure", hashlib.sha256(data).digest(), evaluation)
        if key not in self._results:
            self._results[key] = super().measure(data, evaluation=evaluation)
        result: Measurement = self._results[key]
        return result

    def examine(self, data: bytes, limits: VideoLimits | None = None, *, each: Each | None = None) -> Examined:
        """Read one film, or return what was read from it lately: it is large, so only two films are remembered."""
        if limits is not None or each is not None:
            return super().examine(data, limits, each=each)
        key = hashlib.sha256(data).digest()
        if key not in self._read:
            while len(self._read) > 1:
                self._read.pop(next(iter(self._read)))
            self._read[key] = super().examine(data)
        return self._read[key]

    def watch(self, data: bytes, plan: Plan | None = None, source: CaptureSource | None = None) -> Watched:
        """Judge a film, or return what was judged before."""
        key = ("watch", hashlib.sha256(data).digest(), plan, source, self._fusion.sha256)
        if key not in self._results:
            self._results[key] = super().watch(data, plan, source)
        result: Watched = self._results[key]
        return result
