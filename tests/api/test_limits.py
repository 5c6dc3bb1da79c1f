"""Rate limits of requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from certify.service import Service


@pytest.mark.integration
def test_the_rate_limit_says_how_long_to_wait(service: Service) -> None:
    limited = service.settings.model_copy(update={"rate_limit": "3/minute"})
    app = create_app(service=replace(service, settings=limited))
    with TestClient(app) as client:
        answers = [client.get("/v1/keys") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json()["code"] == "too_many_requests"


@pytest.mark.integration
def test_the_addresses_of_one_ipv6_network_are_one_caller(service: Service) -> None:
    limited = service.settings.model_copy(update={"rate_limit": "3/minute"})
    app = create_app(service=replace(service, settings=limited))
    with TestClient(app) as client:
        statuses = []
        for host in ("2001:db8::1", "2001:0DB8:0:0::2", "2001:db8:0:0:ffff::3", "2001:db8::4", "2001:db8:0:1::5"):
            client._transport.client = (host, 50000)  # type: ignore[attr-defined]  # as the server would report it
            statuses.append(client.get("/v1/keys").status_code)
    assert statuses == [200, 200, 200, 429, 200]
