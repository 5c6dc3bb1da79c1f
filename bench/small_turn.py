"""Measure whether a small turn that is asked for lifts living people to a pass.

    python -m bench.small_turn --samples SAMPLES.csv --cache FOLDER [--most 24] [--seed 0]

Two ways, because the people in the films were asked nothing:

* *Films that turn.* A plan of one turn is laid over each film at every half second. Where the film follows it, the
  verdict of
  the film with that plan counts.
* *Made-up followers.* Each film of a person who was asked again because they hardly moved is drawn again: every frame
  is
  warped by the mesh of its face, as if the head turned when the plan says so. The expressions of the person stay. A
  warped frame shows no new side of the nose or cheek, so real turns give more new appearance than these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.progress import track

from bench.living_films import living_films, options_parser
from bench.make_attacks import read
from fixtures import mesh
from fixtures.faces import Picture
from fixtures.videos import encode
from models.evaluation.liveness_samples import Sample
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.examined import Examined
from models.liveness.fusion import CALM, LivenessReport
from models.liveness.plan import Plan, Profile, Prompt, Step
from models.liveness.prompts import check_prompts
from models.pipeline import FaceEngine
from models.states import State
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

TURNS = (Prompt.TURN_LEFT, Prompt.TURN_RIGHT)
_FROM, _WINDOW, _RATE = 1.5, 3.5, 12.0


def main() -> None:
    """Measure, and print the counts."""
    parser = options_parser(__doc__)
    parser.add_argument("--most", type=int, default=24, help="made-up followers at most")
    options = parser.parse_args()
    store = PackStore(default_cache_dir())
    engine = FaceEngine.load(store)
    turning, calm, films = Counter[str](), list[Sample](), 0
    for sample, examined in living_films(options, engine):
        films += 1
        if CALM in engine.judge(examined).reasons:
            calm.append(sample)
        plan = followed(examined)
        if plan is not None:
            turning[engine.judge(examined, plan).state.value] += 1
    _show("films that turn, with a plan that they follow", turning)
    faces, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))
    lifted, reasons = Counter[str](), Counter[str]()
    for number, sample in enumerate(track(calm[: options.most], "followers")):
        report = follower(sample, engine, faces, detector, seed=options.seed + number)
        lifted[report.state.value] += 1
        reasons.update(report.reasons)
    print(f"asked for a small turn: {len(calm)} of {films} films")
    _show("the same, drawn again with a turn", lifted)
    print(f"reasons: {dict(reasons)}")


def followed(examined: Examined) -> Plan | None:
    """Return a plan of one turn that the film follows; None if there is none."""
    for half_seconds in range(2, 2 * int(examined.readings.seconds - 1)):
        for prompt in TURNS:
            plan = _plan(prompt, half_seconds / 2)
            if check_prompts(examined.readings, plan).state is State.PASS:
                return plan
    return None


def follower(sample: Sample, engine: FaceEngine, faces: FaceMesh, detector: Detector, *, seed: int) -> LivenessReport:
    """Judge a film that is drawn again with a turn."""
    plan = _plan(TURNS[seed % 2], _FROM)
    frames, filmed = read(sample.file)
    steps = [(step.prompt.value, step.from_s, step.to_s) for step in plan.steps]
    motion = mesh.motion_for(steps, seed=seed)
    made = encode(_turned(frames, filmed, motion, faces, detector), codec="h264", rate=_RATE, quality=80)
    return engine.watch(made, plan).liveness


def _turned(
    frames: list[Picture], filmed: float, motion: mesh.Motion, faces: FaceMesh, detector: Detector
) -> Iterator[Picture]:
    """Warp frames of a film, twelve a second, as the motion turns the head; its other movements are left out."""
    tracker = faces.tracker()
    for index in range(int(len(frames) / filmed * _RATE)):
        frame = frames[min(round(index / _RATE * filmed), len(frames) - 1)]
        found = tracker.step(frame, detector.detect(frame) if tracker.lost else None)
        if found is None:
            yield frame
            continue
        face = motion(index / _RATE)
        yield mesh.MeshPuppet(frame, found.points).pose(mesh.Face(yaw=face.yaw, pitch=face.pitch))


def _plan(prompt: Prompt, from_s: float) -> Plan:
    return Plan(Profile.GENTLE, (Step(prompt, from_s, from_s + _WINDOW),), (), from_s + _WINDOW + 1)


def _show(what: str, states: Counter[str]) -> None:
    shares = []
    for state in ("pass", "not_assessed", "fail"):
        found = rate(states[state], states.total())
        shares.append(f"{state} {states[state]} ({found.low:.1%}-{found.high:.1%})")
    print(f"{what}: n={states.total()}  {', '.join(shares)}")


if __name__ == "__main__":
    main()
