"""``certify agent`` for supervisors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from certify.approvals.actions import carry_out
from certify.config import Settings
from certify.doorstep.tablets import revoke_tablet
from certify.doorstep.watch import watch_agents
from certify.queue import NoQueue
from certify.service import Service
from tests.certify.cli.conftest import Command
from tests.certify.doorstep.conftest import make_round
from tests.certify.doorstep.test_watch import attest
from tests.conftest import Clock

pytestmark = pytest.mark.integration


Run = Callable[..., str]


@pytest.fixture
def run(command: Command, service: Service) -> Run:
    """Run ``certify agent`` on the database of the service; return what it printed."""
    assert isinstance(service.queue, NoQueue)
    assert Settings().data_dir == service.settings.data_dir
    return lambda *words: str(command("agent", *words).output)


def test_a_supervisor_looks_and_decides(run: Run, service: Service, clock: Clock, tmp_path: Path) -> None:
    agent = make_round(service, clock)
    assert "Nothing is held" in run("holds")
    attest(agent, 17)
    watch_agents(service)
    (hold,) = json.loads(run("holds", "--json"))
    assert hold["signals"][0]["signal"] == "alternatives"
    assert "A-17" in run("holds")
    page = tmp_path / "agents.html"
    run("integrity", "--html", str(page))
    assert "<svg" in page.read_text("utf-8")
    run("release", hold["id"])
    assert json.loads(run("holds", "--json")) == []


def test_a_cheat_is_confirmed(run: Run, service: Service, clock: Clock) -> None:
    agent = make_round(service, clock)
    attest(agent, 17)
    watch_agents(service)
    (hold,) = json.loads(run("holds", "--json"))
    run("confirm", hold["id"])
    assert "suspended" in run("list")


def test_a_refused_visit_is_shown_and_let_in(run: Run, service: Service, clock: Clock) -> None:
    agent = make_round(service, clock)
    assert "No visit was refused" in run("refused")
    clock.advance(timedelta(minutes=5))
    data = agent.visit(agent.enrol(), "not_found")
    with service.unit() as unit:
        revoke_tablet(unit, agent.tablet.id, officer="4711")
    row = agent.send(data)
    (found,) = json.loads(run("refused", "--json"))
    assert (found["id"], found["reason"]) == (str(row.id), "tablet_revoked")
    assert "tablet_revoked" in run("refused")
    why = ("--reason", "inquiry_done", "--text", "The tablet was revoked by mistake.", "--json")
    proposal = json.loads(run("admit", str(row.id), *why))
    assert proposal["state"] == "proposed"
    assert len(json.loads(run("refused", "--json"))) == 1, "one person alone lets nothing in"
    with service.unit() as unit:
        carry_out(unit, UUID(proposal["id"]), officer="idp|second")
    assert json.loads(run("refused", "--json")) == []
