"""``certify evaluate linkage``: how well two files are linked, measured against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from certify.cli.output import AsJson, console, errors, print_json

if TYPE_CHECKING:
    from certify.registry.linking.engine import Engine
    from certify.registry.linking.evaluation import LinkageReport, Quality
    from certify.registry.linking.mapping import Mapping


def register(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command("linkage")(linkage)


def linkage(
    left: Annotated[Path, typer.Option(help="CSV or Parquet: the people.", exists=True, dir_okay=False)],
    right: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet: the records. None: duplicates within --left.", exists=True, dir_okay=False),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="CSV or Parquet: which rows are one person, and 'error'.", exists=True, dir_okay=False),
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option(help="TOML: columns and truth; see docs/linkage.md. Default: usual names.", exists=True),
    ] = None,
    id_format: Annotated[str, typer.Option(help="Of ids without --layout: any, cn, eleven.")] = "any",
    engine: Annotated[Literal["duckdb", "spark"], typer.Option(help="Where it runs.")] = "duckdb",
    memory: Annotated[
        str, typer.Option(help="What DuckDB may use before it spills to disk; of a local Spark, all.")
    ] = "6GB",
    threads: Annotated[int, typer.Option(help="Of DuckDB or a local Spark.", min=1)] = 2,
    plot: Annotated[Path | None, typer.Option(help="Also draw the match weights (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well records are linked with people, on files of yours with the truth beside them.

    Prints precision, recall and F1 in all, by stage and by kind of error, how many people per million were linked to
    somebody else's record ("false dead", were it a file of deaths), seconds of each step, and peak memory.
    """
    from certify.registry.linking.evaluation import evaluate_linkage  # noqa: PLC0415
    from certify.registry.linking.open_engine import open_engine  # noqa: PLC0415 - pyarrow and DuckDB are slow to load
    from certify.registry.linking.plot import save_weights_plot  # noqa: PLC0415

    opened = open_engine(engine, memory=memory, threads=threads)
    try:
        mapping = _mapping(opened, left, right, truth, layout, id_format)
        with errors.status("Linking"):
            report = evaluate_linkage(opened, left, right, truth, mapping)
    finally:
        opened.close()
    if plot is not None:
        save_weights_plot(report, plot)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report)


def _mapping(
    engine: Engine, left: Path, right: Path | None, truth: Path | None, layout: Path | None, id_format: str
) -> Mapping:
    from certify.errors import Invalid  # noqa: PLC0415 - as above
    from certify.registry.linking.mapping import load_mapping, usual_mapping  # noqa: PLC0415

    if layout is not None:
        return load_mapping(layout)
    if truth is None:
        raise Invalid("There is no truth to compare with.", hint="Give --truth or --layout.", code="truth")
    columns = [engine.file_columns(path) for path in (left, right or left, truth)]
    return usual_mapping(columns[0], columns[1], columns[2], id_format=id_format)


def _show(report: LinkageReport) -> None:
    console.print(f"{report.rows[0]:,} people, {report.rows[1]:,} records", highlight=False)
    table = Table("", "true pairs", "linked", "precision", "recall", "F1", "asked", "of them true")
    table.add_row("all", *_cells(report.overall))
    for stage, quality in report.stages.items():
        table.add_row(f"stage {stage}", *_cells(quality))
    for error, quality in report.errors.items():
        table.add_row(f"error {error}", *_cells(quality))
    console.print(table)
    rate = report.false_dead_per_million
    console.print(
        f"People linked to somebody else's record: {report.wrongly_linked:,} of {report.living:,} who have none"
        + (f" ({rate:.2f} per million)." if rate is not None else "."),
        highlight=False,
        soft_wrap=True,
    )
    seconds = ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items())
    console.print(
        f"Seconds: {seconds}. Peak memory: {report.peak_bytes / 1e9:.2f} GB.", highlight=False, soft_wrap=True
    )


def _cells(quality: Quality) -> list[str]:
    rates = [f"{rate:.4f}" if rate is not None else "" for rate in (quality.precision, quality.recall, quality.f1)]
    return [f"{quality.pairs:,}", f"{quality.links:,}", *rates, f"{quality.questions:,}", f"{quality.asked:,}"]
