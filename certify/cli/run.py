"""``certify serve`` and ``certify worker``: the running service."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Annotated

import typer

from certify.cli.output import console, load_engine, opened_service
from certify.config import Settings
from certify.errors import Unavailable
from certify.logs import configure_logs
from certify.queue import DatabaseQueue

log = logging.getLogger("certify.serve")

_NICENESS = 15
"""Workers give way to the HTTP process, so that uploads under analysis do not slow down answers."""


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command("serve")(serve)
    root.command("worker")(worker)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default CERTIFY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default CERTIFY_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes to start along; default CERTIFY_WORKERS.")
    ] = None,
) -> None:
    """Run the HTTP service and, for one machine, its workers. Stop with Ctrl-C; nothing accepted is ever lost."""
    import uvicorn  # noqa: PLC0415 - only this command needs a web server

    from certify.storage.migrate import is_current  # noqa: PLC0415 - slow to load

    settings = Settings()
    configure_logs(settings.log_level)
    with opened_service(queue=DatabaseQueue()) as service:
        if not is_current(service.database):
            raise Unavailable(
                "The database schema is not current.", hint="Run 'certify db upgrade'.", code="schema_old"
            )
        count = settings.workers if workers is None else workers
        keeper = WorkerKeeper(count)
        keeper.start()
        address, number = host or settings.host, port or settings.port
        console.print(f"certify listens on http://{address}:{number} with {count} worker(s); Ctrl-C stops it.")
        # Threads that come back from the database wait this long at most for the interpreter; Python's own 5 ms would
        # be most of the time an answer takes.
        sys.setswitchinterval(0.0005)
        # uvicorn finishes the open requests and then raises the signal again; without a handler of ours that would
        # end the process on the spot, and the workers and the embedded database would be left behind.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            uvicorn.run(
                "api.app:create_app",
                factory=True,
                host=address,
                port=number,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=30,
                # The caller's address counts for rate limits; a header could claim any, unless a known proxy wrote it.
                proxy_headers=settings.trusted_proxies is not None,
                forwarded_allow_ips=settings.trusted_proxies or "",
            )
        except KeyboardInterrupt:
            console.print("Stopped.")
        finally:
            keeper.stop()


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="Jobs at once in this process.")] = 1,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when the queue is empty.")] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Take jobs from the queue: analyse photos, keep house. Start as many as there are cores, on any machine."""
    from certify.worker import Bench, run_worker  # noqa: PLC0415 - loads the face models

    settings = Settings()
    configure_logs(settings.log_level)
    os.nice(_NICENESS)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with opened_service(queue=DatabaseQueue()) as service:
        engine = load_engine(settings)
        log.info("worker ready", extra={"pid": os.getpid(), "models": dict(engine.models)})
        asyncio.run(run_worker(Bench(service, engine), wait=not until_idle, concurrency=concurrency))


class WorkerKeeper:
    """Starts worker processes and starts a new one whenever one has died."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stopping = threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start the workers."""
        self._processes = [self._spawn() for _ in range(self._count)]
        self._thread.start()

    def stop(self) -> None:
        """Ask the workers to finish what they are doing, and wait for them."""
        self._stopping.set()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def _keep(self) -> None:
        while not self._stopping.wait(1.0):
            for index, process in enumerate(self._processes):
                if process.poll() is not None and not self._stopping.is_set():
                    log.error("a worker died; starting another", extra={"exit_code": process.returncode})
                    # A worker that dies at once, for want of models say, must not spin.
                    time.sleep(1.0)
                    self._processes[index] = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "certify", "worker", "--parent", str(os.getpid())])


def _end_with(parent: int) -> None:
    """End this worker when the server that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), 15)
