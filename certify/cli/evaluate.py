"""``certify evaluate``: measure error rates on your own data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli import evaluate_linkage
from certify.cli.evaluate_liveness import show_liveness
from certify.cli.options import AsJson, command_group, output_file
from certify.cli.output import print_json, progress_bar, say
from certify.cli.service import load_engine
from certify.cli.tables import show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
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
            help="CSV file with columns path,label[,species][,person][,source][,coding][,prompts]; paths are relative "
            "to the file; label is live or attack.",
            exists=True,
            dir_okay=False,
        ),
    ],
    plot: Annotated[Path | None, output_file("Also draw ROC and DET curves by species (PNG).")] = None,
    html: Annotated[
        Path | None, output_file("Also write a page with curves and every error, with pictures of the faces.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps what was read from the films (with faces), so that a second run takes seconds.",
            file_okay=False,
        ),
    ] = None,
    self_filmed: Annotated[
        list[str] | None,
        typer.Option(
            help="A source, or the beginning of names of persons, of people who filmed themselves; repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often attacks pass as living people, and how often living people are taken for attacks.

    Prints how many films passed, were asked for again and failed: for living people (those who filmed themselves
    apart), for each family of attacks (print, replay, mesh, puppet, lip-sync, swap, injected) and each system, with 95
    % intervals over films and over people. By ISO/IEC 30107-3, passed attacks are APCER and failed living people are
    BPCER. Then, how well each measure tells the two apart, beside the framing alone. Single images are reported apart
    from videos: they get the passive check alone.
    """
    from certify.config import read_settings
    from models.errors import ManifestInvalid
    from models.evaluation.liveness import evaluate_liveness
    from models.evaluation.liveness_html import liveness_page
    from models.evaluation.liveness_plot import save_liveness_plot

    engine = load_engine(read_settings())
    with progress_bar() as progress:
        bar = progress.add_task("Judging samples", total=None)
        try:
            report = evaluate_liveness(
                samples,
                engine,
                progress=lambda done, total: progress.update(bar, completed=done, total=total),
                cache=cache,
                self_filmed=self_filmed or (),
            )
        except ManifestInvalid as error:
            raise Invalid(
                error.message,
                hint="The columns are path,label and optionally species,person,source,coding,prompts.",
                code=ErrorCode.SAMPLES_FILE,
            ) from error
    if plot is not None:
        save_liveness_plot(report, plot)
    if html is not None:
        html.write_text(liveness_page(report), encoding="utf-8")
    if as_json:
        print_json(report.to_json())
    else:
        show_liveness(report)


evaluate_linkage.register(app)
