"""docs/matching.md names the models of its figures; they are the shipped ones."""

from __future__ import annotations

import re
from pathlib import Path

from models.calibrate import load_calibration
from models.weights.packs import PackStore

DOCUMENT = Path(__file__).parents[3] / "docs" / "matching.md"


def test_the_figures_are_of_the_shipped_models(tmp_path: Path) -> None:
    store = PackStore(tmp_path)
    named = dict(re.findall(r"^\| (\w+) \| `([0-9a-f]{64})` \|$", DOCUMENT.read_text(), re.MULTILINE))
    # Only the models that measure a picture; dlib and the landmarker are not part of these figures.
    assert set(named) == {"yunet", "sface", "faceplugin", "fr_liveness", "fr_eye"}
    assert named == {name: store.spec(name).sha256 for name in named}


def test_the_figures_are_of_the_shipped_calibration() -> None:
    assert f"`{load_calibration().id}`" in DOCUMENT.read_text()
