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
    from certify.service import Service, Unit
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
    if settings.database_url is None:
        from certify.storage.migrate import upgrade_embedded

        upgrade_embedded(settings)
    service = build_service(settings, queue=queue or NoQueue())
    try:
        ending.check()
        yield service
    finally:
        service.decoders.close()
        service.database.close()


def operator() -> str:
    """Return the user of this command line, as the ledger shows them."""
    try:
        return f"operator:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"operator:uid-{os.getuid()}"


def acting(service: Service, token: Path | None) -> tuple[str, str | None]:
    """Return the principal who decides: the officer of a token, or the user of this command line.

    No one can give another name: what the ledger shows is who held the token, or whose account ran the command.

    Args:
        service: knows the issuers of tokens.
        token: file with an access token; None for the user of this machine.

    Returns:
        The name of the token's holder (``Principal.key``) and their name at the issuer, or ``operator:`` and the user.

    Raises:
        Invalid: the file holds no valid token of an officer who works for the whole fund (``officer_token``).
        Unavailable: the issuers file cannot be used (``issuers_file``), or the issuer does not answer
            (``issuer_unreachable``).
    """
    if token is None:
        return operator(), None
    from concurrent.futures import wait

    from certify.config import Env
    from certify.issuers.file import load_issuers
    from certify.issuers.tokens import Authenticator, KeysAwaited, Role, TokenRefused, development_signer

    settings = service.settings
    issuers = load_issuers(settings.issuers_file) if settings.issuers_file else []
    if settings.env is Env.DEVELOPMENT:
        issuers.append(development_signer(settings).issuer())
    authenticator = Authenticator(issuers)
    try:
        text = token.read_text("utf-8").strip()
        try:
            caller = authenticator.authenticate(text, service.clock())
        except KeysAwaited as awaited:  # the first token of an issuer whose keys are discovered
            wait([awaited.fetched])
            caller = authenticator.authenticate(text, service.clock())
    except (OSError, UnicodeDecodeError, TokenRefused) as error:
        raise _no_officer(f"{token} holds no valid access token.") from error
    if caller.role not in (Role.OFFICER, Role.SUPERVISOR):
        raise _no_officer(f"The token in {token} is not that of an officer.")
    if not caller.scope.is_everything:
        raise _no_officer(f"The token in {token} is for some schemes or regions only.")
    return caller.key, caller.name_at_issuer


@contextmanager
def deciding(token: Path | None, *, queue: Queue | None = None) -> Iterator[tuple[Unit, str]]:
    """Open a unit of work in which an officer decides.

    Args:
        token: file with an access token; None for the user of this machine.
        queue: where jobs go, as in ``opened_service``.

    Yields:
        The unit, which is committed at the end, and the principal who decides.

    Raises:
        Invalid: the file holds no valid token of an officer who works for the whole fund (``officer_token``).
        Unavailable: a setting, the database or the master key cannot be used.
    """
    with opened_service(queue=queue) as service:
        officer, formerly = acting(service, token)
        with service.unit(officer, formerly=formerly) as unit:
            yield unit, officer


def _no_officer(message: str) -> Invalid:
    return Invalid(
        message,
        hint="Name a file with the token of an officer of the whole fund, or decide over the API.",
        code=ErrorCode.OFFICER_TOKEN,
    )


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
    from models.media.decoder_process import start_decoders
    from models.pipeline import FaceEngine

    engine = FaceEngine.load(pack_store(), threads=settings.inference_threads, decoders=start_decoders())
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


def read_text(path: Path) -> str:
    """Read a small text file, such as a checkpoint that someone kept.

    Args:
        path: the file.

    Returns:
        Its text.

    Raises:
        Invalid: it cannot be read, or is no text (``file_unreadable``).
    """
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read as text.", code=ErrorCode.FILE_UNREADABLE) from error
