"""Fuse measures and checks to one verdict: a bona fide presentation, or an attack of a known PAI species.

For each species, the measures that can tell it from a bona fide presentation give a log10 likelihood ratio each
(logistic regression on one measure at a time, prior removed, clipped to what the training data support). The ratios are
added. A bona fide presentation must differ from *every* species, so the smallest sum decides: an attack cannot
compensate a failing measure with one that does not concern it. Between the two thresholds the state is *not assessed*.

If a check failed by itself (a second face, another person, prompts not followed), the capture fails for any sums.
Parameters, data and thresholds are in ``liveness.toml``; ``bench/fit_liveness.py`` makes it.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ManifestInvalid
from models.liveness.checks import CheckResult
from models.states import State

SHIPPED = Path(__file__).with_name("liveness.toml")


@dataclass(frozen=True, slots=True)
class Term:
    """The likelihood ratio of one measure, bona fide presentation against one species.

    Attributes:
        weight: log10 units per unit of the measure.
        intercept: log10 units at 0.
        low: smallest log10 ratio.
        high: largest log10 ratio; small if the absence of a sign proves little (no pixel grid is not a proof of life).
        absent: log10 ratio if the measure could not be taken, though others of the species were; None counts nothing.
    """

    weight: float
    intercept: float
    low: float
    high: float
    absent: float | None = None

    def llr(self, value: float) -> float:
        """Return the clipped log10 likelihood ratio "bona fide presentation : species"."""
        return min(max(self.intercept + self.weight * value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Calm:
    """What is asked of a person who hardly moved (docs/decisions/0031).

    The measures of a moving body say little about a body that does not move: a calm person looks like a picture. So
    these measures together count no lower than a floor, unless the head turned. The floor only turns a failure into a
    question; it never makes a pass.

    Attributes:
        measures: the measures that need motion.
        floor: smallest log10 ratio of their sum.
        turned_from: degrees of yaw or pitch from which they count in full.
    """

    measures: tuple[str, ...]
    floor: float
    turned_from: float


@dataclass(frozen=True, slots=True)
class Fusion:
    """The content of a parameter file.

    Attributes:
        text: the file itself.
        terms: species -> measure -> term.
        live_from: smallest sum that passes.
        attack_below: sums below it fail.
        details: the whole content of the file, for reports.
        calm: the rule for people who hardly move; None in files of format 1.
    """

    text: str
    terms: Mapping[str, Mapping[str, Term]]
    live_from: float
    attack_below: float
    details: Mapping[str, Any]
    calm: Calm | None = None

    @property
    def sha256(self) -> str:
        """Return the hash of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def ratios(self, measures: Mapping[str, float | None]) -> dict[str, float | None]:
        """Return the sum of log10 ratios by species, with the floor for people who hardly moved.

        A species without any measure has None.
        """
        return {species: self._sum(terms, measures, self.held(measures)) for species, terms in self.terms.items()}

    def unmoved(self, measures: Mapping[str, float | None]) -> tuple[str, ...]:
        """Return the species that do not pass because the person hardly moved; a turn of the head may help."""
        held = self.held(measures)
        found = []
        for species, terms in self.terms.items():
            bare = self._sum(terms, measures, ())
            known = [
                terms[name].llr(value) for name in held if name in terms and (value := measures.get(name)) is not None
            ]
            if bare is not None and bare < self.live_from and known and sum(known) < self.live_from:
                found.append(species)
        return tuple(found)

    def too_small(self, measures: Mapping[str, float | None]) -> bool:
        """Return whether a species does not pass for want of a measure that needs a large face; coming closer helps."""
        for terms in self.terms.values():
            total = self._sum(terms, measures, ())
            absent = any(term.absent is not None and measures.get(name) is None for name, term in terms.items())
            if absent and total is not None and total < self.live_from:
                return True
        return False

    def held(self, measures: Mapping[str, float | None]) -> tuple[str, ...]:
        """Return the measures whose sum has a floor in this capture: none if the head turned far enough."""
        turned = measures.get("turned")
        if self.calm is None or (turned is not None and turned >= self.calm.turned_from):
            return ()
        return self.calm.measures

    def _sum(
        self, terms: Mapping[str, Term], measures: Mapping[str, float | None], held: tuple[str, ...]
    ) -> float | None:
        known = {name: term.llr(value) for name, term in terms.items() if (value := measures.get(name)) is not None}
        if not known:
            return None
        absent = sum(term.absent for name, term in terms.items() if name not in known and term.absent is not None)
        total = sum(known.values()) + absent
        if self.calm is None or not any(name in held for name in known):
            return total
        motion = sum(value for name, value in known.items() if name in held)
        return total - motion + max(motion, self.calm.floor)


