"""``certify demo``: play the whole story on two real faces, in a data folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.output import waiting, warn
from certify.cli.service import load_engine, pack_store
from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable

if TYPE_CHECKING:
    from certify.service import Service

DEMO_PHONE = "0800 555 0100"
"""Number that the pages of the demo show; it is no one's."""
MARKER = ".certify-demo"
"""A file in the folders that the demo makes. A folder without it is never emptied."""


def register(root: typer.Typer) -> None:
    """Add ``certify demo`` to the command."""
    root.command("demo")(demo)


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the demo; emptied first when an earlier demo made it. Default: 'demo' in CERTIFY_DATA_DIR.",
            file_okay=False,
        ),
    ] = None,
    registries: Annotated[
        bool, typer.Option("--registries", help="Play half a year of registry files for a synthetic nation instead.")
    ] = False,
) -> None:
    """Enrol two people from public-domain portraits and play what photos, records, a forged film and a visit do.

    With --registries: import a synthetic nation, and run what registries send about it. Most people are proven alive,
    the dead are paused, and wrong records are withdrawn. Everything is real: PostgreSQL, face models, signatures.
    Nothing leaves this machine except the download of the models, the first time. Exit code 4 when the folder holds
    something else.
    """
    from certify.config import read_settings

    _require_parts()
    place = folder or read_settings().data_dir / "demo"
    prepare_folder(place)
    with waiting("Starting") as say:
        if registries:
            _play_registries(place, say)
            return
        _prepare_models(say)
        with _service(place, say) as service:
            from certify.cli.demo_faces import Play

            say("Loading the face models")
            play = Play(service, load_engine(service.settings), place / "out", say)
            play.run()
    play.show(place)


def _require_parts() -> None:
    """Check that what only the demo needs is installed; the image of the service does without.

    Raises:
        Unavailable: it is not (``demo_missing``).
    """
    from importlib.util import find_spec

    if find_spec("fixtures") is None or find_spec("skimage") is None:
        raise Unavailable(
            "The demo is not part of this installation.",
            hint="Run 'make demo' in a copy of the source.",
            code=ErrorCode.DEMO_MISSING,
        )


def prepare_folder(folder: Path) -> None:
    """Make an empty folder for the demo. Only a folder that an earlier demo made is emptied.

    Args:
        folder: the folder. One that exists and is empty is used, but not marked: the demo did not make it.

    Raises:
        Unavailable: the folder holds something else (``demo_folder``), or a service runs on it (``demo_running``).
    """
    from certify.storage.embedded import users_of

    if folder.exists() or folder.is_symlink():
        if not folder.is_dir() or any(folder.iterdir()):
            _empty(folder, users_of(folder))
        else:
            return
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("Made by 'certify demo', which empties this folder when it plays again.\n", "utf-8")


def _empty(folder: Path, users: list[int]) -> None:
    """Remove the folder of an earlier demo.

    Args:
        folder: the folder, which is not empty.
        users: processes that use its database.

    Raises:
        Unavailable: the demo did not make it (``demo_folder``), or it is in use (``demo_running``).
    """
    if folder.is_symlink() or not (folder / MARKER).is_file():
        raise Unavailable(
            f"{folder} holds something, and the demo did not make it.",
            hint="Name another folder with --folder.",
            code=ErrorCode.DEMO_FOLDER,
        )
    if users:
        raise Unavailable(
            f"Process {users[0]} uses the database in {folder}.",
            hint="Stop that 'certify serve', or name another folder with --folder.",
            code=ErrorCode.DEMO_RUNNING,
        )
    shutil.rmtree(folder)


@contextmanager
def _service(folder: Path, say: Callable[[str], None]) -> Iterator[Service]:
    """Open a service on a folder of its own, whatever database, keys and rules the environment names.

    Args:
        folder: its data folder.
        say: shows what is being done.

    Yields:
        The service, its database migrated.
    """
    from certify.config import Env, Settings
    from certify.queue import NoQueue
    from certify.service import build_service
    from certify.storage.migrate import upgrade_embedded

    say("Starting PostgreSQL and migrating")
    settings = Settings(
        env=Env.DEVELOPMENT,
        data_dir=folder,
        database_url=None,
        master_key_file=None,
        policies_dir=None,
        sources_file=None,
        senders_file=None,
        national_id_format="any",
        issuer_name="Demo Pension Fund",
        help_phone=DEMO_PHONE,
    )
    service = build_service(settings, queue=NoQueue())
    try:
        upgrade_embedded(service.settings)
        yield service
    finally:
        service.database.close()


def _play_registries(folder: Path, say: Callable[[str], None]) -> None:
    from certify.cli.demo_registries import play_registries

    with _service(folder, say) as service:
        show = play_registries(service, folder / "out", say)
    show()


def _prepare_models(say: Callable[[str], None]) -> None:
    say("Preparing the face models (downloaded the first time)")
    results = pack_store().prepare(progress=lambda name, text: say(f"Face models: {name} {text}"))
    for result in results:
        if result.error:
            warn(f"{result.name}: {result.error}")
