"""Measure the check of prompts: how often videos without prompts seem to follow a plan, and whether followers pass.

    python -m bench.prompts --videos FOLDER [--plans 400] [--seed 0]

Plans are drawn like those of the service and compared with each video from a random position on (short videos are
repeated). The followers are simulated: the motion of :mod:`fixtures.mesh`, without drawing it, at 6 and 10 frames/s.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from certify.capture.challenge import draw
from certify.domain.profile import Demand, Risk, choose
from fixtures import mesh
from models.face.blendshapes import INDEX, NAMES
from models.face.head_pose import HeadPose
from models.face.landmarks import MeshReading
from models.liveness.plan import Plan
from models.liveness.prompts import check_prompts
from models.liveness.readings import Detail, Glance, Readings
from models.media.video import VideoLimits
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

Seen = list[tuple[float, MeshReading]]


def main() -> None:
    """Measure, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True, help="folder of *.mp4")
    parser.add_argument("--plans", type=int, default=400, help="of each kind, for each video")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    videos: list[Seen] = []
    for path in track(sorted(options.videos.glob("*.mp4")), "videos"):
        readings = engine.observe(path.read_bytes(), VideoLimits(max_seconds=60, max_side_out=480))
        videos.append([(detail.time_s, detail.mesh) for detail in readings.followed if detail.mesh is not None])
    standard = choose([], 70, [], Risk())
    demands = {
        "standard": standard,
        "standard, three prompts": replace(standard, prompts=3),
        "gentle": choose(["tremor"], 70, [], Risk()),
    }
    table = Table("profile", "who", "n", "followed", "in part", "not")
    for name, demand in demands.items():
        chance = random.Random(options.seed)  # noqa: S311 - repeatable
        _row(table, name, "asked something else", _others(demand, videos, options.plans, chance))
        for rate in (6, 10):
            _row(table, name, f"follower, {rate} frames/s", _followers(demand, options.plans, rate, chance))
    Console(width=120).print(table)


def _others(demand: Demand, videos: list[Seen], plans: int, chance: random.Random) -> Counter[str]:
    found: Counter[str] = Counter()
    for video in videos:
        length = video[-1][0]
        for _ in range(plans):
            plan = draw(demand, chance.randbytes)
            start = chance.uniform(0, max(length - plan.seconds, 0.01))
            rounds = math.ceil((start + plan.seconds) / length) + 1
            moments = [(time_s + n * length - start, mesh) for n in range(rounds) for time_s, mesh in video]
            found[_state(plan, [(time_s, mesh) for time_s, mesh in moments if 0 <= time_s <= plan.seconds])] += 1
    return found


def _followers(demand: Demand, plans: int, rate: int, chance: random.Random) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in range(plans):
        plan = draw(demand, chance.randbytes)
        steps = [(step.prompt.value, step.from_s, step.to_s) for step in plan.steps]
        motion = mesh.motion_for(steps, seed=seed)
        times = [index / rate for index in range(int(plan.seconds * rate) + 1)]
        found[_state(plan, [(time_s, _reading(motion(time_s))) for time_s in times])] += 1
    return found


def _reading(face: mesh.Face) -> MeshReading:
    shapes = np.zeros(len(NAMES), np.float32)
    for name, value in (("eyeBlink", face.blink), ("mouthSmile", 0.7 * face.smile)):
        shapes[INDEX[f"{name}Left"]] = shapes[INDEX[f"{name}Right"]] = value
    shapes[INDEX["jawOpen"]] = 0.6 * face.jaw
    side = 200.0 * face.nearer
    pose = HeadPose(face.yaw, face.pitch, 0.0, np.eye(4))
    points = np.zeros((478, 3), np.float32)
    return MeshReading(points, 1.0, shapes, pose, side / 2.5, (100.0, 100.0, side, side), tracked=True)


def _state(plan: Plan, seen: Seen) -> str:
    details = tuple(Detail(n, time_s, None, mesh, None, None) for n, (time_s, mesh) in enumerate(seen))
    thumb = np.zeros((64, 64), np.float32)
    glances = tuple(Glance(detail.time_s, thumb, 0.0) for detail in details)
    return check_prompts(Readings(glances, details), plan).state.value


def _row(table: Table, profile: str, who: str, found: Counter[str]) -> None:
    total = found.total()
    shares = [f"{found[state]} ({found[state] / total:.1%})" for state in ("pass", "not_assessed", "fail")]
    table.add_row(profile, who, str(total), *shares)


if __name__ == "__main__":
    main()
