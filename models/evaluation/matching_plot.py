"""Draw a matching evaluation: error trade-off (DET) and score histogram. Needs matplotlib (extra ``demo``)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelsError
from models.evaluation.matching import FUSED, MatchingReport


class PlotUnavailable(ModelsError):
    """matplotlib is not installed."""

    code = "plot_unavailable"
    hint = "pip install 'certify[demo]'"


def save_plot(report: MatchingReport, path: Path) -> None:
    """Write a PNG with the DET curves of all systems and the histogram of the fused scores.

    Raises:
        PlotUnavailable: matplotlib is not installed (``plot_unavailable``).
    """
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotUnavailable("matplotlib is not installed, so no plot was drawn") from error
    # The Figure class without pyplot uses no global state and no window system.
    figure = figures.Figure(figsize=(11, 4.5), layout="constrained")
    curves, histogram = figure.subplots(1, 2)
    for name, scores in report.scores.items():
        known = ~np.isnan(scores.values)
        genuine = np.sort(scores.values[known & scores.same])
        impostor = np.sort(scores.values[known & ~scores.same])
        if not len(genuine) or not len(impostor):
            continue
        thresholds = np.unique(np.concatenate([genuine, impostor]))
        fnmr = np.searchsorted(genuine, thresholds) / len(genuine)
        fmr = 1 - np.searchsorted(impostor, thresholds) / len(impostor)
        curves.plot(np.maximum(fmr, 0.3 / len(impostor)), np.maximum(fnmr, 0.3 / len(genuine)), label=name)
        if name == FUSED:
            bins = np.linspace(min(genuine[0], impostor[0]), max(genuine[-1], impostor[-1]) + 1e-6, 60)
            histogram.hist(impostor, bins, alpha=0.6, density=True, label="different people")
            histogram.hist(genuine, bins, alpha=0.6, density=True, label="same person")
            threshold = report.systems[name].operating_threshold
            if threshold is not None:
                histogram.axvline(threshold, color="black", linestyle="--", label="operating point")
    curves.set(xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate")
    histogram.set(xlabel="log10 likelihood ratio (fused)", ylabel="density")
    for axes in (curves, histogram):
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    figure.savefig(path, dpi=110)
