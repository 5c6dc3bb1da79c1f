"""``certify reference``: references of faces from the files of a fund."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from certify.cli.options import AsJson, Encoding, Quarantine, command_group
from certify.cli.output import print_json
from certify.cli.row_files import import_file
from certify.cli.service import opened_service
from certify.cli.tables import show_table

app = command_group("Import references of faces that another system made, and show how old references are.")


@app.command()
def ages(as_json: AsJson = False) -> None:
    """Show how old the newest reference of each person is, and how many people have only a template of another system.

    Confirmed films refresh references (docs/policy.md). People whose references stay old have no proof by face, life
    and possession.
    """
    from certify.storage.templates import count_by_age

    with opened_service() as service, service.reading() as unit:
        found = count_by_age(unit.db, unit.now.date())
    if as_json:
        print_json([{"years": years, "people": people, "only_template": only} for years, people, only in found])
        return
    show_table(
        ["full years", "people", "of these with a template only"],
        [("30 or more" if years == 30 else str(years), f"{people:,}", f"{only:,}") for years, people, only in found],
    )


@app.command("import")
def import_them(
    file: Annotated[
        Path,
        typer.Argument(help="CSV, Parquet or .npz file; or an .npy file, with --people.", exists=True, dir_okay=False),
    ],
    people: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with national_id, taken_on and source for each row of an .npy file, in its order.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    quarantine: Quarantine = None,
    encoding: Encoding = "utf-8",
    as_json: AsJson = False,
) -> None:
    """Import templates of face_recognition (128 values) of people whose photos are gone.

    Columns: national_id or card_number, taken_on, source (a source with 'templates = true'), and the template: one
    column 'encoding', the columns vec_low and vec_high, or 128 numbered columns. Such a template never certifies alone,
    and the next confirmed proof replaces it. Rows that cannot be used go to a quarantine file with the reason. The
    import is safe to repeat: an import that was stopped is started again. Exit code 3 when any row was quarantined.
    """
    from certify.files.template_import import import_templates

    import_file(partial(import_templates, people=people), "Templates", file, quarantine, encoding, as_json=as_json)
