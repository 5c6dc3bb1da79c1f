"""The analysis of a whole video: the verdict, and the comparison of its best frames, the same every time.

The person in these videos is a portrait, moved by a face mesh before a simulated camera: no bona fide presentation. The
shipped parameters rightly do not pass it. Real videos show that living people pass (docs/liveness.md).
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fixtures.attacks import print_attack
from fixtures.faces import Picture, encode, rephotograph
from fixtures.videos import encode as encode_video
from models.errors import ManifestInvalid, VideoRefused
from models.evaluation.liveness import evaluate_liveness, examine_film
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_html import liveness_page
from models.evaluation.liveness_samples import parse_prompts
from models.liveness.plan import Prompt
from models.pipeline import PROBES, FaceEngine
from models.states import State
from models.statistics import rate
from tests.shared_data import require_shared


@pytest.fixture(scope="module")
def printed(collins: Picture) -> bytes:
    still = np.ascontiguousarray(collins[:320, 80:400, ::-1])
    return encode_video(print_attack(still, seed=7, seconds=3, rate=15), codec="vp8", rate=15)


def test_a_moved_print_is_detected(engine: FaceEngine, printed: bytes) -> None:
    watched = engine.watch(printed)
    assert watched.liveness.state is State.FAIL
    assert watched.liveness.reasons == ("device_frame", "like_print"), "its edges are seen as well"
    assert watched.measurement.guidance == ("life_not_seen",), "the answer does not say which measure detected it"


def test_the_same_video_gives_the_same_verdict(engine: FaceEngine, printed: bytes) -> None:
    first, second = engine.watch(printed), engine.watch(printed)
    assert first.liveness.to_json() == second.liveness.to_json()
    assert json.loads(json.dumps(first.liveness.to_json()))["parameters_sha256"] == engine.fusion.sha256
    for one, other in zip(first.probes, second.probes, strict=True):
        np.testing.assert_array_equal(one["sface"], other["sface"])


def test_its_best_frames_match_only_the_right_person(
    engine: FaceEngine, printed: bytes, collins: Picture, hopper: Picture
) -> None:
    """A print matches the person: comparison does not prove life, so liveness is checked as well."""
    probes = engine.watch(printed).probes
    assert len(probes) == PROBES
    own, other = (engine.measure(encode(person)).templates for person in (collins, hopper))
    assert engine.compare_many(probes, [own]).state is State.PASS
    assert engine.compare_many(probes, [other]).state is State.FAIL
    assert engine.compare_many((), [own]).state is State.NOT_ASSESSED


def test_a_video_without_a_face_asks_to_try_again(engine: FaceEngine) -> None:
    random = np.random.default_rng(1)
    wall = cv2.GaussianBlur(random.uniform(0, 255, (240, 320, 3)).astype(np.uint8), (0, 0), 15)
    frames = [np.roll(wall, 3 * index, 1).astype(np.uint8) for index in range(45)]
    watched = engine.watch(encode_video(frames, codec="vp8", rate=15))
    assert watched.liveness.state is State.NOT_ASSESSED
    assert watched.liveness.llr is None
    assert watched.measurement.acquired is State.FAIL
    assert "keep_in_view" in watched.measurement.guidance


def test_no_video_is_refused(engine: FaceEngine) -> None:
    with pytest.raises(VideoRefused):
        engine.watch(b"no video")


def test_the_evaluation_counts_by_species_and_names_bad_rows(
    engine: FaceEngine, printed: bytes, collins: Picture, tmp_path: Path
) -> None:
    (tmp_path / "print.webm").write_bytes(printed)
    (tmp_path / "selfie.jpg").write_bytes(rephotograph(collins, seed=1))
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    rows = (
        "path,label,species,prompts\nprint.webm,attack,print,\nselfie.jpg,live,,\nbroken.mp4,attack,print,\n"
        "absent.mp4,live,,\nselfie.jpg,perhaps,,\nprint.webm,attack,print,wave\n"
    )
    (tmp_path / "samples.csv").write_text(rows)
    report = evaluate_liveness(tmp_path / "samples.csv", engine)
    assert report.rows == 6
    assert report.row_failures == {"missing_file": 1, "bad_row": 2}
    video, image = report.kinds["video"], report.kinds["image"]
    assert video.apcer["print"] == rate(0, 2)
    assert video.abstention_attack["print"] == rate(1, 2), "a file that cannot be read is not accepted"
    assert image.bpcer.trials == 1
    assert json.loads(json.dumps(report.to_json()))["samples"][0]["state"] == "fail"
    with pytest.raises(ManifestInvalid):
        evaluate_liveness(tmp_path / "selfie.jpg", engine)


def test_a_second_evaluation_reads_no_film_again_and_says_the_same(
    engine: FaceEngine, printed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "print.webm").write_bytes(printed)
    (tmp_path / "samples.csv").write_text("path,label,species,person\nprint.webm,live,,<b>Eileen</b>\n")
    first = evaluate_liveness(tmp_path / "samples.csv", engine, cache=tmp_path / "cache")
    with monkeypatch.context() as context:
        context.setattr(FaceEngine, "examine", lambda *_, **__: pytest.fail("the film is read again"))
        second = evaluate_liveness(tmp_path / "samples.csv", engine, cache=tmp_path / "cache")
        for verdict in (tmp_path / "cache").glob("*.json"):
            verdict.unlink()
        third = evaluate_liveness(tmp_path / "samples.csv", engine, cache=tmp_path / "cache")
    for later in (second, third):
        assert [(one.state, one.llr, one.reasons, dict(one.measures)) for one in later.judged] == [
            (one.state, one.llr, one.reasons, dict(one.measures)) for one in first.judged
        ]
        assert later.strips == first.strips
    page = liveness_page(second)
    assert "data:image/jpeg;base64," in page, "an error is shown with pictures"
    assert "&lt;b&gt;Eileen" in page
    assert "<b>Eileen" not in page


def test_what_is_kept_of_a_film_is_read_back_exactly(engine: FaceEngine, printed: bytes, tmp_path: Path) -> None:
    cache = FilmCache(tmp_path, engine.models)
    examined, strip = examine_film(printed, engine, cache)
    again, strip_again = examine_film(printed, engine, cache)
    assert strip == strip_again
    assert engine.judge(again).to_json() == engine.judge(examined).to_json()
    for one, other in zip(examined.readings.details, again.readings.details, strict=True):
        assert (one.index, one.time_s, one.live, one.grid, one.quality) == (
            other.index,
            other.time_s,
            other.live,
            other.grid,
            other.quality,
        )
    assert FilmCache(tmp_path, {"yunet": "another"}).examined("0" * 64) is None


def test_prompts_are_read_with_and_without_windows() -> None:
    plan = parse_prompts("turn_left@2.0-5.5;smile", 12.0)
    assert plan is not None
    assert [(step.prompt, step.from_s, step.to_s) for step in plan.steps] == [
        (Prompt.TURN_LEFT, 2.0, 5.5),
        (Prompt.SMILE, 0.0, 12.0),
    ]
    assert parse_prompts("", 3) is None
    for wrong in ("wave", "smile@5-2", "smile@a-b"):
        with pytest.raises(ValueError, match=r"(?i)prompt|window"):
            parse_prompts(wrong, 3)


def test_a_living_person_passes(engine: FaceEngine) -> None:
    film = require_shared("motion", "d18.mp4")
    assert engine.watch(film.read_bytes()).liveness.state is State.PASS
