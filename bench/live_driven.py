"""Measure what a puppet or swap that is driven live passes, challenge by challenge, and whom the challenges ask again.

    python -m bench.live_driven --samples SAMPLES.csv [--most 30] [--skip 0] [--seed 0]

One film of each person. *Driven* are the puppets and swaps of the samples. They are taken to follow every prompt, as a
program does that passes the movements of a real person on: prompts alone stop none of them. *Followers* are the films
of living people, who were asked nothing and mostly speak; people who follow a prompt move less.

People whose head ranges over less than ten degrees are counted a second time as *calm*: those who look at the screen
while it shows colours are more like them.

* **Light**: the followers are lit by a screen (fixtures/light.py), at three strengths. The driven films are lit by no
  screen. The best of five answers of a program is counted for each: nothing, or a tint of the picture, of an oval over
  the face, or of the person, each multiplied or mixed in at the right moments.
* **Closer**: the followers are drawn again with true perspective from 44 cm and 60 cm, the driven films are enlarged.
* **Commands**: a camera darkens or zooms with a delay; a program ignores the command, or imitates it at once. A program
  that says that its camera has no such setting is given none, so the best answer of a program always passes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import cv2
import numpy as np
from rich.progress import track

from bench.driven_closer import clips, judged_closer
from bench.driven_light import RATE, Clip, Lamp, judged_light
from bench.living_films import options_parser
from bench.make_attacks import read
from certify.capture.challenge import draw
from certify.domain.profile import Risk, choose
from fixtures.light import Tint
from models.evaluation.liveness_samples import ATTACK, LIVE, Sample, read_samples
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.liveness.commands import check_commands
from models.liveness.plan import Command, CommandKind, Plan, Profile
from models.liveness.readings import THUMB, Glance, Readings
from models.states import State
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

LIGHTS = {f"light {strength}": Lamp(strength) for strength in (0.3, 0.2, 0.1)}
BRIGHT = {"light: none": Lamp(0.0)}
"""A room that is too bright: nothing is seen of the screen."""
TINTS = {
    "light: none": Lamp(0.0),
    "light: picture": Lamp(0.15, Tint("picture")),
    "light: oval": Lamp(0.15, Tint("oval")),
    "light: person": Lamp(0.15, Tint("person")),
    "light: oval, mixed in": Lamp(0.15, Tint("oval", blend=True)),
    "light: person, mixed in": Lamp(0.15, Tint("person", blend=True)),
    "light: person, 0.9 s late": Lamp(0.15, Tint("person"), delay=0.9),
}
_CALM = 10.0
GROWTH = 1.5
DISTANCES = {"closer from 44 cm": 7.0, "closer from 60 cm": 9.5}


def main() -> None:
    """Measure, and print the counts."""
    parser = options_parser(__doc__)
    parser.add_argument("--most", type=int, default=30, help="people, and driven films, at most")
    parser.add_argument("--skip", type=int, default=0, help="people left out, because limits were chosen on them")
    options = parser.parse_args()
    store = PackStore(default_cache_dir())
    faces, detector = FaceMesh.load(store), Detector(load_network(store, "yunet"))
    for label, title in ((LIVE, "followers"), (ATTACK, "driven live")):
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        samples = _one_each(read_samples(options.samples)[1], label)[options.skip :][: options.most]
        for number, sample in enumerate(track(samples, title)):
            for clip in clips(*read(sample.file), faces, detector):
                seed = options.seed + options.skip + number
                for name, reason in _judged(clip, label, faces, detector, seed):
                    counts[name][reason] += 1
                    if label == LIVE and _is_calm(clip):
                        counts[f"calm, {name}"][reason] += 1
        print(f"{title}: {len(samples)} films")
        for name, reasons in counts.items():
            share = rate(reasons["pass"], reasons.total())
            print(f"  {name:28} pass {reasons['pass']} of {reasons.total()} ({share.low:.1%}-{share.high:.1%})")
            print(f"  {'':28} {dict(reasons)}")


def _one_each(samples: list[Sample] | tuple[Sample, ...], label: str) -> list[Sample]:
    """Return one film of each person, in the order of people's names."""
    first: dict[str, Sample] = {}
    for sample in samples:
        if sample.label == label and not sample.image:
            first.setdefault(sample.person, sample)
    return [first[person] for person in sorted(first)]


