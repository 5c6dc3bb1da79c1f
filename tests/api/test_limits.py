"""Rate limits of requests and of sign-in attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.limits import DEVICE, PERSON, SignInLimits
from certify.service import Service

PHONE = "b1946ac92492d2347c6235b4d2611184"


@pytest.mark.integration
def test_the_rate_limit_says_how_long_to_wait(service: Service) -> None:
    limited = service.settings.model_copy(update={"rate_limit": "3/minute"})
    app = create_app(service=replace(service, settings=limited))
    with TestClient(app) as client:
        answers = [client.get("/v1/keys") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "too_many_requests"


def test_sign_in_attempts_are_limited_by_person_and_by_device() -> None:
    limits = SignInLimits(unlimited=False)
    many = int(PERSON.split("/")[0])
    assert [limits.hit(network=f"10.0.0.{n}", device=None, person=b"x") for n in range(many)] == [0] * many
    assert limits.hit(network="10.0.1.1", device=None, person=b"x") > 0
    assert limits.hit(network="10.0.1.1", device=None, person=b"y") == 0
    for n in range(int(DEVICE.split("/")[0])):
        limits.hit(network=f"10.1.0.{n}", device=PHONE, person=None)
    assert limits.hit(network="10.2.0.1", device=PHONE, person=None) > 0
