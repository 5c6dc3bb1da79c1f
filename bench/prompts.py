"""Measure the check of prompts: how often recordings of people who were asked nothing follow a plan, and who follows.

    python -m bench.prompts --samples SAMPLES.csv [--motion FOLDER] [--cache FOLDER] [--rounds 100] [--half other]

Plans are drawn like those of the service, and each is laid over a film at a random place; films that are shorter than a
plan are repeated. An attempt has as many takes as a live capture gives, each with a plan of its own. The limits of
:mod:`models.liveness.prompts` were chosen on one half of the people; the other half is what counts.

Beside the families of recordings: ``chosen place``: the attacker knows the plan of an upload and takes the best place
of the film; ``another plan``: a follower of one plan, laid under another. The followers are simulated
(:func:`fixtures.mesh.motion_for`, with the noise of landmarks): usual ones, and old ones who are slow and tremble.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from certify.capture.challenge import draw
from certify.domain.profile import STANDARD, Demand, Risk, choose
from fixtures import mesh
from models.evaluation.liveness import examine_film
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_samples import LIVE, read_samples
from models.liveness.light import check_light
from models.liveness.plan import TAKES, Plan
from models.liveness.prompts import answer, signals_of
from models.liveness.readings import Detail, Readings
from models.media.video import VideoLimits
from models.pipeline import FaceEngine
from models.states import State
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir

ATTEMPTS = 3
"""Attempts that the shipped policies give (``max_attempts``)."""

Signals = dict[str, NDArray[np.float64]]
Times = NDArray[np.float64]

DEMANDS: dict[str, Demand] = {
    "standard": choose([], 70, [], Risk()),
    "three prompts": choose(["epilepsy"], 70, [], Risk(new_device=True)),
    "with light": choose([], 70, [], Risk(new_device=True)),
    "gentle": choose(["tremor", "epilepsy"], 70, [], Risk()),
    "gentle with light": choose(["tremor"], 70, [STANDARD], Risk()),
    "gentle, unknown phone": choose(["tremor"], 70, [], Risk(new_device=True)),
}
FOLLOWERS = {"usual": mesh.USUAL, "old": mesh.OLD}


@dataclass(frozen=True, slots=True)
class Recording:
    """A film of somebody who was asked nothing.

    Attributes:
        person: who is seen.
        family: living, or the family of the attack.
        system: the system that drew it; empty for living people.
        details: its readings.
        times: of the signals, from 0 on.
        signals: as the check uses them.
    """

    person: str
    family: str
    system: str
    details: tuple[Detail, ...]
    times: Times
    signals: Signals

    @property
    def seconds(self) -> float:
        """Return how long it is, with the step to its repetition."""
        return float(self.times[-1]) + 0.1


def main() -> None:
    """Measure, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--motion", type=Path, help="folder of further *.mp4 of living people")
    parser.add_argument("--cache", type=Path, help="as in 'certify evaluate liveness'")
    parser.add_argument("--rounds", type=int, default=100, help="series of attempts for each film")
    parser.add_argument("--half", choices=["fitted", "other", "both"], default="other", help="people who count")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    films = [film for film in track(list(_paths(options)), "films") if film is not None]
    films = [film for film in films if options.half == "both" or options.half == half_of(film.person)]
    people = len({film.person for film in films})
    print(f"{len(films)} films of {people} people ({options.half}), {ATTEMPTS} attempts of {TAKES} takes")
    table = Table("profile", "who", "n", "one take", "n", "three attempts", "also shows the light")
    for name, demand in DEMANDS.items():
        counts = [(film, _count(film, demand, options)) for film in track(films, name)]
        for who, some in _groups(counts).items():
            _row(table, name, who, some, demand)
        chosen = [_chosen_place(film, demand, options.seed + n) for film in films for n in range(3)]
        table.add_row(name, "chosen place", *_share(sum(chosen), len(chosen)), "", "", "")
        for who, manner in FOLLOWERS.items():
            _followers(table, name, who, demand, manner, 10 * options.rounds)
    Console(width=150).print(table)


