"""What every check returns: pass, fail or not assessed, the raw values behind it, and the code of its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.states import State


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of a capture.

    Attributes:
        name: of the check, stable.
        state: PASS speaks for a living person, FAIL against one; NOT_ASSESSED when it could not be told.
        values: the numbers it rests on, so that the verdict can be replayed and argued about.
        reason: code of what was found; empty when it passed.
    """

    name: str
    state: State
    values: Mapping[str, float | int | None] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; numbers rounded to six digits."""
        values = {key: round(value, 6) if isinstance(value, float) else value for key, value in self.values.items()}
        return {"name": self.name, "state": self.state.value, "values": values, "reason": self.reason}


def passed(name: str, **values: float | int | None) -> CheckResult:
    """Make a result that speaks for a living person."""
    return CheckResult(name, State.PASS, values)


def failed(name: str, reason: str, **values: float | int | None) -> CheckResult:
    """Make a result that speaks against one."""
    return CheckResult(name, State.FAIL, values, reason)


def open_question(name: str, reason: str, **values: float | int | None) -> CheckResult:
    """Make a result that says nothing."""
    return CheckResult(name, State.NOT_ASSESSED, values, reason)