@dataclass(frozen=True, slots=True)
class LivenessReport:
    """The verdict of one capture, and everything behind it.

    Attributes:
        state: PASS: a bona fide presentation; FAIL: an attack; NOT_ASSESSED: the person should try again.
        llr: smallest log10 likelihood ratio over the species; None if a species has no ratio.
        ratios: log10 likelihood ratio by species.
        measures: raw value by measure.
        checks: all checks, each with its own state and reason.
        reasons: codes, most important first; empty if it passed.
        parameters_sha256: hash of the parameter file.
    """

    state: State
    llr: float | None
    ratios: Mapping[str, float | None]
    measures: Mapping[str, float | None]
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    parameters_sha256: str

    @property
    def only_light_unclear(self) -> bool:
        """Tell whether nothing kept the capture from passing but that the screen's light could not be seen clearly."""
        return self.state is State.NOT_ASSESSED and bool(self.reasons) and set(self.reasons) <= set(LIGHT_UNCLEAR)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for storage and replay."""
        return {
            "state": self.state.value,
            "llr": self.llr,
            "ratios": dict(self.ratios),
            "measures": dict(self.measures),
            "checks": [check.to_json() for check in self.checks],
            "reasons": list(self.reasons),
            "parameters_sha256": self.parameters_sha256,
        }


def judge(fusion: Fusion, measures: Mapping[str, float | None], checks: Sequence[CheckResult]) -> LivenessReport:
    """Fuse measures and checks. Pure: the same numbers always give the same verdict.

    What was not assessed never counts as passed. The capture passes only if the checks of ``REQUIRED`` passed, the
    measures of ``NEEDED`` were taken, all prompts were followed, and every species is ruled out.

    Args:
        fusion: the fitted parameters.
        measures: raw value by measure; None for a measure that could not be taken.
        checks: the results of all checks.
    """
    ratios = fusion.ratios(measures)
    known = [value for value in ratios.values() if value is not None]
    llr = min(known) if len(known) == len(ratios) and known else None
    failures = [check.reason for check in checks if check.state is State.FAIL]
    by_name = {check.name: check for check in checks}
    open_questions = [
        check.reason
        for check in checks
        if check.state is State.NOT_ASSESSED
        and check.name not in SUPPORTING
        and (check.name in REQUIRED or check.reason in DOUBTS)
    ]
    if fusion.unmoved(measures):
        open_questions.append(CALM)
    if fusion.too_small(measures):
        open_questions.append(SMALL)
    absent = [f"{name}_missing" for name in REQUIRED if name not in by_name]
    absent += [f"{name}_not_measured" for name in NEEDED if measures.get(name) is None]
    lowest = min(ratios, key=lambda species: math.inf if ratios[species] is None else float(ratios[species] or 0.0))
    if failures or (llr is not None and llr < fusion.attack_below):
        state = State.FAIL
        reasons = [*failures, *([f"like_{lowest}"] if llr is not None and llr < fusion.attack_below else [])]
    elif llr is None or llr < fusion.live_from or open_questions or absent:
        state = State.NOT_ASSESSED
        reasons = [
            *open_questions,
            *absent,
            *([f"maybe_{lowest}"] if llr is not None and llr < fusion.live_from else []),
        ]
    else:
        state, reasons = State.PASS, []
    return LivenessReport(
        state, llr, ratios, dict(measures), tuple(checks), tuple(dict.fromkeys(reasons)), fusion.sha256
    )


REQUIRED = ("presence", "injection")
"""Checks without which a capture cannot pass."""
NEEDED = ("planarity", "appearance", "passive")
"""Measures without which a capture cannot pass."""
SUPPORTING = ("pulse",)
"""Checks that never prevent a verdict."""
CALM = "moved_too_little"
"""The reason of a capture in which the head moved too little to tell a person from a picture: ask for a small turn."""
SMALL = "face_too_small"
"""The reason of a capture in which the face is too small for the measures of a screen: ask to come closer."""
DOUBTS = (
    "partly_followed",
    "too_short",
    "no_reflection",
    "unclear_light",
    "even_light",
    "only_face_lit",
    "shading_unclear",
    "flat_approach",
    "command_not_shown",
    "small_approach",
    "closer_not_seen",
    "perhaps_another_person",
    "clock_drifts",
    "camera_contradicts",
    "perhaps_a_device",
)
"""Reasons of other checks, not assessed, that prevent a pass: the person should try again."""

LIGHT_UNCLEAR = ("no_reflection", "unclear_light", "shading_unclear")
"""Doubts that come from a bright room, a window or a moving head as well, and show no tint: a tint is even, or lies on
the face alone."""


def load_fusion(path: Path = SHIPPED) -> Fusion:
    """Read a parameter file.

    Raises:
        ManifestInvalid: the file is absent or breaks the format (``manifest_invalid``).
    """
    try:
        return parse_fusion(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} is not a liveness file: {error!r}") from error


def parse_fusion(text: str) -> Fusion:
    """Read the text of a parameter file.

    Raises:
        ManifestInvalid: the text breaks the format (``manifest_invalid``).
    """
    try:
        content = tomllib.loads(text)
        terms = {
            str(species): {str(name): _term(term) for name, term in table.items()}
            for species, table in content["species"].items()
        }
        live_from, attack_below = float(content["live_from"]), float(content["attack_below"])
        calm = _calm(content["calm"]) if content.get("format") == _FORMATS[-1] else None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestInvalid(f"This is not a liveness file: {error!r}") from error
    if content.get("format") not in _FORMATS or not terms or not all(terms.values()) or attack_below > live_from:
        raise ManifestInvalid(f"This is not a liveness file of format {_FORMATS[0]} or {_FORMATS[-1]}")
    if calm is not None and not attack_below <= calm.floor < live_from:
        raise ManifestInvalid("The floor of the table calm must neither fail nor pass a capture by itself")
    return Fusion(text, terms, live_from, attack_below, content, calm)


_FORMATS = (1, 2)
"""Format 2 has the table ``calm``. Format 1 is read as well: verdicts of earlier releases are replayed with it."""


def _term(table: Mapping[str, Any]) -> Term:
    absent = table.get("absent")
    weight, intercept, low, high = (float(table[key]) for key in ("weight", "intercept", "low", "high"))
    return Term(weight, intercept, low, high, None if absent is None else float(absent))


def _calm(table: Mapping[str, Any]) -> Calm:
    return Calm(tuple(map(str, table["measures"])), float(table["floor"]), float(table["turned_from"]))
