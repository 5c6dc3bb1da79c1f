"""``certify simulate``: play the whole scheme forward on a synthetic nation, beside three other regimes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certify.cli.options import AsJson, output_file
from certify.cli.output import Ink, print_json, progress_bar, say
from certify.cli.tables import Cell, Column, Heading, Row, show_table
from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

if TYPE_CHECKING:
    from certify.policies import PolicyDocument
    from certify.simulate.lives import People
    from certify.simulate.results import Figure
    from certify.simulate.run import Result

_CHUNK = 1000
"""People made and played at a time: the first thousand are the same however many people there are."""

_START = date(2026, 1, 1)


def register(root: typer.Typer) -> None:
    """Add ``certify simulate`` to the command."""
    root.command("simulate")(simulate)


def simulate(
    population: Annotated[
        int, typer.Option(help="Number of people, all alive at the start.", min=1, max=100_000_000)
    ] = 20_000,
    years: Annotated[int, typer.Option(help="Number of years.", min=1, max=20)] = 3,
    policy: Annotated[
        str, typer.Option(help="Name of a shipped scheme, or path of a policy's TOML file.")
    ] = "employee",
    assumptions: Annotated[
        Path | None,
        typer.Option(
            help="TOML file with numbers that replace those of certify/simulate/assumptions.toml.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of everything random; the same seed gives the same result.", min=0, max=2**32 - 1)
    ] = 1,
    processes: Annotated[
        int | None, typer.Option(help="Number of processes. Default: one for each core.", min=1, max=64)
    ] = None,
    plot: Annotated[Path | None, output_file("Also draw the comparison (PNG).")] = None,
    as_json: AsJson = False,
) -> None:
    """Play a policy forward on a synthetic nation, beside three other ways of proving life, and compare.

    The same people, deaths, frauds and chance meet ours, "everybody in person once a year", "data only, Brazilian rule"
    and "face only". Reports what is paid to the dead, how many living people are paused or stopped by mistake, how much
    is asked of people and officers, and what it costs, with 95 % intervals. docs/simulation.md says what is assumed and
    what the simulation cannot show.
    """
    from certify.domain.schedule import add_months
    from certify.simulate.assumptions import load_assumptions
    from certify.simulate.run import simulate as play

    document = _policy(policy)
    given = load_assumptions(assumptions)
    draw = _plot_function(plot) if plot is not None else None
    end = add_months(_START, 12 * years) - timedelta(days=1)
    wanted = processes or os.cpu_count() or 1
    with progress_bar() as progress:
        bar = progress.add_task("Playing people's years", total=population)
        result = play(
            _people(population, years, seed),
            document,
            given,
            seed=seed,
            start=_START,
            end=end,
            processes=min(wanted, -(-population // _CHUNK)),
            progress=lambda done: progress.advance(bar, done),
        )
    if draw is not None:
        draw(result)
    if as_json:
        print_json(result.to_json())
    else:
        _show(result, years)


def _plot_function(path: Path) -> Callable[[Result], None]:
    """Return the function that draws the picture, so that a missing library is reported before the work.

    Args:
        path: the picture to write.

    Returns:
        A function that draws a result.

    Raises:
        PlotUnavailable: the plotting library is not installed.
    """
    from certify.simulate.plot import load_figures, save_simulation_plot

    figures = load_figures()
    return lambda result: save_simulation_plot(result, path, figures)


def _people(population: int, years: int, seed: int) -> Iterator[People]:
    """Make the nation chunk by chunk."""
    import numpy as np
    from numpy.typing import NDArray

    from certify.simulate.lives import NEVER, People
    from fixtures.nation.people import make_nation

    epoch = date(1970, 1, 1).toordinal()

    def ordinals(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        lasting = np.isnat(days)
        return np.where(lasting, NEVER, days.astype("datetime64[D]").astype(np.int64) + epoch)

    for first in range(0, population, _CHUNK):
        nation = make_nation(_CHUNK, seed=seed * 1_000_003 + first, as_of=_START, years=years + 0.01)
        wanted = min(_CHUNK, population - first)
        yield People(first, ordinals(nation.born)[:wanted], ordinals(nation.dies)[:wanted])


def _policy(name: str) -> PolicyDocument:
    """Return a shipped scheme, or the scheme of a file.

    Args:
        name: name of a shipped scheme, or path of a TOML file.

    Returns:
        The rules; those of a file are added to what schemes share.

    Raises:
        Invalid: there is neither (``policy_unknown``).
        PolicyInvalid: the file cannot be used.
    """
    from certify.policies import load_policies, load_policy_file

    shipped = load_policies()
    if name in shipped:
        return shipped[name]
    path = Path(name)
    if not path.is_file():
        raise Invalid(
            f"There is no scheme '{name}', and no such file.",
            hint=f"Shipped schemes: {', '.join(shipped)}.",
            code=ErrorCode.POLICY_UNKNOWN,
        )
    return load_policy_file(path)


def _show(result: Result, years: int) -> None:
    from certify.simulate.results import measures

    rules = result.policy.policy
    rows: list[Row] = []
    group = ""
    for key, measure in measures(result.setting.given.costs).items():
        if measure.group != group:
            group = measure.group
            rows.append(Heading(group))
        cells = [_cell(regime.figures[key], measure.kind) for regime in result.regimes.values()]
        rows.append((f" {measure.label}", *cells))
    show_table(
        [
            Column("", whole=True),
            *(Column(regime.title, whole=True, right=True) for regime in result.regimes.values()),
        ],
        rows,
        title=f"{result.people:,} people, {years} years, scheme {rules.scheme} {rules.version}, "
        f"seed {result.setting.seed}",
    )
    say(
        "Second lines: 95 % intervals of chance alone, not of what is assumed (docs/simulation.md). "
        "A unit is a hundredth of a month's pension."
    )


def _cell(figure: Figure, kind: str) -> Cell:
    if figure.value is None or figure.low is None:
        return "-"
    scale, ending = (100, " %") if kind == "share" else (1, "")
    value = f"{_number(figure.value * scale)}{ending}"
    if figure.high is None:
        return value
    return [value, Ink(f"{_number(figure.low * scale)}-{_number(figure.high * scale)}", "dim")]


def _number(value: float) -> str:
    """Write a number with as many digits as a column has room for."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.1 else f"{value:.2g}"
