"""The screen's colours on the skin: the drawn ones pass, others fail, and none is not assessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fixtures.faces import Picture
from fixtures.light import Tint, lit
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.light import check_light
from models.liveness.plan import Flash, Plan, Profile
from models.liveness.readings import Observer, Readings, observe
from models.liveness.regions import NAMES, SIDES
from models.pipeline import FaceEngine
from models.states import State
from models.weights.packs import PackStore
from models.weights.runtime import load_network
from tests.models.liveness.readings_made import made

TONE = np.array([150.0, 110.0, 90.0])
SHOWN = ("f00", "0ff", "00f", "ff0", "0f0", "f0f")
OTHER = ("0f0", "00f", "fff", "f00", "0ff", "000")
START = 1.0


@pytest.fixture
def observer(engine: FaceEngine, store: PackStore) -> Observer:
    """Return the readings of one capture; ``engine`` skips the test if there are no models."""
    assert engine.models
    return Observer(mesh=FaceMesh.load(store), detector=Detector(load_network(store, "yunet")), pad=None)


def _flashes(colours: tuple[str, ...]) -> tuple[Flash, ...]:
    found = []
    for number, colour in enumerate(colours):
        red, green, blue = (255 if letter == "f" else 0 for letter in colour)
        found.append(Flash(red, green, blue, START + 0.7 * number, START + 0.7 * (number + 1)))
    return tuple(found)


PLAN = Plan(Profile.LIGHT, (), _flashes(SHOWN), 6.2)


def _skin(
    colours: tuple[str, ...], gain: float, *, delay: float = 0.15, noise: float = 0.15, seed: int = 1
) -> Callable[[float], object]:
    random = np.random.default_rng(seed)
    flashes = _flashes(colours)

    def seen(time_s: float) -> object:
        light = np.zeros(3)
        for flash in flashes:
            if flash.from_s <= time_s - delay < flash.to_s:
                light = np.array([flash.red, flash.green, flash.blue]) / 255
        drift = 1 + 0.02 * np.sin(0.5 * time_s)
        return TONE * drift * (1 + gain * light) + random.normal(0, noise, 3)

    return seen


def _lit_face(
    colours: tuple[str, ...],
    gain: float = 0.1,
    *,
    sides: float | None = 0.3,
    body: float | None = 0.6,
    rate: float = 10.0,
    delay: float = 0.15,
    noise: float = 0.15,
) -> Readings:
    """Make readings of a lit face: ``sides`` and ``body`` respond that much of what the front does; None: not seen."""
    skin = _skin(colours, gain, delay=delay, noise=noise)
    readings = made(lambda _: {}, seconds=6.2, rate=rate, skin=skin)
    random = np.random.default_rng(5)
    details = []
    for detail in readings.details:
        assert detail.skin is not None
        regions = np.tile(detail.skin, (len(NAMES), 1))
        for name, share in [*((side, sides) for side in SIDES), ("body", body)]:
            row = TONE + (share or 0.0) * (detail.skin - TONE)
            regions[NAMES.index(name)] = np.nan if share is None else 0.6 * row
        details.append(replace(detail, regions=regions + random.normal(0, noise, regions.shape)))
    return replace(readings, details=tuple(details))


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.35])
@pytest.mark.parametrize("rate", [5.0, 10.0])
def test_the_drawn_colours_pass_with_any_delay(rate: float, delay: float) -> None:
    found = check_light(_lit_face(SHOWN, rate=rate, delay=delay), PLAN)
    assert found.state is State.PASS
    seen = found.values["delay"]
    assert seen is not None
    assert abs(seen - delay) <= 0.15


@pytest.mark.parametrize(
    ("sides", "body", "reason"),
    [
        (1.0, 1.0, "even_light"),  # the person is multiplied with the colour
        (1.6, 1.5, "even_light"),  # the colour is mixed in: dark parts change more
        (0.3, 0.0, "only_face_lit"),
        (1.0, 0.0, "only_face_lit"),
        (None, 0.6, "shading_unclear"),
    ],
)
def test_attack_a_tint_without_the_shading_of_a_light_does_not_pass(
    sides: float | None, body: float, reason: str
) -> None:
    found = check_light(_lit_face(SHOWN, sides=sides, body=body), PLAN)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, reason)


def test_a_light_passes_without_a_body_in_the_picture() -> None:
    assert check_light(_lit_face(SHOWN, body=None), PLAN).state is State.PASS


def test_the_mean_colour_alone_does_not_pass() -> None:
    """Before, the mean colour of the skin was enough."""
    found = check_light(made(lambda _: {}, seconds=6.2, skin=_skin(SHOWN, 0.1)), PLAN)
    assert (found.state, found.reason) == (State.NOT_ASSESSED, "shading_unclear")


def test_the_colours_of_another_session_fail() -> None:
    for seed in range(5):
        found = check_light(made(lambda _: {}, seconds=6.2, skin=_skin(OTHER, 0.03, seed=seed)), PLAN)
        assert (found.state, found.reason) == (State.FAIL, "other_light")


def test_without_a_reflection_the_light_is_not_assessed() -> None:
    states = [
        check_light(made(lambda _: {}, seconds=6.2, skin=_skin(SHOWN, 0.0, seed=seed)), PLAN).state
        for seed in range(60)
    ]
    assert set(states) == {State.NOT_ASSESSED}


def test_the_same_colours_in_another_order_or_place_do_not_pass() -> None:
    turned = (*SHOWN[1:], SHOWN[0])
    assert check_light(made(lambda _: {}, seconds=6.2, skin=_skin(turned, 0.03)), PLAN).state is not State.PASS
    late = check_light(made(lambda _: {}, seconds=6.2, skin=_skin(SHOWN, 0.03, delay=0.9)), PLAN)
    assert late.state is not State.PASS


def test_short_captures_and_plans_without_flashes_are_not_assessed() -> None:
    assert check_light(made(lambda _: {}, seconds=3, skin=_skin(SHOWN, 0.03)), PLAN).reason == "too_short"
    assert check_light(made(lambda _: {}, seconds=6.2), PLAN).reason == "face_lost"
    for plan in (None, Plan(Profile.STANDARD, (), (), 6.0)):
        assert check_light(made(lambda _: {}, seconds=6.2), plan).reason == "none_shown"


@pytest.mark.parametrize(
    ("colours", "strength", "tint", "state", "reason"),
    [
        (SHOWN, 0.1, None, State.PASS, ""),
        (OTHER, 0.1, None, State.FAIL, "other_light"),
        (SHOWN, 0.0, None, State.NOT_ASSESSED, None),
        (SHOWN, 0.1, "flat", State.NOT_ASSESSED, "even_light"),
        (SHOWN, 0.1, Tint("person"), State.NOT_ASSESSED, "even_light"),
        (SHOWN, 0.1, Tint("oval", blend=True), State.NOT_ASSESSED, None),
    ],
)
def test_on_pixels(
    observer: Observer,
    collins: Picture,
    colours: tuple[str, ...],
    strength: float,
    tint: Tint | str | None,
    state: State,
    reason: str | None,
) -> None:
    """A lit portrait: the face reflects, the wall behind does not; a flat picture reflects everywhere."""
    found = check_light(_filmed(observer, collins, colours, strength, tint), PLAN)
    assert found.state is state
    assert reason is None or found.reason == reason


def _filmed(
    observer: Observer, portrait: Picture, colours: tuple[str, ...], strength: float, tint: Tint | str | None
) -> Readings:
    still = np.ascontiguousarray(portrait[:400, 30:430, ::-1])
    rate = 10.0
    first = observer.see(still, 0.0)
    assert first is not None
    assert first.mesh is not None
    random = np.random.default_rng(2)
    count = round(6.2 * rate)
    noisy = (np.clip(still + random.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(count))
    flashes = [((f.red, f.green, f.blue), f.from_s, f.to_s) for f in _flashes(colours)]
    frames = lit(
        noisy,
        [first.mesh.points] * count,
        flashes,
        seed=3,
        strength=strength,
        rate=rate,
        flat=tint == "flat",
        tint=tint if isinstance(tint, Tint) else None,
    )
    return observe(observer, ((0.01 + index / rate, frame) for index, frame in enumerate(frames)))