def half_of(person: str) -> str:
    """Return which half of the people somebody belongs to: ``fitted``, on which limits were chosen, or ``other``."""
    return "fitted" if hashlib.sha256(person.encode()).digest()[0] % 2 == 0 else "other"


def _paths(options: argparse.Namespace) -> Iterable[Recording | None]:
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    cache = FilmCache(options.cache, engine.models) if options.cache else None
    for sample in read_samples(options.samples)[1]:
        if sample.image:
            continue
        examined = examine_film(sample.file.read_bytes(), engine, cache)[0]
        family = "living" if sample.label == LIVE else sample.family
        yield _recording(sample.person, family, sample.species, examined.readings)
    if options.motion is not None:
        for path in sorted(options.motion.glob("*.mp4")):
            readings = engine.observe(path.read_bytes(), VideoLimits(max_seconds=60, max_side_out=480))
            yield _recording(path.stem, "living", "", readings)


def _recording(person: str, family: str, system: str, readings: Readings) -> Recording | None:
    times, signals = signals_of(readings.followed)
    if len(times) <= 20:
        return None
    start = float(times[0])
    # Details are kept without their pictures: only times and colours are needed, for the light.
    kept = (replace(detail, time_s=detail.time_s - start, patch=None, aligned=None) for detail in readings.details)
    return Recording(person, family, system, tuple(kept), times - start, signals)


@dataclass(frozen=True, slots=True)
class _Count:
    """Takes and series of attempts with one film: how many, how many followed, and how many showed light too."""

    takes: int
    followed: int
    series: int
    passed: int
    lit: int


def _groups(counts: Sequence[tuple[Recording, _Count]]) -> dict[str, list[_Count]]:
    """Return the counts by family, and by system of the attacks."""
    found: dict[str, list[_Count]] = {"all": [count for _, count in counts]}
    for film, count in counts:
        found.setdefault(film.family, []).append(count)
    for film, count in counts:
        if film.system:
            found.setdefault(f"  {film.system}", []).append(count)
    return found


def _count(film: Recording, demand: Demand, options: argparse.Namespace) -> _Count:
    chance = random.Random(f"{options.seed} {film.person} {film.system}")  # noqa: S311 - repeatable
    followed = passed = lit = 0
    for _ in range(options.rounds):
        takes = []
        for _ in range(ATTEMPTS * TAKES):
            plan, start = draw(demand, chance.randbytes), chance.uniform(0, film.seconds)
            takes.append(_follows(plan, *_laid(film, start, plan.seconds)))
            lit += takes[-1] and bool(plan.flashes) and _shows_light(film, start, plan)
        followed, passed = followed + sum(takes), passed + any(takes)
    return _Count(options.rounds * ATTEMPTS * TAKES, followed, options.rounds, passed, lit)


def _row(table: Table, profile: str, who: str, counts: Sequence[_Count], demand: Demand) -> None:
    once = _share(sum(count.followed for count in counts), sum(count.takes for count in counts))
    series = _share(sum(count.passed for count in counts), sum(count.series for count in counts))
    lit = str(sum(count.lit for count in counts)) if demand.flashes else ""
    table.add_row(profile, who, *once, *series, lit)


def _laid(film: Recording, start: float, seconds: float) -> tuple[Times, Signals]:
    """Return the signals of a film from a place on, repeated as often as needed."""
    rounds = math.ceil((start + seconds) / film.seconds) + 1
    times = np.concatenate([film.times + n * film.seconds for n in range(rounds)]) - start
    inside = (times >= 0) & (times <= seconds)
    return times[inside], {name: np.tile(values, rounds)[inside] for name, values in film.signals.items()}


def _follows(plan: Plan, times: Times, signals: Signals) -> bool:
    return all(answer(plan, number, times, signals).counts for number in range(len(plan.steps)))


