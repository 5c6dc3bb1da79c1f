"""The result of a liveness check: pass, fail or not assessed, its raw values, and the code of its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.states import State


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of a capture.

    Attributes:
        name: name of the check, stable.
        state: PASS speaks for a bona fide presentation, FAIL against one; NOT_ASSESSED if the check cannot decide.
        values: the numbers behind the state, so that the verdict can be replayed and reviewed.
        reason: code of the finding; empty if it passed.
    """

    name: str
    state: State
    values: Mapping[str, float | int | None] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; numbers are rounded to six digits."""
        values = {key: round(value, 6) if isinstance(value, float) else value for key, value in self.values.items()}
        return {"name": self.name, "state": self.state.value, "values": values, "reason": self.reason}


def passed(name: str, **values: float | int | None) -> CheckResult:
    """Make a result that speaks for a bona fide presentation."""
    return CheckResult(name, State.PASS, values)


def failed(name: str, reason: str, **values: float | int | None) -> CheckResult:
    """Make a result that speaks against a bona fide presentation."""
    return CheckResult(name, State.FAIL, values, reason)


def not_assessed(name: str, reason: str, **values: float | int | None) -> CheckResult:
    """Make a result that does not decide."""
    return CheckResult(name, State.NOT_ASSESSED, values, reason)
