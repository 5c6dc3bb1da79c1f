"""What all commands share: the console, exit codes, and how the service and the face engine are opened."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from certify.config import Settings
from certify.errors import Invalid
from certify.queue import NoQueue, Queue
from certify.service import Service, build_service
from models.weights.packs import PackStore, default_cache_dir, default_packs_dir

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

console = Console()
errors = Console(stderr=True)


class ExitCode(IntEnum):
    """What the command's exit code says."""

    OK = 0
    NO = 1
    USAGE = 2
    REFUSED = 3
    UNAVAILABLE = 4


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
Officer = Annotated[str, typer.Option(help="Who decides, as the ledger shows it: a staff number.")]


def complain(message: str, hint: str) -> None:
    """Tell what happened and what to do next, on standard error."""
    errors.print(f"[bold red]✗[/] {message}", highlight=False, soft_wrap=True)
    if hint:
        errors.print(f"  {hint}", highlight=False, soft_wrap=True)


def agreed(question: str) -> None:
    """Ask before something that cannot be undone; ends the command with exit code 1 when the answer is no."""
    if not typer.confirm(question, err=True):
        complain("Nothing was done.", "")
        raise typer.Exit(ExitCode.NO)


def operator() -> str:
    """Return whoever works at this command line, as the ledger shows them."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"operator:uid-{os.getuid()}"


def progress_bar() -> Progress:
    """Return a progress bar on standard error, so that results can be piped."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
    )


def print_json(value: Any) -> None:
    """Print plain values as JSON; paths and ids become text, numpy numbers numbers."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


@contextmanager
def opened_service(*, queue: Queue | None = None) -> Iterator[Service]:
    """Open the service as the environment describes it; the embedded database is brought up to date.

    Commands do their work at once, so by default jobs are not queued.
    """
    settings = Settings()
    service = build_service(settings, queue=queue or NoQueue())
    try:
        if settings.database_url is None:
            from certify.storage.migrate import upgrade  # noqa: PLC0415 - alembic is slow to load

            upgrade(service.database)
        yield service
    finally:
        service.database.close()


def pack_store() -> PackStore:
    """Return the model packs that the environment names."""
    return PackStore(default_cache_dir(), default_packs_dir())


def load_engine(settings: Settings) -> FaceEngine:
    """Load the face models; says loudly which optional ones are missing. Raises ModelMissing."""
    from models.pipeline import FaceEngine  # noqa: PLC0415 - onnxruntime is heavy, and most commands do without

    engine = FaceEngine.load(pack_store(), threads=settings.inference_threads)
    for name in engine.missing:
        complain(f"The model '{name}' is missing: what it measures is NOT ASSESSED.", "Run 'certify models prepare'.")
    return engine


def read_photo(path: Path, limit: int) -> bytes:
    """Read a photo from a file. Raises Invalid when it cannot be read or is too large."""
    try:
        if path.stat().st_size > limit:
            raise Invalid(
                f"{path} is larger than {limit:,} bytes.", hint="Send a smaller photo.", code="too_many_bytes"
            )
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code="file_unreadable") from error