def _is_calm(clip: Clip) -> bool:
    """Return whether the head ranges over less than ten degrees, as that of a person who looks at the screen."""
    poses = [(mesh.pose.yaw, mesh.pose.pitch) for mesh in clip.meshes if mesh is not None]
    return bool(np.ptp(np.array(poses), 0).max() < _CALM)


def _judged(clip: Clip, label: str, faces: FaceMesh, detector: Detector, seed: int) -> Iterator[tuple[str, str]]:
    """Yield each challenge with ``pass`` or the reason for asking again; at the end all challenges together."""
    plan, other = _light_plan(seed), _light_plan(seed + 10_000)
    living = label == LIVE
    outcomes: dict[str, str] = {}
    for name, lamp in (LIGHTS | BRIGHT if living else TINTS).items():
        found = judged_light(clip, plan, other, lamp, seed)
        outcomes[name] = "pass" if found.state is State.PASS else found.reason
    for name, distance in (DISTANCES if living else {"closer: enlarged": None}).items():
        closer = judged_closer(clip, faces, detector, growth=GROWTH, distance=distance, seed=seed)
        # An unclear perspective has no effect; the other reasons ask again.
        clear = closer is not None and closer.reason in ("", "unclear_perspective")
        outcomes[name] = "pass" if clear or closer is None else closer.reason
    for kind in CommandKind:
        for how in ("obeyed",) if living else ("ignored", "imitated"):
            found = check_commands(_commanded(clip, kind, how, seed), _COMMANDED[kind], (kind.value,))
            outcomes[f"{kind.value} {how}"] = "pass" if found.state is State.PASS else found.reason
    yield from outcomes.items()
    if living:
        for name in LIGHTS:
            rest = [outcomes[key] for key in ("closer from 44 cm", "exposure obeyed")]
            yield f"all, with {name}", "pass" if {outcomes[name], *rest} == {"pass"} else "asked"
    else:
        best = any(outcomes[name] == "pass" for name in TINTS)
        yield "light: the best of these", "pass" if best else "asked"
        yield "all, no such command", "pass" if best and outcomes["closer: enlarged"] == "pass" else "asked"


def _light_plan(seed: int) -> Plan:
    random = np.random.default_rng(seed)
    return draw(choose([], 70, [], Risk(new_device=True)), random.bytes)


_FROM, _TO = 2.0, 3.3
_COMMANDED = {kind: Plan(Profile.LIGHT, (), (), 5.0, commands=(Command(kind, _FROM, _TO),)) for kind in CommandKind}


def _commanded(clip: Clip, kind: CommandKind, how: str, seed: int) -> Readings:
    """Return the small pictures of a film whose camera obeys (after 0.1 to 0.4 s), or whose program does not."""
    random = np.random.default_rng(seed)
    delay = 0.0 if how == "imitated" else float(random.uniform(0.1, 0.4))
    glances = []
    for index, frame in enumerate(clip.frames):
        time_s = index / RATE
        grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
        if how != "ignored" and _FROM + delay <= time_s < _TO + delay:
            if kind is CommandKind.EXPOSURE:
                grey *= np.float32(2 ** (-1.5 / 2.2))
            else:
                height, width = grey.shape
                matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, 1.3)
                grey = np.asarray(cv2.warpAffine(grey, matrix, (width, height)), np.float32)
        thumb = cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA)
        glances.append(Glance(time_s, np.asarray(thumb, np.float32), 1.0))
    return Readings(tuple(glances), ())


if __name__ == "__main__":
    main()
