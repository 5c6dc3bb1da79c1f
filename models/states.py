"""The three states of every measurement."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The outcome of a check. ``NOT_ASSESSED`` never counts as passed and is always shown as such."""

    PASS = "pass"  # noqa: S105 (a verdict, not a password)
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"
