"""``certify serve`` and ``certify worker``: the running service."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from certify.capture.live.recording import MAX_FRAME_MESSAGE
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
    root.command("guide")(guide)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; default CERTIFY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default CERTIFY_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes to start along; default CERTIFY_WORKERS.")
    ] = None,
    guides: Annotated[
        int | None, typer.Option(help="Processes for live guidance to start along; default CERTIFY_GUIDES.")
    ] = None,
) -> None:
    """Run the HTTP service and, for one machine, its workers and guides. Ctrl-C stops it; nothing accepted is lost."""
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
        helpers = settings.guides if guides is None else guides
        # Short and private: the path of a socket has 107 characters at most, and folders of data may be deep.
        folder = Path(tempfile.mkdtemp(prefix="certify-"))
        sockets = [str(folder / f"guide-{index}") for index in range(helpers)]
        registry = [["worker", "--registry"]] if settings.feeds_dir is not None and count else []
        messages = [["worker", "--messages"]] if service.senders.ways and count else []
        keeper = Keeper([["worker"]] * count + registry + messages + [["guide", path] for path in sockets])
        keeper.start()
        os.environ["CERTIFY_GUIDE_SOCKETS"] = json.dumps([*sockets, *settings.guide_sockets])
        address, number = host or settings.host, port or settings.port
        console.print(
            f"certify listens on http://{address}:{number} with {count} worker(s) and {helpers} guide(s); "
            "Ctrl-C stops it."
        )
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
                # One frame of a live capture; compressing JPEG again is work for nothing, and a way to send bombs.
                ws_max_size=MAX_FRAME_MESSAGE + 1024,
                ws_per_message_deflate=False,
                # The caller's address counts for rate limits; a header could claim any, unless a known proxy wrote it.
                proxy_headers=settings.trusted_proxies is not None,
                forwarded_allow_ips=settings.trusted_proxies or "",
            )
        except KeyboardInterrupt:
            console.print("Stopped.")
        finally:
            keeper.stop()
            shutil.rmtree(folder, ignore_errors=True)


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="Jobs at once in this process.")] = 1,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when the queue is empty.")] = False,
    registry: Annotated[
        bool, typer.Option("--registry", help="Take no photos; compare with the registries every night instead.")
    ] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Take no photos; remind people and send messages instead.")
    ] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Take jobs from the queue: analyse photos, keep house. Start as many as there are cores, on any machine.

    With --registry it carries out, at half past one in the night (UTC), what waits in the inboxes of CERTIFY_FEEDS_DIR;
    start one of these, on the machine where registries deliver their files. With --messages it sends what
    CERTIFY_SENDERS_FILE has a way for, and at five in the morning (UTC) reminds people; one of these is enough.
    """
    settings = Settings()
    configure_logs(settings.log_level)
    os.nice(_NICENESS)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with opened_service(queue=DatabaseQueue()) as service:
        if registry:
            from certify.workers.registry import run_registry_worker  # noqa: PLC0415 - loads DuckDB

            log.info("registry worker ready", extra={"pid": os.getpid()})
            asyncio.run(run_registry_worker(service, wait=not until_idle))
            return
        if messages:
            from certify.workers.messages import run_messages_worker  # noqa: PLC0415 - only this one needs it

            log.info("messages worker ready", extra={"pid": os.getpid(), "channels": list(service.senders.ways)})
            asyncio.run(run_messages_worker(service, wait=not until_idle))
            return
        from certify.workers.faces import WorkerContext, run_worker  # noqa: PLC0415 - loads the face models

        engine = load_engine(settings)
        log.info("worker ready", extra={"pid": os.getpid(), "models": dict(engine.models)})
        asyncio.run(run_worker(WorkerContext(service, engine), wait=not until_idle, concurrency=concurrency))


def guide(
    socket: Annotated[Path, typer.Argument(help="Unix socket to listen on; name it in CERTIFY_GUIDE_SOCKETS.")],
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Give live guidance: look at the frames of captures and say what to do. 'certify serve' starts its own."""
    from certify.capture.live.guide_process import serve_guide  # noqa: PLC0415 - loads the face models
    from models.live.guide import Guides  # noqa: PLC0415
    from models.weights.packs import PackStore, default_cache_dir  # noqa: PLC0415

    settings = Settings()
    configure_logs(settings.log_level)
    # Before the workers, who have time, and after the HTTP process, which only passes on.
    os.nice(_NICENESS // 3)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve_guide(lambda: Guides.load(PackStore(default_cache_dir())), socket))


class Keeper:
    """Starts processes of this program, and starts a new one whenever one has died.

    Args:
        commands: the arguments of each.
    """

    def __init__(self, commands: Sequence[Sequence[str]]) -> None:
        self._commands = commands
        self._stopping = threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start them."""
        self._processes = [_spawn(command) for command in self._commands]
        self._thread.start()

    def stop(self) -> None:
        """Ask them to finish what they are doing, and wait."""
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
                    name = self._commands[index][0]
                    log.error("a %s died; starting another", name, extra={"exit_code": process.returncode})
                    # One that dies at once, for want of models say, must not spin.
                    time.sleep(1.0)
                    self._processes[index] = _spawn(self._commands[index])


def _spawn(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "certify", *command, "--parent", str(os.getpid())])


def _end_with(parent: int) -> None:
    """End this process when the server that started it is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), 15)
