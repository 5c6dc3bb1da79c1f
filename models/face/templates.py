"""Templates of faces, and their mean. No network is loaded here.

Templates of one moment are averaged and scaled to length 1 again: the frames of a film, and the pictures of one
sitting. The mean is nearer to the person than any single frame, because light, pose and noise of the frames differ.
Pictures of different years are not averaged: faces age. Their scores are pooled
(:func:`models.calibrate.pool_scores`). docs/matching.md has the measurement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Templates = Mapping[str, NDArray[np.float32]]
"""Embedder name -> float32 unit vector."""


def average(templates: Sequence[Templates]) -> Templates:
    """Average templates of one person and one moment, each embedder apart, and scale the means to length 1.

    An embedder that is missing in some of them is averaged over the others.

    Args:
        templates: of pictures of one moment; at least one.

    Returns:
        One template for each embedder; a single one comes back as it is.

    Raises:
        ValueError: there are no templates.
    """
    if not templates:
        raise ValueError("no template to average")
    if len(templates) == 1:
        return templates[0]
    means: dict[str, NDArray[np.float32]] = {}
    for name in sorted(set().union(*templates)):
        # In double precision: the order of the frames must not matter beyond rounding to float32.
        mean = np.mean([one[name].astype(np.float64) for one in templates if name in one], axis=0)
        means[name] = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype(np.float32)
    return means
