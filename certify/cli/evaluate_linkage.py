"""``certify evaluate linkage``: measure against the truth how well two files are linked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.options import AsJson, EngineName, Memory, output_file
from certify.cli.output import print_json, say, waiting
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode

if TYPE_CHECKING:
    from certify.registry.linking.engine import Engine
    from certify.registry.linking.evaluation import LinkageReport, Quality
    from certify.registry.linking.mapping import Mapping


def register(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command("linkage")(linkage)


def linkage(
    left: Annotated[Path, typer.Option(help="CSV or Parquet file of the people.", exists=True, dir_okay=False)],
    right: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet file of the records. Without it, duplicates within --left are looked for.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            help="CSV or Parquet file that says which rows are one person; a column 'error' names the kind of error.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option(
            help="TOML file that names columns and truth; see docs/linkage.md. Default: the usual names.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    id_format: Annotated[
        str, typer.Option(help="Format of national ids when there is no --layout: any, cn or eleven.")
    ] = "any",
    engine: EngineName = "duckdb",
    memory: Memory = "6GB",
    threads: Annotated[int, typer.Option(help="Threads of DuckDB or of a local Spark.", min=1, max=256)] = 2,
    clusters: Annotated[
        bool, typer.Option("--clusters", help="Without --right: also count the groups of rows that links join.")
    ] = False,
    beside_splink: Annotated[
        bool, typer.Option("--beside-splink", help="Also link with Splink alone, at its best threshold.")
    ] = False,
    plot: Annotated[Path | None, output_file("Also draw the match weights (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well records are linked with people, on your own files with known truth.

    Prints precision, recall and F1 in all, by stage and by kind of error, with questions counted apart and as links,
    the people who were found, how many people per million were linked to another
    person's record (in a file of deaths they would be "false dead"), seconds of each step, and peak memory.
    """
    from certify.registry.linking.evaluation import evaluate_linkage
    from certify.registry.linking.open_engine import open_engine
    from certify.registry.linking.plot import save_weights_plot
    from certify.registry.linking.splink_alone import splink_alone

    opened = open_engine(engine, memory=memory, threads=threads)
    try:
        mapping = _mapping(opened, left, right, truth, layout, id_format)
        with waiting("Linking"):
            report = evaluate_linkage(opened, left, right, truth, mapping, clusters=clusters and right is None)
            pairs = opened.query("SELECT person, record FROM truth_pairs") if beside_splink else None
    finally:
        opened.close()
    alone = None
    if pairs is not None:
        with waiting("Linking with Splink alone"):
            alone = splink_alone(left, right, mapping.layouts(), pairs, memory=memory, threads=threads)
    if plot is not None:
        save_weights_plot(report, plot)
    if as_json:
        print_json(report.to_json() | ({"splink_alone": alone.to_json()} if alone else {}))
        return
    _show(report)
    if alone is not None:
        say(
            f"Splink alone, at its best threshold ({alone.threshold} bits): {alone.links:,} linked, precision "
            f"{alone.precision:.4f}, recall {alone.recall:.4f}, F1 {alone.f1:.4f}, {alone.seconds:.1f} seconds."
        )


def _mapping(
    engine: Engine, left: Path, right: Path | None, truth: Path | None, layout: Path | None, id_format: str
) -> Mapping:
    """Return which column means what.

    Args:
        engine: reads the columns of the files.
        left: file of the people.
        right: file of the records; None for duplicates.
        truth: file of the truth.
        layout: TOML file that names the columns; None for the usual names.
        id_format: format of national ids under the usual names.

    Returns:
        The mapping.

    Raises:
        Invalid: there is neither truth nor layout (``truth``), or the layout is wrong.
    """
    from certify.errors import Invalid
    from certify.registry.linking.mapping import load_mapping, usual_mapping

    if layout is not None:
        return load_mapping(layout)
    if truth is None:
        raise Invalid("There is no truth to compare with.", hint="Give --truth or --layout.", code=ErrorCode.TRUTH)
    columns = [engine.file_columns(path) for path in (left, right or left, truth)]
    return usual_mapping(columns[0], columns[1], columns[2], id_format=id_format)


def _show(report: LinkageReport) -> None:
    say(f"{report.rows[0]:,} people, {report.rows[1]:,} records")
    titles = ("true pairs", "linked", "precision", "recall", "F1", "asked", "true among asked", "F1, asked too")
    rows = [("all", *_cells(report.overall))]
    rows += [("groups", *_cells(report.clusters))] if report.clusters else []
    rows += [(f"stage {stage}", *_cells(quality)) for stage, quality in report.stages.items()]
    rows += [(f"error {error}", *_cells(quality)) for error, quality in report.errors.items()]
    show_table(["", *(Column(title, right=True) for title in titles)], rows)
    people = report.people
    say(f"People who have a record: {people.known:,}; found {people.found:,}, asked about {people.asked:,} others.")
    rate = report.false_dead_per_million
    say(
        f"People linked to another person's record: {report.wrongly_linked:,} of {report.living:,} who have none"
        + (f" ({rate:.2f} per million)." if rate is not None else ".")
    )
    seconds = ", ".join(f"{name} {value:.1f}" for name, value in report.seconds.items())
    say(f"Seconds: {seconds}. Peak memory: {report.peak_bytes / 1e9:.2f} GB.")


def _cells(quality: Quality) -> list[str]:
    rates = (quality.precision, quality.recall, quality.f1, quality.f1_with_questions)
    shown = [f"{rate:.4f}" if rate is not None else "" for rate in rates]
    return [f"{quality.pairs:,}", f"{quality.links:,}", *shown[:3], f"{quality.questions:,}", f"{quality.asked:,}",
            shown[3]]  # fmt: skip
