"""Measure the check of repeated frames: what cameras do by themselves, and what an injected film does.

    python -m bench.injection --samples SAMPLES.csv --cache FOLDER [--seed 0]

The films are those of living people. Their small pictures, on which the check works, are changed: a dark start, a start
that stands still, one stall, several, a part that is frozen for a second, a loop, a part that is played backwards.
Repeated pictures differ a little, as after a second coding (0.03 grey levels); no film is coded again, so a coder at a
very low bitrate does worse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.living_films import living_films, options_parser
from models.liveness.assess import REPEATED_FROM
from models.liveness.injection import check_injection
from models.liveness.readings import Glance
from models.pipeline import FaceEngine
from models.statistics import rate
from models.weights.packs import PackStore, default_cache_dir

Thumbs = list[NDArray[np.float32]]
_RECODED = 0.03


def main() -> None:
    """Measure, and print the counts."""
    options = options_parser(__doc__).parse_args()
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    random = np.random.default_rng(options.seed)
    found: dict[str, Counter[str]] = {name: Counter() for name in CHANGES}
    for _, examined in living_films(options, engine):
        for name, change in CHANGES.items():
            changed = _changed(examined.readings.glances, change, random)
            found[name][check_injection(changed, repeated_from=REPEATED_FROM).state.value] += 1
    for name, states in found.items():
        shares = []
        for state in ("pass", "not_assessed", "fail"):
            one = rate(states[state], states.total())
            shares.append(f"{state} {states[state]} ({one.low:.1%}-{one.high:.1%})")
        print(f"{name:32} n={states.total()}  {', '.join(shares)}")


def _changed(
    glances: Sequence[Glance], change: Callable[[Thumbs, int], Thumbs], random: np.random.Generator
) -> tuple[Glance, ...]:
    """Change the pictures of a film; its times go on at the same rate."""
    step_s = float(np.median(np.diff([glance.time_s for glance in glances])))
    original = [glance.thumb for glance in glances]
    known: set[int] = set()
    made = []
    for index, thumb in enumerate(change(original, round(1 / step_s))):
        shown = thumb
        if id(thumb) in known:
            shown = thumb + random.normal(0, _RECODED, thumb.shape).astype(np.float32)
        known.add(id(thumb))
        made.append(replace(glances[min(index, len(glances) - 1)], time_s=index * step_s, thumb=shown))
    return tuple(made)


def _dark(thumbs: Thumbs, rate: int) -> Thumbs:
    return [np.zeros_like(thumbs[0])] * round(0.4 * rate) + thumbs


def _standing(thumbs: Thumbs, rate: int) -> Thumbs:
    return [thumbs[0]] * round(0.5 * rate) + thumbs


def _stall(thumbs: Thumbs, rate: int, *, at: float = 0.5, seconds: float = 0.4) -> Thumbs:
    """Show one picture again and again, and then go on where a camera would be by then."""
    begin, count = round(at * len(thumbs)), round(seconds * rate)
    return [*thumbs[:begin], *[thumbs[begin]] * count, *thumbs[begin + count :]]


def _stalls(thumbs: Thumbs, rate: int) -> Thumbs:
    return _stall(_stall(thumbs, rate, at=0.25), rate, at=0.7)


def _frozen(thumbs: Thumbs, rate: int) -> Thumbs:
    return _stall(thumbs, rate, seconds=1.0)


def _loop(thumbs: Thumbs, _: int) -> Thumbs:
    third = len(thumbs) // 3
    return [*thumbs[: 2 * third], *thumbs[third : 2 * third], *thumbs[2 * third :]]


def _backwards(thumbs: Thumbs, _: int) -> Thumbs:
    third = len(thumbs) // 3
    return [*thumbs[: 2 * third], *thumbs[2 * third - 1 : third : -1], *thumbs[2 * third :]]


CHANGES: dict[str, Callable[[Thumbs, int], Thumbs]] = {
    "as filmed": lambda thumbs, _: thumbs,
    "dark start of 0.4 s": _dark,
    "start that stands still, 0.5 s": _standing,
    "one stall of 0.4 s": _stall,
    "two stalls of 0.4 s": _stalls,
    "frozen for a second": _frozen,
    "loop of a third": _loop,
    "a third played backwards": _backwards,
}


if __name__ == "__main__":
    main()
