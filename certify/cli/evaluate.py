"""``certify evaluate``: measure error rates on your own data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli import evaluate_linkage
from certify.cli.options import AsJson, command_group, output_file
from certify.cli.output import print_json, progress_bar, say
from certify.cli.service import load_engine
from certify.cli.tables import Column, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
    from models.evaluation.liveness import LivenessEvaluation
    from models.evaluation.matching import MatchingReport, SystemResult
    from models.statistics import Rate

app = command_group("Measure error rates on your own data.")


@app.command()
def matching(
    pairs: Annotated[
        Path,
        typer.Option(
            help="CSV file with columns path_a,path_b,same[,group]; paths are relative to the file.",
            exists=True,
            dir_okay=False,
        ),
    ],
    plot: Annotated[
        Path | None, output_file("Also draw the error trade-off and the histogram of scores (PNG).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the face comparison errs on labelled pairs of photos.

    Prints false match and false non-match rates at the shipped operating point and at fixed false match rates, the
    equal error rate, failures to acquire, all with 95 % intervals, per face model and fused, per group where the file
    names groups, and milliseconds per image. A rate for which there are too few pairs is left empty, never guessed.
    """
    from certify.config import read_settings
    from models.errors import ManifestInvalid
    from models.evaluation.matching import evaluate_matching
    from models.evaluation.matching_plot import save_plot

    engine = load_engine(read_settings())
    with progress_bar() as progress:
        bar = progress.add_task("Measuring photos", total=None)
        try:
            report = evaluate_matching(
                pairs, engine, progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
        except ManifestInvalid as error:
            raise Invalid(
                error.message,
                hint="The columns are path_a,path_b,same and optionally group.",
                code=ErrorCode.PAIRS_FILE,
            ) from error
    if plot is not None:
        save_plot(report, plot)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report)


def _show(report: MatchingReport) -> None:
    acquire = report.failures_to_acquire
    say(
        f"{report.pairs_used:,} of {report.pairs:,} pairs used, {report.subjects} people, {report.images} photos; "
        f"failure to acquire {_rate(acquire)} ({acquire.events} photos)."
    )
    results = {**report.systems, **{f"group {g}": r for g, r in report.groups.items()}}
    show_table(
        ["", "genuine / impostor", "EER", "FNMR at FMR 1e-2 / 1e-3 / 1e-4", "FMR here", "FNMR here"],
        [(name, *_cells(result)) for name, result in results.items()],
    )
    say("'Here' is the shipped operating point. Intervals are 95 %; methods: --json.")
    total = report.timings_ms.get("total")
    if total:
        say("Milliseconds per image: " + ", ".join(f"{k} {v:.1f}" for k, v in total.items()))
    for example in report.row_failure_examples:
        say(f"  not used: {example}")


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
            help="CSV file with columns path,label[,species][,prompts]; paths are relative to the file; label is live "
            "or attack.",
            exists=True,
            dir_okay=False,
        ),
    ],
    plot: Annotated[Path | None, output_file("Also draw ROC and DET curves by species (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often attacks pass as living people, and how often living people are taken for attacks.

    Prints, by ISO/IEC 30107-3, the share of attacks judged live (APCER) for each species and its worst case, the share
    of living people judged an attack (BPCER), and how many are asked to try again, all with 95 % intervals. Single
    images are reported apart from videos: they get the passive check alone.
    """
    from certify.config import read_settings
    from models.errors import ManifestInvalid
    from models.evaluation.liveness import evaluate_liveness
    from models.evaluation.liveness_plot import save_liveness_plot

    engine = load_engine(read_settings())
    with progress_bar() as progress:
        bar = progress.add_task("Judging samples", total=None)
        try:
            report = evaluate_liveness(
                samples, engine, progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
        except ManifestInvalid as error:
            raise Invalid(
                error.message,
                hint="The columns are path,label and optionally species,prompts.",
                code=ErrorCode.SAMPLES_FILE,
            ) from error
    if plot is not None:
        save_liveness_plot(report, plot)
    if as_json:
        print_json(report.to_json())
    else:
        _show_liveness(report)


def _show_liveness(report: LivenessEvaluation) -> None:
    for kind, result in report.kinds.items():
        say(
            f"{result.samples} {kind}s: BPCER {_rate(result.bpcer)}, living people asked to try again "
            f"{_rate(result.abstention_live)}; worst species: {result.worst_species or 'none'}; "
            f"{result.milliseconds or 0:.1f} ms per {'frame' if kind == 'video' else 'image'}."
        )
        show_table(
            ["species", Column("attacks", right=True), "APCER", "asked to try again"],
            [
                (species, str(found.trials), _rate(found), _rate(result.abstention_attack[species]))
                for species, found in result.apcer.items()
            ],
        )
    for example in report.row_failure_examples:
        say(f"  not used: {example}")


evaluate_linkage.register(app)
