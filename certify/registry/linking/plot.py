"""A picture of the match weights of right and wrong pairs. It needs matplotlib (extra ``demo``)."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from certify.errors import Unavailable
from certify.registry.linking.evaluation import LinkageReport


def save_weights_plot(report: LinkageReport, path: Path) -> None:
    """Write a PNG with two histograms over the match weight.

    Args:
        report: the evaluation.
        path: the file to write.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    try:
        figures: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise Unavailable(
            "matplotlib is not installed, so no plot was drawn.", hint="pip install 'certify[demo]'"
        ) from error
    # The Figure class is used without pyplot, which has global state and needs a window system.
    figure = figures.Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, says in (("right", "one person"), ("wrong", "different people")):
        pairs = report.weights[name]
        if pairs:
            axes.bar([w for w, _ in pairs], [n for _, n in pairs], width=1.0, alpha=0.6, label=says)
    axes.axvline(report.parameters["accept"], color="black", linestyle="--", label="accepted from here")
    axes.axvline(report.parameters["review"], color="grey", linestyle=":", label="asked from here")
    axes.set(yscale="log", xlabel="match weight (bits)", ylabel="pairs")
    axes.legend()
    figure.savefig(path, dpi=110)
