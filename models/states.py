"""The three states of every measurement, and the three zones of a face comparison."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The outcome of a check. ``NOT_ASSESSED`` never counts as passed and is always shown as such."""

    PASS = "pass"  # noqa: S105 (a verdict, not a password)
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"


class Zone(StrEnum):
    """Where a likelihood ratio lies between the two thresholds of its calibration."""

    MATCH = "match"  # at or above the operating point
    NEAR = "near"  # between the two thresholds: one more capture can decide
    APART = "apart"  # below both
