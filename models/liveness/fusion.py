"""From checks to one verdict: a living person, or one of the attacks we know.

For each species of attack the measures that can tell it from a living person give a log10 likelihood ratio (logistic
regression on one measure at a time, prior removed, clipped to what the training data support), and these are added. A
living person must be told from *every* species, so the verdict rests on the smallest sum: an attack cannot make up for
a failing measure with one that does not concern it. Between the two thresholds the verdict abstains.

Checks that failed outright (a second face, a swap of the person, prompts not followed) fail the capture whatever the
sums say. Parameters, data and thresholds: ``liveness.toml``, made by ``bench/fit_liveness.py``.
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
    """Likelihood ratio of one measure against one species.

    Attributes:
        weight: log10 units per unit of the measure.
        intercept: log10 units at 0.
        low: smallest ratio that is claimed.
        high: largest; small where the absence of a sign says little (no pixel grid is no proof of life).
    """

    weight: float
    intercept: float
    low: float
    high: float

    def llr(self, value: float) -> float:
        """Clipped log10 likelihood ratio "living person : species"."""
        return min(max(self.intercept + self.weight * value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Fusion:
    """The content of a parameter file.

    Attributes:
        text: the file itself.
        terms: species -> measure -> term.
        live_from: smallest sum that passes.
        attack_below: sums below it fail.
        details: everything else in the file, for reports.
    """

    text: str
    terms: Mapping[str, Mapping[str, Term]]
    live_from: float
    attack_below: float
    details: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def ratios(self, measures: Mapping[str, float | None]) -> dict[str, float | None]:
        """Sum by species; None for a species of which not one measure could be taken."""
        found: dict[str, float | None] = {}
        for species, terms in self.terms.items():
            known = [term.llr(value) for name, term in terms.items() if (value := measures.get(name)) is not None]
            found[species] = sum(known) if known else None
        return found


@dataclass(frozen=True, slots=True)
class LivenessReport:
    """The verdict of one capture, and everything it rests on.

    Attributes:
        state: PASS: a living person; FAIL: an attack; NOT_ASSESSED: try again, perhaps another way.
        llr: smallest log10 likelihood ratio over the species; None when one could not be told at all.
        ratios: by species.
        measures: the raw values.
        checks: each with its own state and reason.
        reasons: codes, most important first; empty when it passed.
        parameters_sha256: of the parameter file.
    """

    state: State
    llr: float | None
    ratios: Mapping[str, float | None]
    measures: Mapping[str, float | None]
    checks: tuple[CheckResult, ...]
    reasons: tuple[str, ...]
    parameters_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for storage and replay."""
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
    """Fuse measures and checks. Pure: the same numbers give the same verdict for ever.

    What was not assessed never counts as passed: the capture passes only when the checks of ``REQUIRED`` passed, the
    measures of ``NEEDED`` were taken, prompts that were asked were followed, and every species is ruled out.
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
"""Checks that must have passed before anybody is declared alive."""
NEEDED = ("planarity", "appearance", "passive")
"""Measures that must have been taken."""
SUPPORTING = ("pulse",)
"""Checks that never hold a verdict back."""
DOUBTS = ("partly_followed", "too_short", "no_reflection", "unclear_light", "even_light")
"""Open questions of other checks that hold a verdict back: the person shall try again."""


def load_fusion(path: Path = SHIPPED) -> Fusion:
    """Read a parameter file.

    Raises:
        ManifestInvalid: absent, or not of the format.
    """
    try:
        return parse_fusion(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} is no liveness file: {error!r}") from error


def parse_fusion(text: str) -> Fusion:
    """Read the text of a parameter file.

    Raises:
        ManifestInvalid: not of the format.
    """
    try:
        content = tomllib.loads(text)
        terms = {
            str(species): {
                str(name): Term(*(float(term[key]) for key in ("weight", "intercept", "low", "high")))
                for name, term in table.items()
            }
            for species, table in content["species"].items()
        }
        live_from, attack_below = float(content["live_from"]), float(content["attack_below"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestInvalid(f"This is no liveness file: {error!r}") from error
    if content.get("format") != 1 or not terms or not all(terms.values()) or attack_below > live_from:
        raise ManifestInvalid("This is no liveness file of format 1")
    return Fusion(text, terms, live_from, attack_below, content)
