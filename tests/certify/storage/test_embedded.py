"""The list of processes that use an embedded database, and signals that arrive while it starts."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from types import FrameType

import pytest

from certify.errors import Unavailable
from certify.storage import embedded
from certify.storage.embedded import start_embedded, users_of


def _listed(folder: Path, text: str) -> None:
    (folder / "postgres").mkdir(exist_ok=True)
    (folder / "postgres" / ".handle_pids.json").write_text(text)


def test_users_are_other_processes_that_are_alive(tmp_path: Path) -> None:
    assert users_of(tmp_path) == []
    _listed(tmp_path, json.dumps([os.getpid(), os.getppid(), 2**22 + 7, 1, "x"]))
    assert users_of(tmp_path) == [os.getppid(), 1]
    for broken in ("", "no JSON", "[]"):
        _listed(tmp_path, broken)
        assert users_of(tmp_path) == []


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        arrived.append(number)

    before = signal.signal(signal.SIGTERM, note)
    try:
        with embedded._signals_deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            assert arrived == []
        assert arrived == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt), embedded._signals_deferred():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGTERM) is note
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_have_no_signals_to_keep_back() -> None:
    done = []

    def start() -> None:
        with embedded._signals_deferred():
            done.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.integration
def test_a_process_that_was_killed_is_struck_off_when_another_joins(tmp_path: Path) -> None:
    server = start_embedded(tmp_path)
    try:
        server.global_process_id_list.put([2**22 + 7, os.getpid()])
        assert start_embedded(tmp_path) is server
        assert json.loads((tmp_path / "postgres" / ".handle_pids.json").read_text()) == [os.getpid()]
    finally:
        server.cleanup()
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


@pytest.mark.integration
def test_a_folder_of_another_release_of_postgresql_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(Unavailable) as refused:
        start_embedded(tmp_path)
    assert refused.value.code == "embedded_database"
