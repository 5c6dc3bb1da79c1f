"""What commands that import a file of rows share: good rows go in, bad rows go to a quarantine file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.output import ExitCode, console, opened_service, operator, print_json, progress_bar

if TYPE_CHECKING:  # pyarrow is slow to load
    from certify.files.row_file import FileReport

FileArgument = Annotated[Path, typer.Argument(help="CSV or Parquet file with a header.", exists=True, dir_okay=False)]
QuarantineOption = Annotated[
    Path | None, typer.Option(help="Where bad rows go with their reasons; default: beside the file.")
]
Encoding = Annotated[str, typer.Option(help="Encoding of a CSV file, such as utf-8 or gb18030.")]


def import_file(
    work: Callable[..., FileReport], what: str, file: Path, quarantine: Path | None, encoding: str, *, as_json: bool
) -> None:
    """Import a file and say what became of its rows; ends with exit code 3 when any was quarantined."""
    from certify.files.row_file import ImportSource  # noqa: PLC0415 - pyarrow is slow to load

    source = ImportSource(path=file, quarantine=quarantine, encoding=encoding, actor=operator())
    with opened_service() as service, progress_bar() as progress:
        bar = progress.add_task(what, total=None)
        found = work(service, source, progress=lambda done, total: progress.update(bar, completed=done, total=total))
    if as_json:
        print_json({name: getattr(found, name) for name in found.__slots__})
    else:
        console.print(
            f"{found.rows:,} rows: {found.done:,} stored, {found.unchanged:,} unchanged, "
            f"{found.quarantined:,} quarantined.",
            highlight=False,
        )
        if found.quarantine_path:
            console.print(f"Quarantined rows with reasons: {found.quarantine_path}", soft_wrap=True)
    if found.quarantined:
        raise typer.Exit(ExitCode.REFUSED)
