"""Each contradiction of a camera is found by its name, does what its entry says, and honest phones have none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.liveness.advice import advice
from models.liveness.camera_report import Abilities, CameraReport
from models.liveness.checks import CheckResult
from models.liveness.contradictions import BY_CODE, TABLE, Effect, Film, Subject, contradictions, effect_of
from models.liveness.fusion import judge, load_fusion
from models.liveness.source import CONTRADICTS, CaptureSource, check_source
from models.states import State

CAN = Abilities((1, 4032), (1, 3024), (0, 30), (1, 8), (-4, 4), torch=False, facing=("user",))
PHONE = CameraReport(
    label="camera2 1, facing front",
    last_label="camera2 1, facing front",
    facing="user",
    width=480,
    height=640,
    frame_rate=15,
    first=CAN,
    last=CAN,
    shown_width=480,
    shown_height=640,
    shown_rate=14.6,
    has_device_id=True,
    drawn=False,
    replaced=False,
    phone=True,
    touch_points=5,
)
"""Chrome on Android. Its camera says landscape sizes and the page gets the picture upright."""
FILM = Film(312, 416)
ON_TIME = tuple((n * 150, n * 150 + 40) for n in range(60))

HONEST = {
    "Chrome on Android": PHONE,
    "it learns the camera's abilities only after some moments": replace(
        PHONE, first=Abilities((1, 4032), (1, 3024), (0, 30), facing=("user",))
    ),
    "Android says the sizes of the sensor, not of the upright picture": replace(PHONE, width=640, height=480),
    "Safari on an iPhone": replace(
        PHONE,
        label="Frontkamera",
        last_label="Frontkamera",
        first=Abilities((1, 3088), (1, 2320), (1, 60), facing=("user",)),
        last=Abilities((1, 3088), (1, 2320), (1, 60), facing=("user",)),
        frame_rate=30,
        shown_rate=30.0,
    ),
    "Firefox says no abilities": replace(PHONE, label="Front facing camera", last_label=None, first=None, last=None),
    "little light: fewer pictures than stated": replace(PHONE, shown_rate=7.2),
    "a rear camera with a torch": replace(
        PHONE,
        label="camera2 0, facing back",
        last_label="camera2 0, facing back",
        facing="environment",
        first=replace(CAN, torch=True, facing=("environment",)),
        last=replace(CAN, torch=True, facing=("environment",)),
    ),
    "a laptop": replace(
        PHONE,
        label="Integrated Camera (04f2:b6d9)",
        last_label="Integrated Camera (04f2:b6d9)",
        facing=None,
        width=640,
        height=480,
        first=Abilities((1, 1280), (1, 720), (0, 30)),
        last=Abilities((1, 1280), (1, 720), (0, 30)),
        phone=False,
        touch_points=0,
    ),
    "a good webcam": CameraReport("OBSBOT Tiny 2 (3564:fef8)", width=1920, height=1080),
    "an app of an earlier release": CameraReport("Front Camera", facing="user", width=640, height=480, frame_rate=30),
    "nothing was said": CameraReport(),
}

_FASTER_THAN_ANY = replace(CAN, frame_rate=(1, 1000))
FOUND = {
    "virtual_camera": (replace(PHONE, label="OBS Virtual Camera", last_label=None), FILM),
    "impossible_timing": (PHONE, replace(FILM, ahead=True)),
    "clock_drifts": (PHONE, replace(FILM, drifts=True)),
    "camera_program": (replace(PHONE, label="EpocCam Camera", last_label="EpocCam Camera"), FILM),
    "camera_changed": (replace(PHONE, last_label="camera2 3, facing front"), FILM),
    "drawn_track": (replace(PHONE, drawn=True), FILM),
    "impossible_ability": (replace(PHONE, first=_FASTER_THAN_ANY, last=_FASTER_THAN_ANY), FILM),
    "name_is_a_number": (
        replace(PHONE, label="7f9619ff-8b86-d011-b42d-00cf4fc964ff", last_label=None),
        FILM,
    ),
    "name_of_a_computer": (replace(PHONE, label="HD Pro Webcam C920 (046d:082d)", last_label=None), FILM),
    "side_contradicts_name": (
        replace(PHONE, label="camera2 0, facing back", last_label="camera2 0, facing back"),
        FILM,
    ),
    "another_shape": (PHONE, Film(640, 360)),
    "another_size": (replace(PHONE, shown_width=720, shown_height=1280), FILM),
    "faster_than_stated": (replace(PHONE, shown_rate=60.0), FILM),
    "beyond_abilities": (replace(PHONE, first=replace(CAN, width=(1, 320), height=(1, 240)), last=None), FILM),
    "ability_lost": (replace(PHONE, last=replace(CAN, zoom=(1, 1))), FILM),
    "side_not_offered": (
        replace(PHONE, first=replace(CAN, facing=("environment",)), last=replace(CAN, facing=("environment",))),
        FILM,
    ),
    "front_with_torch": (replace(PHONE, first=replace(CAN, torch=True), last=replace(CAN, torch=True)), FILM),
    "no_device_id": (replace(PHONE, has_device_id=False), FILM),
    "replaced_function": (replace(PHONE, replaced=True), FILM),
    "phone_without_touch": (replace(PHONE, touch_points=0), FILM),
    "phone_still": (PHONE, replace(FILM, motion="phone_still")),
    "picture_still": (PHONE, replace(FILM, motion="picture_still")),
    "motion_unrelated": (PHONE, replace(FILM, motion="motion_unrelated")),
    "name_missing": (replace(PHONE, label=None, last_label=None), FILM),
}


@pytest.mark.parametrize("code", [entry.code for entry in TABLE])
def test_attack_each_contradiction_is_found_alone_and_does_what_its_entry_says(code: str) -> None:
    report, film = FOUND[code]
    assert contradictions(report, film) == (code,)
    assert effect_of((code,)) is BY_CODE[code].effect
    assert BY_CODE[code].text.endswith(".")


@pytest.mark.parametrize("report", HONEST.values(), ids=HONEST)
def test_honest_phones_and_computers_contradict_nothing(report: CameraReport) -> None:
    assert contradictions(report, FILM) == ()
    assert check_source(CaptureSource(report, ON_TIME), 312, 416).state is State.PASS


def test_the_film_fails_by_the_two_oldest_only() -> None:
    assert [entry.code for entry in TABLE if entry.effect is Effect.FAILS] == ["virtual_camera", "impossible_timing"]


def test_one_doubt_decides_nothing_and_two_of_different_subjects_ask() -> None:
    assert effect_of(()) is None
    assert effect_of(("ability_lost",)) is Effect.DOUBTS
    assert effect_of(("ability_lost", "front_with_torch")) is Effect.DOUBTS, "one innocent cause may have made both"
    assert effect_of(("ability_lost", "another_size")) is Effect.ASKS
    assert effect_of(("name_missing", "another_size")) is Effect.DOUBTS, "a note does not count"
    doubts = [entry for entry in TABLE if entry.effect is Effect.DOUBTS]
    assert effect_of([entry.code for entry in doubts]) is Effect.ASKS, "together they still fail no one"
    assert {entry.subject for entry in doubts} == set(Subject) - {Subject.TIME}


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ({"replaced": True}, State.PASS, ""),
        ({"replaced": True, "touch_points": 0}, State.NOT_ASSESSED, CONTRADICTS),
        ({"drawn": True}, State.NOT_ASSESSED, CONTRADICTS),
        ({"drawn": True, "label": "ManyCam Virtual Webcam"}, State.FAIL, "virtual_camera"),
    ],
)
def test_the_check_keeps_the_names_of_what_it_found(change: dict[str, object], state: State, reason: str) -> None:
    report = replace(PHONE, **change)  # type: ignore[arg-type]
    found = check_source(CaptureSource(report, ON_TIME), 312, 416)
    assert (found.state, found.reason) == (state, reason)
    codes = contradictions(report, FILM)
    assert codes
    assert {code for code in BY_CODE if found.values.get(code) == 1} == set(codes)


def test_attack_a_stream_that_a_script_draws_is_asked_again_and_never_passes() -> None:
    source = check_source(CaptureSource(replace(PHONE, drawn=True), ON_TIME), 312, 416)
    passing = [CheckResult(name, State.PASS) for name in ("presence", "injection")]
    measures = {"planarity": 0.0, "appearance": 0.0, "passive": 3.0, "grid": 1.0, "repeated": -2.0, "turned": 20.0}
    fusion = load_fusion()
    assert judge(fusion, measures, passing).state is State.PASS
    report = judge(fusion, measures, [*passing, source])
    assert (report.state, report.reasons) == (State.NOT_ASSESSED, (CONTRADICTS,))
    assert advice(report) == ("use_camera",)


def test_hostile_reports_are_read_without_an_error() -> None:
    said = {"first": {"zoom": {"min": None, "max": None}, "width": None}, "last": {}, "label": "", "frame_rate": None}
    report = CameraReport.from_json(said)
    assert contradictions(report, Film()) == ()
    assert CameraReport.from_json({}) == CameraReport()
