"""``certify serve``, ``certify worker`` and ``certify guide``: the running service."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli import ending
from certify.cli.output import say
from certify.cli.service import load_engine, opened_service, settings_to_run
from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable

if TYPE_CHECKING:
    import socket

    from certify.config import Settings
    from certify.service import Service

_NICENESS = 15
"""Workers give way to the HTTP process, so that uploads under analysis do not slow down answers."""

_BACKLOG = 2048
"""Connections that wait until the service answers; uvicorn's own number."""


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.command("serve")(serve)
    root.command("worker")(worker)
    root.command("guide")(guide)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: CERTIFY_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on. Default: CERTIFY_PORT.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="Worker processes to start. Default: CERTIFY_WORKERS.")
    ] = None,
    guides: Annotated[
        int | None, typer.Option(min=0, max=64, help="Processes for live guidance to start. Default: CERTIFY_GUIDES.")
    ] = None,
) -> None:
    """Run the HTTP service with its workers and guides on one machine. Ctrl-C or SIGTERM stops it; no upload is lost.

    What was accepted before it stops is worked on at the next start. An embedded database is stopped too.
    """
    from certify.cli.keeper import keep_processes
    from certify.logs import configure_logs
    from certify.queue import DatabaseQueue
    from certify.storage.health import require_current_schema

    ending.ends_as_service()
    settings = settings_to_run()
    configure_logs(settings.log_level)
    address, number = host or settings.host, port or settings.port
    with _open_port(address, number) as listener, opened_service(queue=DatabaseQueue()) as service:
        require_current_schema(service.database)
        _check_before_start(service)
        count = settings.workers if workers is None else workers
        helpers = settings.guides if guides is None else guides
        commands = [["worker"]] * count
        if settings.feeds_dir is not None and count:
            commands.append(["worker", "--registry"])
        if service.senders.ways and count:
            commands.append(["worker", "--messages"])
        with keep_processes(commands, guides=helpers, sockets=settings.guide_sockets):
            say(
                f"certify listens on http://{address}:{number} with {count} worker(s) and {helpers} guide(s); "
                "Ctrl-C stops it."
            )
            _answer(settings, listener)


def _answer(settings: Settings, listener: socket.socket) -> None:
    """Answer HTTP requests until a signal ends it.

    Args:
        settings: how requests are taken.
        listener: the socket, already listening.

    Raises:
        Unavailable: the application did not start (``not_started``); the log says why.
    """
    import uvicorn

    from certify.capture.live.recording import MAX_FRAME_MESSAGE
    from certify.cli.timed_http import TimedHttp

    # Threads that come back from the database wait this long at most for the interpreter; Python's own 5 ms would
    # be most of the time an answer takes.
    sys.setswitchinterval(0.0005)
    server = uvicorn.Server(
        uvicorn.Config(
            "api.app:create_app",
            factory=True,
            log_config=None,
            access_log=False,
            server_header=False,
            http=TimedHttp,
            timeout_keep_alive=30,
            backlog=_BACKLOG,
            # One frame of a live capture; compressing JPEG again is work for nothing, and a way to send bombs.
            ws_max_size=MAX_FRAME_MESSAGE + 1024,
            ws_per_message_deflate=False,
            # The caller's address counts for rate limits; a header could claim any, unless a known proxy wrote it.
            proxy_headers=settings.trusted_proxies is not None,
            forwarded_allow_ips=settings.trusted_proxies or "",
        )
    )
    # It finishes the open requests, and then raises the signal again.
    ending.gently(lambda: setattr(server, "should_exit", True))
    server.run(sockets=[listener])
    ending.check()
    if not server.started:
        raise Unavailable("The HTTP service did not start.", hint="The log above says why.", code=ErrorCode.NOT_STARTED)


