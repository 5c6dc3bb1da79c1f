"""Print a liveness evaluation: verdicts by group, and how well each measure tells living people from each family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certify.cli.output import say
from certify.cli.tables import Column, show_table

if TYPE_CHECKING:
    from models.evaluation.liveness import KindResult, LivenessEvaluation
    from models.statistics import Rate


def show_liveness(report: LivenessEvaluation) -> None:
    """Print the tables of a liveness evaluation."""
    from models.evaluation.liveness_html import area, counted

    for kind, result in report.kinds.items():
        _summary(kind, result)
    if report.groups:
        titles = [Column(title, right=True) for title in ("films", "people")]
        show_table(
            ["group", *titles, "passed", "asked again", "failed"],
            [
                (
                    group.name,
                    str(group.films),
                    str(group.people),
                    *(counted(share) for share in (group.passed, group.asked, group.failed)),
                )
                for group in report.groups
            ],
            title="Films; intervals are 95 %: over films; over people",
        )
    if report.separations:
        show_table(
            ["family", "measure", Column("living", right=True), Column("attacks", right=True), "AUC", "living lost"],
            [
                (found.family, found.measure, str(found.live), str(found.attacks), area(found), f"{found.lost:.0%}")
                for found in report.separations
            ],
            title="What tells living people from each family; living lost: if 5 % of the attacks pass",
        )
    for example in report.row_failure_examples:
        say(f"  not used: {example}")


def _summary(kind: str, result: KindResult) -> None:
    say(
        f"{result.samples} {kind}s: BPCER {_rate(result.bpcer)}, living people asked to try again "
        f"{_rate(result.abstention_live)}; worst species: {result.worst_species or 'none'}; "
        f"{result.milliseconds or 0:.1f} ms per {'frame' if kind == 'video' else 'image'}."
    )
    if kind == "image":
        show_table(
            ["species", Column("attacks", right=True), "APCER", "asked to try again"],
            [
                (species, str(found.trials), _rate(found), _rate(result.abstention_attack[species]))
                for species, found in result.apcer.items()
            ],
        )


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return "too few"
    return f"{rate.value:.2%} [{rate.low:.2%}, {rate.high:.2%}]"
