"""Measure whether a small turn that is asked for lifts living people who kept still to a pass.

    python -m bench.small_turn --samples SAMPLES.csv --drawn DRAWN.csv --cache FOLDER [--list]

No one in the films was asked for anything, but many keep still for a while and turn their head. From such a film this
makes what a person sends who was asked for a small turn: the same person, room and camera, and the real pixels of a
real turn; nothing is drawn or warped. The stillest second of the film, in which least is new, is played to and fro as
long as a capture with one prompt makes a person wait: it must not hide the turn. Then comes the turn.

The drawn attacks are put together in the same way. Two films are judged for each: the waiting alone, and the waiting
with the turn, with parameters that were fitted on other people (five parts). Whether the person would have turned at
the right moment is not part of this: ``bench.prompts`` measures followers.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.fit_liveness import document, fold_of, measured
from bench.living_films import living_films, options_parser
from models.evaluation.liveness import examine_film
from models.evaluation.liveness_cache import FilmCache
from models.evaluation.liveness_samples import ATTACK, LIVE, Sample, read_samples
from models.liveness.depth import new_appearance
from models.liveness.examined import Examined
from models.liveness.fusion import CALM, judge, parse_fusion
from models.liveness.readings import Detail, Readings
from models.pipeline import FaceEngine
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir

WAITING_S = 9.0
"""Seconds without a movement in a plan of one prompt: before it, while it is held, and after it."""
STILL, STILL_FRAMES = 6.0, 12
"""Largest range of yaw and of pitch in the still stretch, in degrees, and its frames, ten a second."""
STILL_STEP = 2.9
"""Largest change of either in 0.3 s: nothing in the stretch counts as a turn."""
TURN, TURN_FRAMES = (10.0, 30.0), (8, 40)
"""Change of yaw that is a small turn (the prompt asks for nine degrees), and its frames."""
FOLDS = 5
_GAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Quiet:
    """A still stretch of a film, and a turn in it."""

    still: tuple[Detail, ...]
    turn: tuple[Detail, ...]


def main() -> None:
    """Measure, and print the counts."""
    parser = options_parser(__doc__)
    parser.add_argument("--drawn", type=Path, required=True, help="samples file of the drawn attacks, for the fits")
    parser.add_argument("--list", action="store_true", help="print each film")
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    fitted = [s for file in (options.samples, options.drawn) for s in measured(file, engine, options.cache)]
    fits = [parse_fusion(document([s for s in fitted if fold_of(s.person, FOLDS) != fold])) for fold in range(FOLDS)]
    states: dict[str, Counter[str]] = defaultdict(Counter)
    people: dict[str, set[str]] = defaultdict(set)
    reasons = Counter[str]()
    for sample, examined in chain(living_films(options, engine), _drawn(options, engine)):
        quiet = quiet_turn(examined.readings.followed)
        if quiet is None:
            continue
        fusion = fits[fold_of(sample.person, FOLDS)]
        before, after = (
            judge(fusion, report.measures, report.checks)
            for report in (engine.judge(_film(examined, quiet.still, turn)) for turn in ((), quiet.turn))
        )
        reasons.update(after.reasons)
        kinds = ["living"] if sample.label == LIVE else [f"{sample.family}, drawn"]
        if sample.label == LIVE and CALM in before.reasons:
            kinds.append("living, asked for a turn when still")
        for kind in kinds:
            people[kind].add(sample.person)
            states[f"{kind}, still"][before.state.value] += 1
            states[f"{kind}, with the turn"][after.state.value] += 1
        if options.list:
            print(sample.person, sample.file.name, before.state.value, before.reasons, after.state.value, after.reasons)
    for kind, counted in states.items():
        _show(f"{kind} ({len(people[kind.rpartition(',')[0]])} people)", counted)
    print(f"reasons after the turn: {dict(reasons)}")


def _drawn(options: argparse.Namespace, engine: FaceEngine) -> Iterator[tuple[Sample, Examined]]:
    """Examine the drawn attacks: their stillest second and their turns are put together in the same way."""
    cache = FilmCache(options.cache, engine.models) if options.cache else None
    for sample in read_samples(options.drawn)[1]:
        if sample.label == ATTACK and not sample.image:
            yield sample, examine_film(sample.file.read_bytes(), engine, cache)[0]


def quiet_turn(details: Sequence[Detail]) -> Quiet | None:
    """Find the stillest stretch of a film, and a small turn elsewhere in it; None if there is no such turn."""
    stretches = [
        (new, begin)
        for begin in range(len(details) - STILL_FRAMES + 1)
        if (new := _new_while_still(details[begin : begin + STILL_FRAMES])) is not None
    ]
    for _, begin in sorted(stretches):
        end = begin + STILL_FRAMES
        rest = float(np.median(_yaw(details[begin:end])))
        for part in (details[end:], details[:begin][::-1]):
            if (turn := _turn(part, rest)) is not None:
                return Quiet(tuple(details[begin:end]), tuple(turn))
    return None


def _new_while_still(stretch: Sequence[Detail]) -> float | None:
    pitch = [detail.mesh.pose.pitch for detail in stretch if detail.mesh is not None]
    poses = np.stack([_yaw(stretch), pitch], 1)
    if np.ptp(poses, 0).max() >= STILL or np.abs(poses[3:] - poses[:-3]).max() >= STILL_STEP:
        return None
    return new_appearance(tuple(stretch))


def _yaw(details: Sequence[Detail]) -> NDArray[np.float64]:
    return np.array([detail.mesh.pose.yaw for detail in details if detail.mesh is not None])


def _turn(details: Sequence[Detail], rest: float) -> Sequence[Detail] | None:
    """Return the first turn away from rest and back: played backwards if it does not come back within four seconds."""
    away = np.abs(_yaw(details) - rest)
    over = np.flatnonzero(away >= TURN[0])
    if not len(over):
        return None
    near = np.flatnonzero(away[: over[0]] < TURN[0] / 2)
    begin = int(near[-1]) if len(near) else 0
    part = away[begin : begin + TURN_FRAMES[1]]
    back = np.flatnonzero(part[over[0] - begin :] < TURN[0] / 2)
    count = int(over[0] - begin + back[0] + 1) if len(back) else len(part)
    if count < TURN_FRAMES[0] or float(part[:count].max()) > TURN[1]:
        return None
    turn = details[begin : begin + count]
    return turn if len(back) else [*turn, *turn[::-1]]


def _film(examined: Examined, still: Sequence[Detail], turn: Sequence[Detail]) -> Examined:
    """Return a film that waits, to and fro, and then turns; all else is as in the film itself."""
    step = float(np.median(np.diff([detail.time_s for detail in examined.readings.details])))
    waiting: list[Detail] = []
    while len(waiting) * step < WAITING_S:
        waiting += [*still, *still[::-1]]
    shown = [replace(detail, time_s=number * step) for number, detail in enumerate(waiting)]
    begin = len(waiting) * step + _GAP_S
    shown += [replace(detail, time_s=begin + number * step) for number, detail in enumerate(turn)]
    return replace(examined, readings=Readings(examined.readings.glances, tuple(shown)))


def _show(what: str, states: Counter[str]) -> None:
    shares = []
    for state in ("pass", "not_assessed", "fail"):
        found = rate(states[state], states.total())
        shares.append(f"{state} {states[state]} ({found.low:.1%}-{found.high:.1%})")
    print(f"{what}: n={states.total()}  {', '.join(shares)}")


if __name__ == "__main__":
    main()
