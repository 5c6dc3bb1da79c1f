"""Draw the curves of a liveness evaluation, ROC and DET by species. Needs matplotlib (extra ``demo``)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from models.evaluation.liveness import LivenessEvaluation
from models.evaluation.liveness_samples import LIVE
from models.evaluation.matching_plot import PlotUnavailable


def save_liveness_plot(report: LivenessEvaluation, path: Path) -> None:
    """Write a PNG with ROC and DET curves over the smallest log10 likelihood ratio; samples without one are left out.

    Raises:
        PlotUnavailable: matplotlib is not installed (``plot_unavailable``).
    """
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise PlotUnavailable("matplotlib is not installed, so no plot was drawn") from error
    figure = figures.Figure(figsize=(11, 4.8), layout="constrained")
    roc, det = figure.subplots(1, 2)
    for kind in report.kinds:
        known = [sample for sample in report.judged if sample.kind == kind and sample.llr is not None]
        live = np.array([sample.llr for sample in known if sample.label == LIVE])
        for species in sorted({sample.species for sample in known if sample.label != LIVE}):
            attack = np.array([sample.llr for sample in known if sample.species == species])
            if not len(live) or not len(attack):
                continue
            thresholds = np.unique(np.concatenate([live, attack, [np.inf]]))
            apcer = np.array([(attack >= threshold).mean() for threshold in thresholds])
            bpcer = np.array([(live < threshold).mean() for threshold in thresholds])
            roc.plot(apcer, 1 - bpcer, marker=".", label=f"{species} ({kind})")
            floor = 0.3 / max(len(live), len(attack))
            det.plot(np.maximum(apcer, floor), np.maximum(bpcer, floor), marker=".", label=f"{species} ({kind})")
    roc.set(xlabel="APCER", ylabel="1 - BPCER", title="ROC")
    det.set(xscale="log", yscale="log", xlabel="APCER", ylabel="BPCER", title="DET")
    for axes in (roc, det):
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    figure.savefig(path, dpi=110)
