"""Shipped policies agree with the shipped calibration: every threshold has its measurement."""

from __future__ import annotations

import pytest

from certify.domain.policy import ZoneRule
from certify.policies import load_policies
from models.calibrate import load_calibration

FUSED = ("sface", "faceplugin")


@pytest.mark.parametrize("scheme", sorted(load_policies()))
def test_the_thresholds_are_those_of_the_calibration(scheme: str) -> None:
    fit = load_calibration().fit_for(FUSED)
    assert fit is not None
    assert fit.near < fit.threshold, "the calibration has a middle zone"
    for rule in load_policies()[scheme].policy.capture.values():
        assert rule.embedders == len(FUSED), "the operating point was measured for both models together"
        assert rule.min_llr is None, "the threshold belongs to the weights, not to the policy"
        assert (rule.near, rule.apart) == (ZoneRule.ASK, ZoneRule.OFFICER)


@pytest.mark.parametrize("scheme", sorted(load_policies()))
def test_no_sign_that_others_can_give_proves_life_alone(scheme: str) -> None:
    policy = load_policies()[scheme].policy
    assert policy.silent.min_body_present >= 1
    assert all(rule.justification for rule in policy.signs.values())
    bodily = min(r.weight for r in policy.signs.values() if r.body_present)
    assert bodily < policy.silent.threshold, "at least one bodily act alone is not enough to reach the threshold"
