"""The evaluation of matching, on synthetic scores with known truth, on broken files, and on the development faces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from fixtures.faces import Picture, encode, rephotograph
from models.calibrate import Calibration, Fit
from models.errors import ImageRefused, ManifestInvalid
from models.evaluation.matching import FUSED, evaluate_matching
from models.evaluation.matching_plot import PlotUnavailable, save_plot
from models.face.matcher import Comparison
from models.pipeline import FaceEngine
from models.states import State


class SyntheticEngine:
    """Measures text files: ``person noise``; the score of two is their noises' sum, plus 4 for the same person."""

    missing = ("pad",)
    models: Mapping[str, str] = {"one": "0" * 64}
    calibration = Calibration("cal-test", "", {"one": "0" * 64}, (Fit({"one": np.log(10.0)}, 0.0, -9, 9, 2.0),), {})

    def measure(self, data: bytes, *, evaluation: bool) -> Any:
        assert evaluation
        if data == b"blank":
            return SimpleNamespace(templates={}, guidance=("no_face",), timings_ms={"total": 1.0})
        if data == b"broken":
            raise ImageRefused("truncated", "cut")
        person, noise = data.split()
        return SimpleNamespace(templates={"one": (person, float(noise))}, guidance=(), timings_ms={"total": 2.0})

    def compare(self, probe: Any, references: Sequence[Any]) -> Comparison:
        (person, noise), (other, more) = probe["one"], references[0]["one"]
        score = noise + more + (4.0 if person == other else 0.0)
        return Comparison({"one": score}, score, "cal-test", 1, State.PASS)


ENGINE = cast("FaceEngine", SyntheticEngine())


def population(folder: Path, people: int, seed: int = 3) -> Path:
    rng = np.random.default_rng(seed)
    lines = ["path_a,path_b,same,group"]
    for person in range(people):
        for index in range(2):
            (folder / f"{person}-{index}").write_text(f"p{person} {rng.normal(0, 2**0.5)}")
        lines.append(f"{person}-0,{person}-1,1,{'odd' if person % 2 else 'even'}")
        lines += [
            f"{person}-0,{other}-1,0,{'odd' if person % 2 else 'even'}" for other in range(people) if other != person
        ]
    (folder / "pairs.csv").write_text("\n".join(lines))
    return folder / "pairs.csv"


def test_known_rates(tmp_path: Path) -> None:
    report = evaluate_matching(population(tmp_path, 120), ENGINE)
    fused = report.systems[FUSED]
    assert (report.pairs, report.pairs_used, report.subjects, report.images) == (14_400, 14_400, 120, 240)
    # Genuine N(4, 2), impostor N(0, 2): EER is Phi(-1) = 15.9 %; at the threshold 2 both rates are the same.
    assert fused.eer == pytest.approx(0.159, abs=0.07)
    assert fused.eer_interval is not None
    assert fused.eer_interval[0] < 0.159 < fused.eer_interval[1]
    assert fused.fmr is not None
    assert fused.fmr.value == pytest.approx(0.159, abs=0.05)
    assert fused.fnmr is not None
    assert fused.fnmr.low < 0.159 < fused.fnmr.high
    assert [(at.fmr, at.basis) for at in fused.fnmr_at] == [
        (1e-2, "measured"),
        (1e-3, "measured"),
        (1e-4, "extrapolated"),
    ]
    assert set(report.groups) == {"even", "odd"}
    assert report.groups["odd"].genuine == 60


def test_few_impostors_support_no_small_rate(tmp_path: Path) -> None:
    report = evaluate_matching(population(tmp_path, 5), ENGINE)
    assert all(at.basis == "unsupported" and at.fnmr is None for at in report.systems[FUSED].fnmr_at)


def test_failures_are_counted_with_reasons(tmp_path: Path) -> None:
    pairs = population(tmp_path, 3)
    (tmp_path / "blank").write_bytes(b"blank")
    (tmp_path / "broken").write_bytes(b"broken")
    more = ["blank,0-0,1,", "broken,0-0,0,", "absent,0-0,0,", "0-0,1-0,maybe,", ",1-0,1,"]
    pairs.write_text("\n".join([pairs.read_text(), *more]))
    seen: list[tuple[int, int]] = []
    report = evaluate_matching(pairs, ENGINE, progress=lambda done, total: seen.append((done, total)))
    assert report.acquisition_failures == {"no_face": 1, "truncated": 1, "unreadable_file": 1}
    assert report.failures_to_acquire.events == 3
    assert report.row_failures == {"same is neither 0 nor 1": 1, "a path is empty": 1, "failure to acquire": 3}
    assert report.row_failure_examples[0].endswith("same is neither 0 nor 1")
    assert report.pairs == report.pairs_used + 5
    assert seen[-1] == (9, 9)


def test_json_is_plain(tmp_path: Path) -> None:
    content = evaluate_matching(population(tmp_path, 4), ENGINE).to_json()
    assert json.loads(json.dumps(content)) == json.loads(json.dumps(content, allow_nan=False))
    assert {"systems", "failures_to_acquire", "models", "methods", "timings_ms", "calibration_id"} <= content.keys()
    assert "scores" not in content


def test_empty_file_has_no_rates(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("path_a,path_b,same\n")
    report = evaluate_matching(tmp_path / "pairs.csv", ENGINE)
    assert report.systems[FUSED].eer is None


@pytest.mark.parametrize(("text", "complaint"), [("a,b\n1,2\n", "lacks the columns"), ("", "lacks the columns")])
def test_bad_header(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(ManifestInvalid, match=complaint):
        evaluate_matching(tmp_path / "pairs.csv", ENGINE)
    with pytest.raises(ManifestInvalid, match="cannot be read"):
        evaluate_matching(tmp_path / "absent.csv", ENGINE)


def test_plot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = evaluate_matching(population(tmp_path, 6), ENGINE)
    save_plot(report, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("models.evaluation.matching_plot.importlib.import_module", absent)
    with pytest.raises(PlotUnavailable):
        save_plot(report, tmp_path / "plot.png")


def test_portraits_end_to_end(engine: FaceEngine, tmp_path: Path, collins: Picture, hopper: Picture) -> None:
    for name, picture in (("c", collins), ("h", hopper)):
        (tmp_path / f"{name}0.jpg").write_bytes(encode(picture))
        (tmp_path / f"{name}1.jpg").write_bytes(rephotograph(picture, seed=9, megapixels=1))
    rows = ["c0.jpg,c1.jpg,1", "h0.jpg,h1.jpg,1", "c0.jpg,h0.jpg,0", "c1.jpg,h1.jpg,0"]
    (tmp_path / "pairs.csv").write_text("\n".join(["path_a,path_b,same", *rows]))
    report = evaluate_matching(tmp_path / "pairs.csv", engine)
    assert report.subjects == 2
    assert report.systems[FUSED].eer == 0
    assert {"sface", FUSED} <= report.systems.keys()


@pytest.mark.slow
def test_development_faces(engine: FaceEngine, shared_data: Path) -> None:
    """The figures of docs/matching.md, with a tolerance for another processor's rounding."""
    report = evaluate_matching(shared_data / "pairs.csv", engine)
    assert report.failures_to_acquire.events == 0
    fused = report.systems[FUSED]
    assert fused.eer is not None
    assert fused.eer <= 0.004
    assert fused.fmr is not None
    assert fused.fmr.events == 0
    assert fused.fnmr is not None
    assert fused.fnmr.value is not None
    assert fused.fnmr.value <= 0.02
