"""End a command on SIGTERM, and a process of the service on SIGTERM or Ctrl-C, after everything it opened is closed.

Without a handler the signal would end the process on the spot, and leave its workers and the embedded database behind.
The handler raises SystemExit. But Python drops an exception that a handler raises inside a weak reference's callback or
a ``__del__``, as happens while modules are loaded. So the wish is noted as well, and asked for with ``check`` after
each step of starting. Signals belong to the whole process, and so does this state.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from certify.cli.exit_codes import TERMINATED, ExitCode


@dataclass(slots=True)
class _State:
    asked: bool = False
    code: int = TERMINATED
    stop: Callable[[], None] | None = None


_state = _State()


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the block with exit code 143; handlers are put back afterwards.

    Raises:
        SystemExit: SIGTERM came.
    """
    _state.asked, _state.code, _state.stop = False, TERMINATED, None
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    hook = sys.unraisablehook

    def without_ours(dropped: sys.UnraisableHookArgs) -> None:
        if not (_state.asked and isinstance(dropped.exc_value, SystemExit)):
            hook(dropped)

    sys.unraisablehook = without_ours  # what Python dropped of ours is noted, and needs no lines in the log
    signal.signal(signal.SIGTERM, _handle)
    try:
        yield
    finally:
        _state.asked, _state.code, _state.stop = False, TERMINATED, None  # what comes next was not asked to end
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def ends_as_service() -> None:
    """Let SIGTERM and Ctrl-C end this process with exit code 0: this is how a service is stopped.

    Raises:
        SystemExit: one of them came before.
    """
    _state.code = ExitCode.OK
    signal.signal(signal.SIGTERM, _handle)
    signal.signal(signal.SIGINT, _handle)
    check()


def check() -> None:
    """End here, if the process was asked to.

    Raises:
        SystemExit: it was.
    """
    if _state.asked:
        sys.exit(_state.code)


def behind(error: ImportError) -> SystemExit | None:
    """Return the end that was asked for while a module was being loaded; None if the module itself is at fault.

    The start-up of a module in C turns every exception, also this one, into an error of the import.

    Args:
        error: the error of the import.
    """
    found: BaseException | None = error
    while found is not None and not isinstance(found, SystemExit):
        found = found.__cause__ or found.__context__
    return found


def gently(stop: Callable[[], None]) -> None:
    """From now on, do not interrupt what is being done.

    Args:
        stop: asks what is being done to stop by itself.

    Raises:
        SystemExit: the process was asked to end before.
    """
    _state.stop = stop
    check()


def _handle(_number: int, _frame: FrameType | None) -> None:
    _state.asked = True
    if _state.stop is None:
        sys.exit(_state.code)
    _state.stop()