def _shows_light(film: Recording, start: float, plan: Plan) -> bool:
    rounds = math.ceil((start + plan.seconds) / film.seconds) + 1
    moments = [(detail.time_s + n * film.seconds - start, detail) for n in range(rounds) for detail in film.details]
    laid = [replace(detail, time_s=time_s) for time_s, detail in moments if 0 <= time_s <= plan.seconds]
    return check_light(_Laid((), tuple(laid), plan.seconds), plan).state is State.PASS


@dataclass(frozen=True, slots=True)
class _Laid(Readings):
    """Readings without pictures, which know how long they are."""

    lasts_s: float = 0.0

    @property
    def seconds(self) -> float:
        return self.lasts_s


def _chosen_place(film: Recording, demand: Demand, seed: int) -> bool:
    """Tell whether a plan is followed at any place of a film."""
    plan = draw(demand, random.Random(f"{seed} {film.person} {film.system} place").randbytes)  # noqa: S311
    return any(_follows(plan, *_laid(film, start, plan.seconds)) for start in np.arange(0, film.seconds, 0.1))


def _followers(table: Table, profile: str, who: str, demand: Demand, manner: mesh.Manner, count: int) -> None:
    for rate_ in (6, 10):
        chance = random.Random(rate_)  # noqa: S311 - repeatable
        plans = [draw(demand, chance.randbytes) for _ in range(count)]
        found = sum(follows(plan, manner, seed=seed, rate=rate_) is State.PASS for seed, plan in enumerate(plans))
        table.add_row(profile, f"follower, {who}, {rate_} frames/s", *_share(found, count), "", "", "")
    others = [draw(demand, chance.randbytes) for _ in range(count)]
    wrong = sum(
        follows(plan, manner, seed=seed, rate=10, answers=other) is State.PASS
        for seed, (plan, other) in enumerate(zip(plans, others, strict=True))
    )
    table.add_row(profile, f"another plan, {who}", *_share(wrong, count), "", "", "")


def follows(plan: Plan, manner: mesh.Manner, *, seed: int, rate: float, answers: Plan | None = None) -> State:
    """Judge a simulated follower by a plan.

    Args:
        plan: what is asked.
        manner: how the person answers.
        seed: decides what differs from person to person.
        rate: frames a second.
        answers: the plan that the person answers; None for the same.

    Returns:
        PASS if all prompts were followed, else NOT_ASSESSED.
    """
    steps = [(step.prompt.value, step.from_s, step.to_s, step.back_s) for step in (answers or plan).steps]
    motion = mesh.motion_for(steps, seed=seed, manner=manner)
    times = np.arange(int(plan.seconds * rate) + 1) / rate
    faces = [motion(float(time_s)) for time_s in times]
    noise = np.random.default_rng(seed)

    def read(values: Iterable[float], spread: float) -> NDArray[np.float64]:
        # As large as the noise of the landmarks: 0.7 degrees, 0.6 % of the size, 0.02 of an expression.
        clean = np.array(list(values))
        return np.asarray(clean + noise.normal(0, spread, len(clean)), np.float64)

    size = read((face.nearer for face in faces), 0.006)
    signals = {
        "yaw": read((face.yaw for face in faces), 0.7),
        "pitch": read((face.pitch for face in faces), 0.7),
        "size": size / np.median(size),
        "smile": read((0.7 * face.smile for face in faces), 0.02),
        "jaw": read((0.6 * face.jaw for face in faces), 0.02),
        "blink": read((face.blink for face in faces), 0.02),
    }
    return State.PASS if _follows(plan, times, signals) else State.NOT_ASSESSED


def _share(events: int, trials: int) -> tuple[str, str]:
    found = rate(events, trials)
    share = "" if found.value is None else f"{events} = {found.value:.3%} ({found.low:.3%}-{found.high:.3%})"
    return f"{trials:,}", share


if __name__ == "__main__":
    main()
