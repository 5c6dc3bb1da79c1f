"""Measure the time that sealing and checking rows takes in a run (certify/storage/row_macs.py, bulk_macs.py)."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from certify.storage import bulk_macs, row_macs

_BULK = (bulk_macs.checked_table, bulk_macs.sealed_batch, bulk_macs.macs_in_text)
_SINGLE = (row_macs.checked_row, row_macs.check_object)
_METHODS = ("mac", "sealed", "check")


class MacTime:
    """The time of all calls of the functions that seal and check, in every thread.

    Attributes:
        processor_s: seconds of processor time of the threads.
        wall_s: seconds by the clock, summed over the threads; waiting for another thread counts too.
        calls: number of calls.
    """

    def __init__(self) -> None:
        self.processor_s = 0.0
        self.wall_s = 0.0
        self.calls = 0
        self._lock = threading.Lock()
        self._local = threading.local()

    def watch(self) -> None:
        """Put a clock around the functions, wherever a module of the service has imported them. It stays there."""
        clocked = {function: self._clocked(function) for function in (*_BULK, *_SINGLE)}
        for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "certify"]:
            for name, value in list(vars(module).items()):
                if callable(value) and value in clocked:
                    setattr(module, name, clocked[value])
        for name in _METHODS:
            setattr(row_macs.RowMacs, name, self._clocked(getattr(row_macs.RowMacs, name)))

    def _clocked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if getattr(self._local, "inside", False):  # one of them called another
                return function(*arguments, **named)
            self._local.inside = True
            processor, wall = time.thread_time(), time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                processor, wall = time.thread_time() - processor, time.perf_counter() - wall
                self._local.inside = False
                with self._lock:
                    self.processor_s += processor
                    self.wall_s += wall
                    self.calls += 1

        return call
