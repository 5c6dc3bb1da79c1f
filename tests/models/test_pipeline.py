"""The pipeline on the two portraits: comparison, refusals with their reasons, and missing models."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fixtures.faces import Picture, blurred, encode, far_too_dark, no_face, rephotograph, tiny, two_faces
from models.calibrate import load_calibration
from models.errors import ImageRefused, ModelCorrupt, ModelMissing
from models.face.quality import RULES
from models.guidance import SENTENCES, sentence
from models.liveness.advice import CODES as LIVENESS_CODES
from models.media.image import CODES as IMAGE_CODES
from models.media.video import CODES as VIDEO_CODES
from models.pipeline import FaceEngine
from models.results import Measurement
from models.states import State
from models.weights.packs import PackStore


def test_golden_scores(engine: FaceEngine, collins: Picture, collins_measured: Measurement) -> None:
    again = engine.measure(rephotograph(collins, seed=2, megapixels=8, same_face=True))
    comparison = engine.compare(again.templates, [collins_measured.templates])
    assert comparison.state is State.PASS
    assert comparison.scores["sface"] == pytest.approx(0.94, abs=0.03)
    assert again.image.scale == 2
    if "faceplugin" not in engine.missing:
        assert comparison.scores["faceplugin"] == pytest.approx(0.94, abs=0.03)


def test_an_impostor_fails(engine: FaceEngine, collins_measured: Measurement, hopper_measured: Measurement) -> None:
    comparison = engine.compare(hopper_measured.templates, [collins_measured.templates])
    assert comparison.state is State.FAIL
    assert comparison.scores["sface"] == pytest.approx(0.14, abs=0.05)
    assert comparison.llr is not None
    assert comparison.llr < -2


def test_several_references(
    engine: FaceEngine, collins: Picture, collins_measured: Measurement, hopper_measured: Measurement
) -> None:
    probe = engine.measure(rephotograph(collins, seed=4, megapixels=1)).templates
    references = [hopper_measured.templates, collins_measured.templates, collins_measured.templates]
    comparison = engine.compare(probe, references)
    assert comparison.references == 3
    assert comparison.state is State.PASS


def test_nothing_to_compare_is_not_assessed(engine: FaceEngine, collins_measured: Measurement) -> None:
    templates = collins_measured.templates
    for probe, references in (({}, [templates]), (templates, []), (templates, [{"other": templates["sface"]}])):
        comparison = engine.compare(probe, references)
        assert (comparison.state, comparison.llr, comparison.references) == (State.NOT_ASSESSED, None, 0)


def test_one_embedder_alone_still_counts(engine: FaceEngine, collins_measured: Measurement) -> None:
    probe = {"sface": collins_measured.templates["sface"]}
    comparison = engine.compare(probe, [collins_measured.templates])
    assert comparison.state is State.PASS
    assert set(comparison.scores) == {"sface"}


def test_other_weights_void_the_calibration(engine: FaceEngine, collins_measured: Measurement) -> None:
    other = replace(load_calibration(), models={"sface": "f" * 64, "faceplugin": "f" * 64})
    changed = FaceEngine(
        detector=engine._detector,
        embedders=engine._embedders,
        pad=None,
        eyes=None,
        calibration=other,
        fusion=engine.fusion,
        store=engine._store,
        decoders=engine._decoders,
    )
    comparison = changed.compare(collins_measured.templates, [collins_measured.templates])
    assert comparison.state is State.NOT_ASSESSED


def test_replay(engine: FaceEngine, collins_measured: Measurement, hopper_measured: Measurement) -> None:
    comparison = engine.compare(hopper_measured.templates, [collins_measured.templates])
    replayed = load_calibration().log10_lr(comparison.scores)
    assert (replayed.llr, replayed.calibration_id) == (comparison.llr, comparison.calibration_id)


def test_portraits_are_good_pictures(collins_measured: Measurement, hopper_measured: Measurement) -> None:
    for measurement in (collins_measured, hopper_measured):
        assert measurement.acquired is State.PASS
        assert measurement.guidance == ()
        assert measurement.faces == 1
        assert {measure.name for measure in measurement.quality} == {rule.name for rule in RULES}


@pytest.mark.parametrize("seed", range(5))
def test_a_selfie_is_never_refused(engine: FaceEngine, hopper: Picture, seed: int) -> None:
    measurement = engine.measure(rephotograph(hopper, seed=seed, megapixels=[0.3, 1, 2, 5, 12][seed]))
    assert measurement.acquired is State.PASS


def test_unusable_pictures_are_blocked_with_advice(engine: FaceEngine, collins: Picture, hopper: Picture) -> None:
    cases = {
        "no_face": no_face(3),
        "several_faces": two_faces(collins, hopper),
        "too_dark": far_too_dark(collins),
        "come_closer": tiny(collins),
        "hold_still": blurred(hopper, sigma=12),
    }
    for code, data in cases.items():
        measurement = engine.measure(data)
        assert measurement.acquired is State.FAIL, code
        assert measurement.guidance[0] == code
        assert measurement.templates == {}


def test_complete_darkness_says_so(engine: FaceEngine) -> None:
    measurement = engine.measure(encode(np.full((400, 300, 3), 4, np.uint8)))
    assert measurement.faces == 0
    assert set(measurement.guidance) == {"no_face", "too_dark"}
    assert measurement.pad.state is State.NOT_ASSESSED


def test_a_person_in_the_background_is_only_counted(engine: FaceEngine, collins: Picture, hopper: Picture) -> None:
    measurement = engine.measure(two_faces(collins, hopper, second_scale=0.25))
    assert measurement.faces == 2
    assert measurement.acquired is State.PASS


def test_a_distant_face_is_decoded_again_at_a_larger_scale(
    engine: FaceEngine, hopper: Picture, hopper_measured: Measurement
) -> None:
    wide = np.full((3600, 4800, 3), 120, np.uint8)
    wide[1500:2100, 2000:2512] = hopper
    measurement = engine.measure(encode(wide, quality=85))
    assert "relook" in measurement.timings_ms
    assert measurement.image.scale < 4
    comparison = engine.compare(measurement.templates, [hopper_measured.templates])
    assert comparison.scores["sface"] > 0.9


def test_json_holds_no_template_and_no_pixel(collins_measured: Measurement) -> None:
    content = json.loads(json.dumps(collins_measured.to_json(), allow_nan=False))
    assert "templates" not in content
    assert content["acquired"] == "pass"
    assert content["image"]["width"] == 512
    assert len(json.dumps(content)) < 4000


def test_every_code_has_a_plain_sentence() -> None:
    codes = {rule.guidance for rule in RULES} | {"no_face"}
    codes |= IMAGE_CODES | VIDEO_CODES
    codes |= set(LIVENESS_CODES) | {"not_processed"}
    codes |= {"film_needed", "light_once_more", "arrived_late"}  # from certify.capture.evaluate
    codes |= {"another_face", "not_comparable"}  # from certify.people.references, which compares further ones
    assert codes == SENTENCES.keys()
    for code in codes:
        assert sentence(code).endswith(".")
        assert len(sentence(code)) < 120


def test_threads_agree(engine: FaceEngine, collins: Picture, hopper: Picture) -> None:
    pictures = [encode(collins), encode(hopper)] * 4
    with ThreadPoolExecutor(4) as pool:
        vectors = [measured.templates["sface"] for measured in pool.map(engine.measure, pictures)]
    for index, vector in enumerate(vectors):
        np.testing.assert_array_equal(vector, vectors[index % 2])


def test_a_file_that_is_no_picture(engine: FaceEngine) -> None:
    with pytest.raises(ImageRefused):
        engine.measure(b"not a picture at all")


def partial_cache(store: PackStore, folder: Path, *names: str) -> PackStore:
    partial = PackStore(folder)
    for name in names:
        if not store.path(name).exists():
            pytest.skip(f"FACE MODELS ARE NOT PREPARED: {name}")
        (folder / store.path(name).name).write_bytes(store.load(name))
    return partial


def test_missing_models(store: PackStore, tmp_path: Path, collins: Picture) -> None:
    with pytest.raises(ModelMissing):
        FaceEngine.load(PackStore(tmp_path / "empty"))
    (tmp_path / "detector").mkdir()
    with pytest.raises(ModelMissing, match="No face embedder"):
        FaceEngine.load(partial_cache(store, tmp_path / "detector", "yunet"))
    (tmp_path / "least").mkdir()
    least = FaceEngine.load(partial_cache(store, tmp_path / "least", "yunet", "sface"))
    assert set(least.missing) == {"faceplugin", "fr_liveness", "fr_eye"}
    measurement = least.measure(encode(collins))
    assert measurement.pad.state is State.NOT_ASSESSED
    assert next(m for m in measurement.quality if m.name == "eyes_open").state is State.NOT_ASSESSED
    assert least.compare(measurement.templates, [measurement.templates]).state is State.PASS


def test_a_corrupt_detector_is_never_loaded(store: PackStore, tmp_path: Path) -> None:
    partial = partial_cache(store, tmp_path, "yunet", "sface")
    partial.path("yunet").write_bytes(partial.path("yunet").read_bytes()[:-1] + b"!")
    with pytest.raises(ModelCorrupt):
        FaceEngine.load(partial)


@pytest.mark.slow
def test_development_faces_are_not_refused(engine: FaceEngine, shared_data: Path) -> None:
    """A person alone in a picture is never refused; groups are."""
    for path in sorted((shared_data / "faces" / "compreface-samples").glob("*_[A-Z].jpg")):
        assert engine.measure(path.read_bytes()).acquired is State.PASS, path.name
    for path in sorted((shared_data / "faces" / "compreface-samples").glob("*_[4-8].jpg")):
        measurement = engine.measure(path.read_bytes())
        assert measurement.acquired is State.FAIL
        assert "several_faces" in measurement.guidance
    assert engine.measure((shared_data / "faces/compreface-samples/017_0.jpg").read_bytes()).faces == 0