def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="Jobs at the same time in this process.")] = 1,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="Stop when the queue is empty.")] = False,
    registry: Annotated[
        bool, typer.Option("--registry", help="Take no photos; run the registries' files every night instead.")
    ] = False,
    messages: Annotated[
        bool, typer.Option("--messages", help="Take no photos; remind people and send messages instead.")
    ] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Take jobs from the queue: analyse photos, run housekeeping. Start one for each core, on any machine.

    With --registry it runs, at half past one in the night (UTC), the files that wait in the inboxes of
    CERTIFY_FEEDS_DIR; start one of these, on the machine where registries deliver their files. With --messages it sends
    messages on the channels of CERTIFY_SENDERS_FILE, and at five in the morning (UTC) reminds people; one of these is
    enough.
    """
    import asyncio
    import logging

    from certify.logs import configure_logs
    from certify.queue import DatabaseQueue

    ending.ends_as_service()
    log = logging.getLogger("certify.serve")
    settings = settings_to_run()
    configure_logs(settings.log_level)
    with opened_service(queue=DatabaseQueue()) as service:
        _lower_priority(_NICENESS, parent)
        if registry:
            from certify.workers.registry import run_registry_worker

            ending.check()
            log.info("registry worker ready", extra={"pid": os.getpid()})
            asyncio.run(run_registry_worker(service, wait=not until_idle))
            return
        if messages:
            from certify.workers.messages import run_messages_worker

            ending.check()
            log.info("messages worker ready", extra={"pid": os.getpid(), "channels": list(service.senders.ways)})
            asyncio.run(run_messages_worker(service, wait=not until_idle))
            return
        from certify.workers.faces import WorkerContext, run_worker

        engine = load_engine(settings)
        ending.check()
        log.info("worker ready", extra={"pid": os.getpid(), "models": dict(engine.models)})
        asyncio.run(run_worker(WorkerContext(service, engine), wait=not until_idle, concurrency=concurrency))


def guide(
    socket: Annotated[Path, typer.Argument(help="Unix socket to listen on; name it in CERTIFY_GUIDE_SOCKETS.")],
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Give live guidance: analyse the frames of live captures and say what to do. 'certify serve' starts its own."""
    import asyncio

    from certify.capture.live.guide_process import serve_guide
    from certify.config import read_settings
    from certify.logs import configure_logs
    from models.live.guide import Guides
    from models.weights.packs import PackStore, default_cache_dir

    ending.ends_as_service()
    settings = read_settings()
    configure_logs(settings.log_level)
    # Before the workers, who have time, and after the HTTP process, which only passes on.
    _lower_priority(_NICENESS // 3, parent)
    ending.check()
    asyncio.run(serve_guide(lambda: Guides.load(PackStore(default_cache_dir())), socket))


def _check_before_start(service: Service) -> None:
    """Open and close everything that the HTTP service needs, so that a failure ends the command with one sentence.

    Args:
        service: the service.

    Raises:
        Unavailable: the issuers file, the master key or the key of session tokens cannot be used, or the rows of an
            earlier release are not sealed yet (``rows_not_sealed``).
    """
    from certify.issuers.file import load_issuers
    from certify.storage.row_macs import macs_of
    from certify.storage.signing import active_key

    if service.settings.issuers_file is not None:
        load_issuers(service.settings.issuers_file)
    with service.unit() as unit:
        macs_of(unit.db).require_sealed(unit.db)
        active_key(unit.db, service.vault, "session", unit.now)


@contextlib.contextmanager
def _open_port(host: str, port: int) -> Iterator[socket.socket]:
    """Listen on a port, before anything is started.

    Args:
        host: address or name of this machine.
        port: 1 to 65535.

    Yields:
        The socket; connections wait in it until they are answered.

    Raises:
        Unavailable: the address is not of this machine, or the port is in use (``port_unavailable``).
    """
    import socket

    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise Unavailable(
            f"{host}, port {port}, cannot be listened on: {error.strerror}.",
            hint="Stop the program that uses it, or choose another with --host and --port.",
            code=ErrorCode.PORT_UNAVAILABLE,
        ) from error
    with listener:
        yield listener


def _lower_priority(niceness: int, parent: int | None) -> None:
    """Lower the priority of this process, and end it when the server that started it is gone."""
    os.nice(niceness)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
