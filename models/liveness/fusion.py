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
    """

    weight: float
    intercept: float
    low: float
    high: float

    def llr(self, value: float) -> float:
        """Return the clipped log10 likelihood ratio "bona fide presentation : species"."""
        return min(max(self.intercept + self.weight * value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Fusion:
    """The content of a parameter file.

    Attributes:
        text: the file itself.
        terms: species -> measure -> term.
        live_from: smallest sum that passes.
        attack_below: sums below it fail.
        details: the whole content of the file, for reports.
    """

    text: str
    terms: Mapping[str, Mapping[str, Term]]
    live_from: float
    attack_below: float
    details: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Return the hash of the text."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

    def ratios(self, measures: Mapping[str, float | None]) -> dict[str, float | None]:
        """Return the sum of log10 ratios by species; None for a species without any measure."""
        sums: dict[str, float | None] = {}
        for species, terms in self.terms.items():
            known = [term.llr(value) for name, term in terms.items() if (value := measures.get(name)) is not None]
            sums[species] = sum(known) if known else None
        return sums


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
DOUBTS = ("partly_followed", "too_short", "no_reflection", "unclear_light", "even_light")
"""Reasons of other checks, not assessed, that prevent a pass: the person should try again."""


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
            str(species): {
                str(name): Term(*(float(term[key]) for key in ("weight", "intercept", "low", "high")))
                for name, term in table.items()
            }
            for species, table in content["species"].items()
        }
        live_from, attack_below = float(content["live_from"]), float(content["attack_below"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestInvalid(f"This is not a liveness file: {error!r}") from error
    if content.get("format") != 1 or not terms or not all(terms.values()) or attack_below > live_from:
        raise ManifestInvalid("This is not a liveness file of format 1")
    return Fusion(text, terms, live_from, attack_below, content)
