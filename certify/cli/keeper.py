"""Start the other processes of ``certify serve``, and start a new one when one has died."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("certify.serve")

_GUIDE_READS = frozenset({"CERTIFY_LOG_LEVEL", "CERTIFY_MODEL_CACHE", "CERTIFY_MODEL_PACKS"})

_PATIENCE = 20.0
"""Seconds in which a process may finish what it is doing."""


@contextmanager
def keep_processes(commands: Sequence[Sequence[str]], *, guides: int, sockets: Sequence[str]) -> Iterator[None]:
    """Keep processes of this program running until the block ends.

    Args:
        commands: the arguments of each process.
        guides: how many processes for live guidance to keep as well.
        sockets: sockets of guides that were started otherwise.

    Yields:
        When all are started; their sockets stand in ``CERTIFY_GUIDE_SOCKETS``.
    """
    # Short and private: the path of a socket has 107 characters at most, and folders of data may be deep.
    folder = Path(tempfile.mkdtemp(prefix="certify-"))
    own = [str(folder / f"guide-{index}") for index in range(guides)]
    keeper = Keeper([*commands, *(["guide", path] for path in own)])
    try:
        keeper.start()
        os.environ["CERTIFY_GUIDE_SOCKETS"] = json.dumps([*own, *sockets])
        yield
    finally:
        keeper.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Keeper:
    """Processes of this program that are started again when they die.

    Args:
        commands: the arguments of each process.
    """

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._commands = commands
        self._stopping = threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start the processes."""
        for command in self._commands:
            self._processes.append(_spawn(command))
        self._thread.start()

    def stop(self) -> None:
        """Ask the processes to finish what they are doing, and wait for them."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _keep(self) -> None:
        while not self._stopping.wait(1.0):
            for index, process in enumerate(self._processes):
                if process.poll() is not None and not self._stopping.is_set():
                    name = self._commands[index][0]
                    log.error("a %s died; starting another", name, extra={"exit_code": process.returncode})
                    # One that dies at once, because models are missing for example, must not spin.
                    time.sleep(1.0)
                    if not self._stopping.is_set():
                        self._processes[index] = _spawn(self._commands[index])


def environment_of(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: a guide, which decodes frames of callers, learns no address and no key.

    Args:
        command: the arguments of the process.
        environment: that of this process.
    """
    guide = command[0] == "guide"
    return {
        name: value
        for name, value in environment.items()
        if not (guide and name.startswith("CERTIFY_") and name not in _GUIDE_READS)
    }


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "certify", *command, "--parent", str(os.getpid())],
        env=environment_of(command, os.environ),
    )
