"""The calibration is monotone, bounded, pure and bound to a file; the shipped file is valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibrate import SHIPPED, load_calibration, parse_calibration, pool_scores
from models.errors import ManifestInvalid
from models.weights.packs import PackStore

COSINE = st.floats(-1, 1)


@given(COSINE, COSINE, COSINE)
def test_a_higher_score_never_lowers_the_ratio(first: float, second: float, other: float) -> None:
    low, high = sorted((first, second))
    calibration = load_calibration()
    for name in ("sface", "faceplugin"):
        rest = {"sface", "faceplugin"} - {name}
        for scores in ({}, dict.fromkeys(rest, other)):
            less, more = calibration.log10_lr({**scores, name: low}), calibration.log10_lr({**scores, name: high})
            assert less.llr is not None
            assert more.llr is not None
            assert less.llr <= more.llr


@given(COSINE, COSINE)
def test_bounded_by_what_the_data_support(sface: float, faceplugin: float) -> None:
    fit = load_calibration().fit_for(["sface", "faceplugin"])
    assert fit is not None
    assert fit.low <= fit.llr({"sface": sface, "faceplugin": faceplugin}) <= fit.high


def test_shipped_file_belongs_to_the_shipped_models() -> None:
    calibration = load_calibration()
    store = PackStore(Path("nowhere"))
    assert {name: store.spec(name).sha256 for name in calibration.models} == dict(calibration.models)
    assert [set(fit.weights) for fit in calibration.fits] == [{"sface", "faceplugin"}, {"sface"}, {"faceplugin"}]
    for fit in calibration.fits:
        assert fit.low < fit.near < fit.threshold < fit.high
    point = calibration.details["operating_point"]
    assert "observed false match rate" in point["text"]
    for entry in calibration.details["fit"]:
        assert entry["portraits_fmr_interval"][1] < point["target_fmr"]


def test_replay_gives_the_same_answer() -> None:
    scores = {"sface": 0.61, "faceplugin": 0.55}
    first, second = load_calibration().log10_lr(scores), load_calibration().log10_lr(dict(reversed(scores.items())))
    assert first == second
    assert first.calibration_id == load_calibration(SHIPPED).id
    assert first.models == ("faceplugin", "sface")


def test_unknown_embedders_are_not_assessed() -> None:
    assert load_calibration().log10_lr({"dlib": 0.9}).llr is None
    assert load_calibration().log10_lr({}).llr is None
    assert load_calibration().log10_lr({"dlib": 0.9, "sface": 0.9}).models == ("sface",)


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        load_calibration().log10_lr({"sface": float("nan")})


def test_pooling() -> None:
    assert pool_scores([0.4]) == pytest.approx(0.4)
    assert pool_scores([0.1, 0.6, 0.8]) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="no reference"):
        pool_scores([])


@pytest.mark.parametrize(
    "text",
    [
        "format = 1",
        "format = 2\n[models]\na='x'\n[[fit]]\nweights={a=1}\nintercept=0\nbounds=[-1,1]\nthreshold=0",
        "format = 1\n[models]\na='x'\n[[fit]]\nweights={b=1}\nintercept=0\nbounds=[-1,1]\nthreshold=0",
        "format = 1\n[models]\na='x'\n[[fit]]\nweights={a=-1}\nintercept=0\nbounds=[-1,1]\nthreshold=0",
        "format = 1\n[models]\na='x'\n[[fit]]\nweights={a=1}\nintercept=0\nbounds=[1,-1]\nthreshold=0",
    ],
)
def test_bad_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ManifestInvalid):
        load_calibration(path)


def test_the_text_of_a_calibration_is_the_calibration() -> None:
    shipped = load_calibration()
    again = parse_calibration(shipped.text)
    assert (again.id, again.sha256, again.fits) == (shipped.id, shipped.sha256, shipped.fits)
    assert parse_calibration(shipped.text + "\n").id != shipped.id
