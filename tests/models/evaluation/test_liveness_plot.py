"""The curves of a liveness evaluation: one for each species that was measured, and none where there is nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from models.evaluation.liveness import LivenessEvaluation, _rates
from models.evaluation.liveness_judged import Judged
from models.evaluation.liveness_plot import save_liveness_plot
from models.evaluation.liveness_samples import ATTACK, LIVE
from models.evaluation.matching_plot import PlotUnavailable
from models.states import State
from tests.models.evaluation.judged_made import judged_made


def _sample(label: str, species: str, llr: float | None, state: State) -> Judged:
    return judged_made(label, species, state=state, llr=llr)


JUDGED = (
    *(_sample(LIVE, "", llr, State.PASS) for llr in (1.0, 2.0, 3.0)),
    *(_sample(ATTACK, "print", llr, State.FAIL) for llr in (-2.0, -1.0)),
    _sample(ATTACK, "replay", 2.5, State.PASS),
    _sample(ATTACK, "mask", None, State.NOT_ASSESSED),
)


def _evaluation(judged: tuple[Judged, ...]) -> LivenessEvaluation:
    return LivenessEvaluation(len(judged), {"video": _rates(judged)}, {}, (), {}, "0" * 64, judged)


def test_each_measured_species_has_a_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    figures = importlib.import_module("matplotlib.figure")
    save = figures.Figure.savefig

    def keep(figure: Any, *words: Any, **more: Any) -> None:
        drawn.append(figure)
        save(figure, *words, **more)

    monkeypatch.setattr(figures.Figure, "savefig", keep)
    save_liveness_plot(_evaluation(JUDGED), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    roc, det = drawn[0].axes
    for axes in (roc, det):
        assert [line.get_label() for line in axes.lines] == ["print (video)", "replay (video)"]
    # Every print lies below every living person: at no threshold do both APCER and BPCER lie above zero.
    print_roc = roc.lines[0]
    assert all(
        apcer == 0 or passed == 1 for apcer, passed in zip(print_roc.get_xdata(), print_roc.get_ydata(), strict=True)
    )


def test_without_attacks_there_is_an_empty_plot(tmp_path: Path) -> None:
    save_liveness_plot(_evaluation(JUDGED[:3]), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_without_matplotlib_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("models.evaluation.liveness_plot.importlib.import_module", absent)
    with pytest.raises(PlotUnavailable):
        save_liveness_plot(_evaluation(JUDGED), tmp_path / "plot.png")
