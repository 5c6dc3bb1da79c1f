"""What a phone says about its camera can only speak against a capture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from models.liveness.camera_report import CameraReport
from models.liveness.fusion import DOUBTS
from models.liveness.source import MOST_AHEAD_MS, MOST_DRIFT_MS, CaptureSource, check_source
from models.states import State

FRONT = CameraReport("Front Camera")
ON_TIME = tuple((n * 150, n * 150 + 40) for n in range(60))


@pytest.mark.parametrize(
    "name",
    [
        "OBS Virtual Camera",
        "ManyCam Virtual Webcam",
        "e2eSoft VCam",
        "Dummy video device (0x0000)",
        "v4l2loopback",
        "Snap Camera",
        "fake_device_0",
        "XSplit VCam",
        "DroidCam Source 3",
    ],
)
def test_virtual_cameras_are_refused(name: str) -> None:
    found = check_source(CaptureSource(CameraReport(name), ON_TIME), 480, 640)
    assert (found.state, found.reason) == (State.FAIL, "virtual_camera")


@pytest.mark.parametrize(
    "name",
    [
        "camera2 1, facing front",
        "Front Camera",
        "Frontkamera",
        "前置相机",
        "FaceTime HD Camera (Built-in)",
        "HD Pro Webcam C920 (046d:082d)",
        "Integrated Camera: Integrated C (04f2:b6d9)",
        "Kamera FaceTime",
    ],
)
def test_cameras_of_phones_and_computers_pass(name: str) -> None:
    assert check_source(CaptureSource(CameraReport(name, width=640, height=480), ON_TIME), 480, 640).state is State.PASS


def test_frames_cannot_arrive_before_they_were_taken() -> None:
    burst = tuple((n * 150, n * 10) for n in range(60))
    found = check_source(CaptureSource(FRONT, burst), 480, 640)
    assert (found.state, found.reason) == (State.FAIL, "impossible_timing")
    assert found.values["ahead_ms"] == 59 * 140
    # Bad networks cause a slow start that catches up, or a stall in the middle. No one fails for them.
    held_up = tuple((taken, max(taken - MOST_DRIFT_MS, 0)) for taken, _ in ON_TIME)
    assert check_source(CaptureSource(FRONT, held_up), 480, 640).state is State.PASS


@pytest.mark.parametrize(
    "clock",
    [
        pytest.param(lambda t: t * 1.4, id="slow clock: more time for each answer"),
        pytest.param(lambda t: t * 0.7, id="fast clock"),
        pytest.param(lambda t: t + (9000 if t > 4000 else 0), id="a pause to prepare the answer"),
        pytest.param(lambda t: max(t - MOST_AHEAD_MS, 0), id="frames from a store"),
    ],
)
def test_attack_a_stream_whose_clock_is_not_ours_is_asked_again(clock: Callable[[float], float]) -> None:
    """Who sets the times of the pictures could move an answer to the moment of its prompt."""
    arrivals = tuple((taken, round(clock(taken))) for taken, _ in ON_TIME)
    found = check_source(CaptureSource(FRONT, arrivals), 480, 640)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "clock_drifts")
    assert found.reason in DOUBTS, "no capture passes with it"


def test_an_unknown_source_is_not_assessed() -> None:
    for source in (None, CaptureSource(), CaptureSource(CameraReport(width=640, height=480))):
        assert check_source(source, 480, 640).state is State.NOT_ASSESSED


@pytest.mark.parametrize(("width", "height", "another"), [(480, 640, 0), (640, 480, 0), (360, 480, 0), (640, 360, 1)])
def test_another_shape_than_stated_is_reported(width: int, height: int, another: int) -> None:
    found = check_source(CaptureSource(replace(FRONT, width=1280, height=960), ON_TIME), width, height)
    assert found.state is State.PASS, "alone it decides nothing"
    assert found.values["another_shape"] == another
