"""The made attacks: reproducible from a seed, of the right size and length, and with the signs of their species."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from certify.cli import app
from fixtures import attacks
from fixtures.faces import Picture, portraits
from fixtures.light import lit
from fixtures.mesh import Face, Points, bona_fide, mesh_attack
from fixtures.videos import encode
from models.face.detect import Detector
from models.face.detect import Face as FoundFace
from models.face.landmarks import FaceMesh
from models.liveness.depth import planarity
from models.liveness.injection import repeated_share
from models.liveness.readings import Observer, Readings, observe
from models.liveness.screen import grid_peak
from models.pipeline import FaceEngine
from models.weights.packs import PackStore
from models.weights.runtime import load_network

RATE = 10.0
SECONDS = 1.2
COUNT = 12
SIZE = (240, 240)

Maker = Callable[[int], Iterator[Picture]]


def _still() -> Picture:
    return np.ascontiguousarray(cv2.resize(portraits()["eileen_collins"][:400, 30:430, ::-1], SIZE)).astype(np.uint8)


def _moving() -> list[Picture]:
    """Return twelve different frames of a camera that pans."""
    still = _still()
    return [np.roll(still, 2 * index, 1) for index in range(COUNT)]


def _mesh_points() -> Points:
    """Return a flat grid instead of a face; the drawing needs any 478 points."""
    rows, columns = np.mgrid[:22, :22]
    points = np.zeros((478, 3), np.float32)
    points[:, 0] = 60 + columns.ravel()[:478] * 5.5
    points[:, 1] = 60 + rows.ravel()[:478] * 5.5
    return points


MAKERS: dict[str, Maker] = {
    "print": lambda seed: attacks.print_attack(_still(), seed=seed, seconds=SECONDS, rate=RATE, size=SIZE),
    "replay": lambda seed: attacks.replay_attack(_moving(), seed=seed, rate=RATE, size=SIZE),
    "injected": lambda seed: attacks.injected_attack(_moving() * 3, seed=seed),
    "mesh": lambda seed: mesh_attack(
        _still(), _mesh_points(), lambda t: Face(yaw=9 * math.sin(t)), seed=seed, seconds=SECONDS, rate=RATE
    ),
    "bona_fide": lambda seed: bona_fide(
        _still(), _mesh_points(), lambda t: Face(yaw=9 * math.sin(t)), seed=seed, seconds=SECONDS, rate=RATE
    ),
    "light": lambda seed: lit(
        _moving(), [_mesh_points()] * COUNT, [((255, 0, 0), 0.2, 0.8)], seed=seed, strength=0.4, rate=RATE
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_seed_makes_the_same_frames_and_another_seed_others(name: str) -> None:
    first, again, other = (np.stack(list(MAKERS[name](seed))) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.dtype == np.uint8
    assert first.shape == (COUNT * (3 if name == "injected" else 1), *SIZE, 3)


def test_the_same_seed_makes_the_same_file() -> None:
    """With H.264, because the realtime VP8 encoder depends on the clock and gives other files on a busy machine."""
    files = [encode(MAKERS["print"](seed), codec="h264", rate=RATE) for seed in (1, 1, 2)]
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_print_is_duller_than_its_still_and_has_a_cameras_noise() -> None:
    still, frames = _still(), list(MAKERS["print"](3))

    def colourful(picture: Picture) -> float:
        middle = picture[80:160, 80:160].astype(np.float64)
        return float(np.abs(middle - middle.mean(2, keepdims=True)).mean())

    assert np.mean([colourful(frame) for frame in frames]) < colourful(still)
    assert min(float(np.abs(a.astype(int) - b).mean()) for a, b in zip(frames[1:], frames, strict=False)) > 0.5


def test_a_replay_shows_the_grid_of_its_screen() -> None:
    def sharpest(frames: Iterator[Picture] | list[Picture]) -> float:
        face = FoundFace((120.0, 100.0, 240.0, 280.0), np.zeros((5, 2), np.float32), 1.0)
        return float(np.median([grid_peak(frame, face) or 0.0 for frame in frames]))

    shown = [cv2.resize(frame, (480, 480)).astype(np.uint8) for frame in _moving()[:3]]
    for seed in range(4):
        assert sharpest(attacks.replay_attack(shown, seed=seed, rate=RATE)) > 3 * sharpest(shown)


def test_an_injected_video_repeats_itself_exactly_and_its_source_does_not() -> None:
    def repeats(frames: list[Picture]) -> int:
        return len(frames) - len({frame.tobytes() for frame in frames})

    source = [np.roll(_still(), 2 * index, 1) for index in range(60)]
    assert repeats(source) == 0
    for seed in range(6):
        assert repeats(list(attacks.injected_attack(source, seed=seed))) >= 8


def test_light_falls_on_the_face_only_unless_the_picture_is_flat() -> None:
    still = np.full((*SIZE, 3), 120, np.uint8)
    flashes = [((255, 0, 0), 0.2, 1.2)]

    def gained(*, flat: bool, strength: float = 0.4) -> tuple[float, float]:
        frames = list(
            lit([still] * COUNT, [_mesh_points()] * COUNT, flashes, seed=1, strength=strength, rate=RATE, balance=0,
                flat=flat)
        )  # fmt: skip
        change = frames[6].astype(float) - frames[0].astype(float)
        return float(change[100:140, 100:140, 2].mean()), float(change[:20, :20, 2].mean())

    face, corner = gained(flat=False)
    assert face > 5
    assert abs(corner) < 1
    face, corner = gained(flat=True)
    assert abs(face - corner) < 1
    assert abs(gained(flat=False, strength=0.0)[0]) < 1


@pytest.fixture(scope="module")
def seen(engine: FaceEngine, store: PackStore) -> Callable[[Iterator[Picture]], Readings]:
    assert engine.models, "skips where there are none"
    mesh, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))

    def read(frames: Iterator[Picture]) -> Readings:
        observer = Observer(mesh=mesh, detector=detector, pad=None)
        return observe(observer, ((index / 15, frame) for index, frame in enumerate(frames)))

    return read


def _portrait(name: str) -> Picture:
    return np.ascontiguousarray(portraits()[name][:400, 30:430, ::-1])


@pytest.fixture(scope="module")
def moved(engine: FaceEngine, store: PackStore) -> Callable[[str, int], Iterator[Picture]]:
    """Return a portrait that turns, speaks and blinks before a camera."""
    assert engine.models
    mesh, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))

    def make(name: str, seed: int) -> Iterator[Picture]:
        still = _portrait(name)
        found = mesh.tracker().step(still, detector.detect(still))
        assert found is not None

        def motion(time_s: float) -> Face:
            return Face(yaw=15 * math.sin(2 * time_s), jaw=max(0.0, math.sin(3 * time_s)), smile=0.5)

        return bona_fide(still, found.points, motion, seed=seed, seconds=2.4, rate=15)

    return make


def test_the_landmarks_of_a_print_move_as_a_plane_and_those_of_a_turning_head_do_not(
    seen: Callable[[Iterator[Picture]], Readings], moved: Callable[[str, int], Iterator[Picture]]
) -> None:
    for name in ("eileen_collins", "grace_hopper"):
        printed = attacks.print_attack(_portrait(name), seed=11, seconds=2.4, rate=15, size=(400, 400))
        flat, deep = planarity(seen(printed).details), planarity(seen(moved(name, 3)).details)
        assert flat is not None
        assert deep is not None
        assert flat < 0.02
        assert deep > 2 * flat


def test_repeats_survive_the_coding(
    seen: Callable[[Iterator[Picture]], Readings], moved: Callable[[str, int], Iterator[Picture]]
) -> None:
    frames = list(moved("eileen_collins", 4))
    assert repeated_share(seen(iter(frames)).glances) == 0
    share = repeated_share(seen(attacks.injected_attack(frames, seed=2)).glances)
    assert share is not None
    assert share > 0.1


def test_the_command_judges_generated_clips(
    moved: Callable[[str, int], Iterator[Picture]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """End to end on the two public portraits: no attack passes, and the figures count all samples."""
    rows = []
    for name in ("eileen_collins", "grace_hopper"):
        frames = list(moved(name, 5))
        for species, clip in {
            "print": attacks.print_attack(_portrait(name), seed=21, seconds=2.4, rate=15, size=(400, 400)),
            "replay": attacks.replay_attack(frames, seed=22, rate=15, size=(400, 400)),
            "injected": attacks.injected_attack(frames, seed=23),
        }.items():
            file = f"{name}_{species}.mp4"
            (tmp_path / file).write_bytes(encode(clip, codec="h264", rate=15, quality=80))
            rows.append((file, "attack", species))
    with (tmp_path / "samples.csv").open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([("path", "label", "species"), *rows])
    monkeypatch.setenv("COLUMNS", "200")
    result = CliRunner().invoke(app, ["evaluate", "liveness", "--samples", str(tmp_path / "samples.csv"), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["rows"] == 6
    assert report["row_failures"] == {}
    video = report["kinds"]["video"]
    assert {name: (found["events"], found["trials"]) for name, found in video["apcer"].items()} == {
        "print": (0, 2),
        "replay": (0, 2),
        "injected": (0, 2),
    }
    assert all(sample["state"] == "fail" for sample in report["samples"] if sample["species"] == "print")
