"""``certify serve`` as a process: what it refuses before it starts, and what is left when it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certify.cli.exit_codes import TERMINATED, ExitCode
from tests.certify.cli.here import ended

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.enable_socket]

PATIENCE = 60.0
"""Seconds that a step may take on a busy machine."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _serving(folder: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``certify serve`` on a folder; what it prints goes to ``log`` there."""
    command = [sys.executable, "-m", "certify", "serve", "--port", str(_free_port()), *words]
    environment = {**os.environ, "CERTIFY_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as done:
        try:
            yield done
        finally:
            done.kill()


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _processes(folder: Path) -> list[str]:
    """The command lines of all processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def _is_listening(folder: Path) -> bool:
    return "certify listens" in (folder / "log").read_text("utf-8")


def _assert_nothing_is_left(folder: Path) -> None:
    assert not _processes(folder / "data"), (folder / "log").read_text("utf-8")
    assert not (folder / "data" / "postgres" / "postmaster.pid").exists()
    listed = folder / "data" / "postgres" / ".handle_pids.json"
    assert not listed.exists() or json.loads(listed.read_text()) == []
    assert "Traceback" not in (folder / "log").read_text("utf-8")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_serve_with_its_workers_and_its_database(tmp_path: Path, sent: signal.Signals) -> None:
    with _serving(tmp_path, "--workers", "1", "--guides", "1") as server:
        _until(lambda: _is_listening(tmp_path))
        # A worker joins the database; it must be gone from the list whatever it was doing when the signal came.
        _until(lambda: (tmp_path / "data" / "postgres" / ".handle_pids.json").read_text().count(",") == 1)
        server.send_signal(sent)
        assert server.wait(PATIENCE) == ExitCode.OK
    _assert_nothing_is_left(tmp_path)


def test_a_worker_that_was_killed_does_not_keep_the_database_running(tmp_path: Path) -> None:
    listed = tmp_path / "data" / "postgres" / ".handle_pids.json"
    with _serving(tmp_path, "--workers", "1", "--guides", "0") as server:
        _until(lambda: _is_listening(tmp_path) and listed.read_text().count(",") == 1)
        (worker,) = set(json.loads(listed.read_text())) - {server.pid}
        os.kill(worker, signal.SIGKILL)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == ExitCode.OK
    _assert_nothing_is_left(tmp_path)


# Both signals have one handler, so each moment is tried with one of them.
@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("postgres/PG_VERSION", signal.SIGTERM),
        ("postgres/postmaster.pid", signal.SIGINT),
        ("master.key", signal.SIGTERM),
    ],
)
def test_a_signal_while_it_starts_ends_it_with_its_database(tmp_path: Path, sent: signal.Signals, moment: str) -> None:
    with _serving(tmp_path, "--workers", "1", "--guides", "0") as server:
        _until((tmp_path / "data" / moment).exists)
        server.send_signal(sent)
        assert server.wait(PATIENCE) in (ExitCode.OK, TERMINATED, 130)
    _until(lambda: not _processes(tmp_path / "data"))
    _assert_nothing_is_left(tmp_path)


def test_a_port_in_use_is_told_in_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = ended(tmp_path, "serve", "--port", str(port))
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    assert f"127.0.0.1, port {port}, cannot be listened on: Address already in use." in err
    assert len(err.splitlines()) == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_told_in_one_sentence(tmp_path: Path, host: str) -> None:
    code, out, err = ended(tmp_path, "serve", "--host", host, "--port", str(_free_port()))
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    assert len(err.splitlines()) == 2


@pytest.mark.parametrize("content", ["[{}]", "no JSON", '[{"issuer": "x", "keys": [], "roles": ["king"]}]'])
def test_issuers_that_cannot_be_used_are_told_in_one_sentence(tmp_path: Path, database_url: str, content: str) -> None:
    (tmp_path / "issuers.json").write_text(content)
    environment = {"CERTIFY_DATABASE_URL": database_url, "CERTIFY_ISSUERS_FILE": str(tmp_path / "issuers.json")}
    code, out, err = ended(tmp_path, "serve", "--port", str(_free_port()), environment=environment)
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    assert "issuers.json cannot be used" in err
    assert "Traceback" not in err


def test_a_wrong_master_key_is_told_in_one_sentence(tmp_path: Path, database_url: str) -> None:
    environment = {"CERTIFY_DATABASE_URL": database_url}
    assert ended(tmp_path, "keys", "rotate", "--purpose", "session", environment=environment).code == ExitCode.OK
    (tmp_path / "data" / "master.key").write_bytes(bytes(32))
    code, out, err = ended(tmp_path, "serve", "--port", str(_free_port()), environment=environment)
    assert code == ExitCode.UNAVAILABLE
    assert out == ""
    assert "could not be decrypted" in err
    assert "Traceback" not in err
