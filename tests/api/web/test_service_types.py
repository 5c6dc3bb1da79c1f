"""The scripts of the apps are checked against the interface of the service as it is now."""

from __future__ import annotations

from tests.api.web.service_types import FILE, current


def test_the_types_of_the_scripts_are_those_of_the_interface() -> None:
    assert FILE.read_text() == current(), "the interface has changed: run `make types`, then `make lint`"
