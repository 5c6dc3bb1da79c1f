"""A film is recognised by the movement of the face; two honest answers to one plan are not the same film."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.mesh import motion_for
from models.liveness.movement import LEAST_SECONDS, SAME_FROM, Movement, compare_movements

PLAN = [("turn_left", 2.0, 5.5), ("smile", 5.5, 9.0)]


def _film(seed: int, *, steps: list[tuple[str, float, float]] = PLAN, noise: int = 0) -> Movement:
    """Return the measures of a simulated person who follows a plan, as a camera with some noise would see them."""
    motion, times = motion_for(steps, seed=seed), np.arange(0, 10, 0.1)
    random = np.random.default_rng([seed, noise])
    rows = []
    for time_s in times:
        face = motion(float(time_s))
        across, up = np.sin(np.radians(face.yaw)), np.sin(np.radians(face.pitch))
        lid = 0.16 * (1 - face.blink)
        mouth = 0.75 + 0.1 * face.smile
        brow = -0.3 - 0.2 * up
        nose, lips, corners = (0.75 * across, 0.6 - 0.55 * up), (0.35 * face.jaw, mouth), (0.25 * across, 1 - 0.2 * up)
        rows.append([*nose, *lips, *corners, lid, lid, 1.6 - 0.2 * up, brow, brow])
    return Movement(times, np.array(rows) + random.normal(0, 0.006, (len(times), 11)))


def test_attack_the_same_film_mirrored_and_cut_is_recognised() -> None:
    first, again = _film(1), _film(1, noise=1)
    assert compare_movements(first, again) >= SAME_FROM
    assert compare_movements(first, again.mirrored()) >= SAME_FROM
    cut = Movement(again.times_s[12:] - again.times_s[12] + 0.03, again.values[12:])
    assert compare_movements(first, cut) >= SAME_FROM


@pytest.mark.parametrize("seed", range(2, 8))
def test_another_answer_to_the_same_plan_is_another_film(seed: int) -> None:
    assert compare_movements(_film(1), _film(seed)) < SAME_FROM


def test_short_and_empty_films_are_like_nothing() -> None:
    film = _film(1)
    short = Movement(film.times_s[: int(LEAST_SECONDS * 10) - 2], film.values[: int(LEAST_SECONDS * 10) - 2])
    empty = Movement(np.zeros(0), np.zeros((0, 11)))
    assert compare_movements(film, short) == compare_movements(empty, film) == 0


def test_a_movement_is_stored_to_a_ten_thousandth() -> None:
    film = _film(3)
    again = Movement.from_bytes(film.to_bytes())
    assert np.allclose(again.values, film.values, atol=1e-4)
    assert np.allclose(again.times_s, film.times_s, atol=1e-3)
