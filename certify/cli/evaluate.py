"""``certify evaluate``: error rates measured on pairs you bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from certify.cli import evaluate_linkage
from certify.cli.output import AsJson, console, errors, load_engine, print_json
from certify.config import Settings

if TYPE_CHECKING:
    from models.evaluation.liveness import LivenessEvaluation
    from models.evaluation.matching import MatchingReport, SystemResult
    from models.statistics import Rate

app = typer.Typer(help="Measure error rates on your own data.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure error rates on your own data."""


@app.command()
def matching(
    pairs: Annotated[
        Path,
        typer.Option(help="CSV: path_a,path_b,same[,group]; paths relative to the file.", exists=True, dir_okay=False),
    ],
    plot: Annotated[Path | None, typer.Option(help="Also draw the error trade-off and score histogram (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the face comparison errs on labelled pairs of photos.

    Prints false match and false non-match rates at the shipped operating point and at fixed false match rates, the
    equal error rate, failures to acquire, all with 95 % intervals, per face model and fused, per group where the file
    names groups, and milliseconds per image. What data were too few for is left empty, never guessed.
    """
    from models.evaluation.matching import evaluate_matching  # noqa: PLC0415 - loads the face models
    from models.evaluation.matching_plot import save_plot  # noqa: PLC0415

    engine = load_engine(Settings())
    columns = (TextColumn("Measuring photos"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:
        bar = progress.add_task("")
        report = evaluate_matching(
            pairs, engine, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    if plot is not None:
        save_plot(report, plot)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report)


def _show(report: MatchingReport) -> None:
    acquire = report.failures_to_acquire
    console.print(
        f"{report.pairs_used:,} of {report.pairs:,} pairs used, {report.subjects} people, {report.images} photos; "
        f"failure to acquire {_rate(acquire)} ({acquire.events} photos).",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("", "genuine / impostor", "EER", "FNMR at FMR 1e-2 / 1e-3 / 1e-4", "FMR here", "FNMR here")
    for name, result in {**report.systems, **{f"group {g}": r for g, r in report.groups.items()}}.items():
        table.add_row(name, *_cells(result))
    console.print(table)
    console.print("'Here' is the shipped operating point. Intervals are 95 %; methods: --json.", highlight=False)
    total = report.timings_ms.get("total")
    if total:
        console.print("Milliseconds per image: " + ", ".join(f"{k} {v:.1f}" for k, v in total.items()), highlight=False)
    for example in report.row_failure_examples:
        console.print(f"  not used: {example}", highlight=False, soft_wrap=True)


def _cells(result: SystemResult) -> list[str]:
    eer = "too few"
    if result.eer is not None and result.eer_interval is not None:
        low, high = result.eer_interval
        eer = f"{result.eer:.2%} [{low:.2%}, {high:.2%}]"
    at = " / ".join(f"{_rate(t.fnmr)}{'*' if t.basis == 'extrapolated' else ''}" for t in result.fnmr_at)
    return [f"{result.genuine:,} / {result.impostor:,}", eer, at, _rate(result.fmr), _rate(result.fnmr)]


def _rate(rate: Rate | None) -> str:
    if rate is None or rate.value is None:
        return "too few"
    return f"{rate.value:.2%} [{rate.low:.2%}, {rate.high:.2%}]"


@app.command()
def liveness(
    samples: Annotated[
        Path,
        typer.Option(
            help="CSV: path,label[,species][,prompts]; paths relative to the file; label is live or attack.",
            exists=True,
            dir_okay=False,
        ),
    ],
    plot: Annotated[Path | None, typer.Option(help="Also draw ROC and DET curves by species (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often attacks pass as living people, and how often living people are taken for attacks.

    Prints, by ISO/IEC 30107-3, the share of attacks judged live (APCER) for each species and its worst case, the share
    of living people judged an attack (BPCER), and how many are asked to try again, all with 95 % intervals. Single
    images are reported apart from videos: they get the passive check alone.
    """
    from models.evaluation.liveness import evaluate_liveness  # noqa: PLC0415 - loads the face models
    from models.evaluation.liveness_plot import save_liveness_plot  # noqa: PLC0415

    engine = load_engine(Settings())
    columns = (TextColumn("Judging samples"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors) as progress:
        bar = progress.add_task("")
        report = evaluate_liveness(
            samples, engine, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
    if plot is not None:
        save_liveness_plot(report, plot)
    if as_json:
        print_json(report.to_json())
    else:
        _show_liveness(report)


def _show_liveness(report: LivenessEvaluation) -> None:
    for kind, result in report.kinds.items():
        console.print(
            f"{result.samples} {kind}s: BPCER {_rate(result.bpcer)}, living people asked to try again "
            f"{_rate(result.abstention_live)}; worst species: {result.worst_species or 'none'}; "
            f"{result.milliseconds or 0:.1f} ms per {'frame' if kind == 'video' else 'image'}.",
            highlight=False,
            soft_wrap=True,
        )
        table = Table("species", "attacks", "APCER", "asked to try again")
        for species, found in result.apcer.items():
            table.add_row(species, str(found.trials), _rate(found), _rate(result.abstention_attack[species]))
        console.print(table)
    for example in report.row_failure_examples:
        console.print(f"  not used: {example}", highlight=False, soft_wrap=True)


evaluate_linkage.register(app)
