"""Import a file of rows: good rows are stored, the others go to a quarantine file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.exit_codes import ExitCode
from certify.cli.output import print_json, progress_bar, say
from certify.cli.service import opened_service, operator

if TYPE_CHECKING:
    from certify.files.row_file import FileReport

FileArgument = Annotated[Path, typer.Argument(help="CSV or Parquet file with a header.", exists=True, dir_okay=False)]


def import_file(
    work: Callable[..., FileReport], what: str, file: Path, quarantine: Path | None, encoding: str, *, as_json: bool
) -> None:
    """Import a file and print what became of its rows.

    Args:
        work: the use case that imports.
        what: title of the progress bar.
        file: the file.
        quarantine: where rows go that cannot be used; None: beside the file.
        encoding: encoding of a CSV file.
        as_json: print JSON instead of text.

    Raises:
        Exit: a row was quarantined; the command ends with ``ExitCode.REFUSED``.
        Invalid: the file cannot be read, or a column is missing or unknown.
    """
    from certify.files.row_file import ImportSource

    source = ImportSource(path=file, quarantine=quarantine, encoding=encoding, actor=operator())
    with opened_service() as service, progress_bar() as progress:
        bar = progress.add_task(what, total=None)
        found = work(service, source, progress=lambda done, total: progress.update(bar, completed=done, total=total))
    if as_json:
        print_json({name: getattr(found, name) for name in found.__slots__})
    else:
        say(
            f"{found.rows:,} rows: {found.done:,} stored, {found.unchanged:,} unchanged, "
            f"{found.quarantined:,} quarantined."
        )
        if found.quarantine_path:
            say(f"Quarantined rows with reasons: {found.quarantine_path}")
    if found.quarantined:
        raise typer.Exit(ExitCode.REFUSED)
