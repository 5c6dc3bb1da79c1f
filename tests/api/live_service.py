"""A service for live captures: the application behind a real server, and a real guide process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.app import create_app
from certify.capture.live.recording import MAX_FRAME_MESSAGE
from certify.service import Service


class GuideProcess:
    """``certify guide`` in a process of its own, which tests may kill."""

    def __init__(self) -> None:
        # The path of a socket has at most 107 characters, and the folders of pytest are too deep.
        self.folder = Path(tempfile.mkdtemp(prefix="certify-"))
        self.socket = self.folder / "guide"
        self.process = self._start()

    def kill(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()

    def start_again(self) -> None:
        """Start the process again, and wait for its socket."""
        self.process = self._start()

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(20)

    def _start(self) -> subprocess.Popen[bytes]:
        self.socket.unlink(missing_ok=True)
        environment = {**os.environ, "CERTIFY_LOG_LEVEL": "ERROR"}
        process = subprocess.Popen([sys.executable, "-m", "certify", "guide", str(self.socket)], env=environment)
        deadline = time.monotonic() + 60
        while not self.socket.exists():
            assert process.poll() is None, "the guide ended at once"
            assert time.monotonic() < deadline, "the guide did not start"
            time.sleep(0.05)
        return process


@contextmanager
def served(service: Service, *, port: int = 0) -> Iterator[str]:
    """Serve the application on a port, or on any free one for 0; yield the address without its scheme."""
    config = uvicorn.Config(
        create_app(service=service),
        log_config=None,
        ws_max_size=MAX_FRAME_MESSAGE + 1024,
        ws_per_message_deflate=False,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.02)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def talk(url: str, first: Any, *messages: Any) -> tuple[list[dict[str, Any]], int | None]:
    """Send these messages as they are, and return all answers and the close code."""
    said = []
    with connect(url, compression=None, open_timeout=10) as connection:
        try:
            for message in (first, *messages):
                if message is not None:
                    connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
            while True:
                said.append(json.loads(connection.recv(timeout=20)))
        except ConnectionClosed as closed:
            return said, closed.rcvd.code if closed.rcvd else None


def code_of(said: list[dict[str, Any]]) -> str:
    """Return the code of the problem that ended a conversation."""
    assert said[-1]["type"] == "problem", said
    return str(said[-1]["problem"]["code"])
