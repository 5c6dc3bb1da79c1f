"""Signals end a command in order, also where Python drops the exception that a handler raises."""

from __future__ import annotations

import os
import signal
import sys
import weakref

import pytest

from certify.cli import ending
from certify.cli.exit_codes import TERMINATED, ExitCode


class _Thing:
    pass


def _send_where_exceptions_are_dropped(number: int) -> None:
    thing = _Thing()
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), number))
    del thing
    assert reference() is None


def test_sigterm_ends_a_command_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, ending.ends_on_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == TERMINATED
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_whose_exception_was_dropped_ends_at_the_next_check(number: signal.Signals) -> None:
    with ending.ends_on_sigterm():
        ending.ends_as_service()
        _send_where_exceptions_are_dropped(number)
        with pytest.raises(SystemExit) as ended:
            ending.check()
    assert ended.value.code == ExitCode.OK
    ending.check()  # what comes after the block was not asked
    with ending.ends_on_sigterm():
        ending.check()  # nor was another command


def test_a_signal_before_a_service_begins_is_not_forgotten() -> None:
    with ending.ends_on_sigterm():
        _send_where_exceptions_are_dropped(signal.SIGTERM)
        with pytest.raises(SystemExit):
            ending.ends_as_service()


def test_what_ends_by_itself_is_not_interrupted() -> None:
    asked: list[bool] = []
    with ending.ends_on_sigterm():
        ending.ends_as_service()
        ending.gently(lambda: asked.append(True))
        os.kill(os.getpid(), signal.SIGINT)
        assert asked == [True]
        with pytest.raises(SystemExit):
            ending.check()


def test_an_end_that_came_while_a_module_in_c_was_loaded_is_no_fault() -> None:
    """As Python reports it: the module's start-up turns the handler's exception into an error of the import."""

    def load() -> None:
        try:
            sys.exit(TERMINATED)
        except SystemExit as asked:
            raise ImportError("initialization failed") from asked

    with pytest.raises(ImportError) as failed:
        load()
    found = ending.behind(failed.value)
    assert found is not None
    assert found.code == TERMINATED


def test_a_module_that_cannot_be_loaded_is_a_fault() -> None:
    assert ending.behind(ImportError("no module named x")) is None
