"""Open the service, the face models and photos for commands."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from certify.cli import ending
from certify.cli.exit_codes import ExitCode
from certify.cli.output import complain, warn
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:  # slow to load, and a help text does without
    from certify.config import Settings
    from certify.queue import Queue
    from certify.service import Service
    from models.pipeline import FaceEngine
    from models.weights.packs import PackStore


def settings_to_run() -> Settings:
    """Return the settings of a process that serves. In production, refuse those that only suit a trial.

    Raises:
        Exit: production is refused; everything that is wrong is printed.
        Unavailable: a setting is not valid (``settings_invalid``) or does not exist (``setting_unknown``).
    """
    from certify.config import read_settings
    from certify.production import means_production, production_problems

    problems = production_problems() if means_production() else []
    for problem in problems:
        complain(problem, "")
    if problems:
        complain(
            "certify does not start in production.", "Correct the lines above; 'certify config check' reads again."
        )
        raise typer.Exit(ExitCode.UNAVAILABLE)
    return read_settings()


@contextmanager
def opened_service(*, queue: Queue | None = None) -> Iterator[Service]:
    """Open the service as the environment describes it, and close it at the end.

    The schema of an embedded database is brought up to date.

    Args:
        queue: where jobs go; without one they are not queued, because commands do their work at once.

    Yields:
        The service.

    Raises:
        Unavailable: a setting, the database or the master key cannot be used.
    """
    from certify.config import read_settings
    from certify.queue import NoQueue
    from certify.service import build_service

    settings = read_settings()
    service = build_service(settings, queue=queue or NoQueue())
    try:
        if settings.database_url is None:
            from certify.storage.migrate import upgrade

            upgrade(service.database)
        ending.check()
        yield service
    finally:
        service.database.close()


def operator() -> str:
    """Return the user of this command line, as the ledger shows them."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"operator:uid-{os.getuid()}"


def pack_store() -> PackStore:
    """Return the model packs that the environment names."""
    from models.weights.packs import PackStore, default_cache_dir, default_packs_dir

    return PackStore(default_cache_dir(), default_packs_dir())


def load_engine(settings: Settings) -> FaceEngine:
    """Load the face models, and print which optional ones are missing.

    Args:
        settings: how many threads a model may use.

    Returns:
        The loaded models.

    Raises:
        ModelsError: a model that is needed is missing or damaged.
    """
    from models.pipeline import FaceEngine

    engine = FaceEngine.load(pack_store(), threads=settings.inference_threads)
    for name in engine.missing:
        warn(f"The model '{name}' is missing: what it measures is NOT ASSESSED. Run 'certify models prepare'.")
    return engine


def read_photo(path: Path, limit: int) -> bytes:
    """Read a photo from a file.

    Args:
        path: the file.
        limit: most bytes that it may have.

    Returns:
        The bytes of the file.

    Raises:
        Invalid: it cannot be read (``file_unreadable``) or is too large (``too_many_bytes``).
    """
    try:
        if path.stat().st_size > limit:
            raise Invalid(
                f"{path} is larger than {limit:,} bytes.", hint="Send a smaller photo.", code=ErrorCode.TOO_MANY_BYTES
            )
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code=ErrorCode.FILE_UNREADABLE) from error
