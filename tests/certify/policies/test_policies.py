"""Shipped policies agree with the shipped calibration: every threshold has its measurement."""

from __future__ import annotations

import pytest

from certify.policies import load_policies
from models.calibrate import load_calibration

FUSED = ("sface", "faceplugin")


@pytest.mark.parametrize("scheme", sorted(load_policies()))
def test_capture_thresholds_are_the_measured_operating_point(scheme: str) -> None:
    fit = load_calibration().fit_for(FUSED)
    assert fit is not None
    for rule in load_policies()[scheme].policy.capture.values():
        assert rule.embedders == len(FUSED), "the operating point was measured for both models together"
        assert rule.min_llr == fit.threshold


@pytest.mark.parametrize("scheme", sorted(load_policies()))
def test_no_sign_that_others_can_give_proves_life_alone(scheme: str) -> None:
    policy = load_policies()[scheme].policy
    assert policy.silent.min_body_present >= 1
    assert all(rule.justification for rule in policy.signs.values())
    bodily = min(r.weight for r in policy.signs.values() if r.body_present)
    assert bodily < policy.silent.threshold, "at least one bodily act alone is not enough to reach the threshold"
