"""The backlog of visits, in figures and as a page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certify.domain.states import AgentState
from certify.doorstep.agents import set_agent_state
from certify.doorstep.backlog import NO_AGENT, AreaLoad, DayLoad, backlog
from certify.doorstep.backlog_page import backlog_page
from certify.doorstep.planning import plan_visits
from certify.service import Service
from tests.certify.doorstep.plans import (
    agent,
    ask,
    people,
    tomorrow,
)
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def test_the_backlog_has_figures_and_a_page(service: Service, clock: Clock) -> None:
    agent(service, "A-1", area="1", capacity=2)
    away = agent(service, "A-2", area="11", capacity=9)
    agent(service, "A-3", area="<b>", capacity=1)
    with service.unit() as unit:
        set_agent_state(unit, away, AgentState.AWAY)
    ask(service, people(service, 5, region="11"), "overdue")
    clock.advance(timedelta(days=21))
    ask(service, people(service, 2, region="99", first=5), "audit")
    start = tomorrow(service)
    with service.unit() as unit:
        plan_visits(unit, start, 2)
    with service.reading() as unit:
        found = backlog(unit, start, 2)
        nothing = backlog(unit, start, 0)
    assert found.areas == [AreaLoad("1", 1, 4, 4), AreaLoad("<b>", 0, 0, 2), AreaLoad(NO_AGENT, 2, 0, 0)]
    assert found.days == [DayLoad(start, 2, 3), DayLoad(start + timedelta(days=1), 2, 3)]
    assert found.reasons == {"audit": 2, "overdue": 5}
    assert {name: number for name, number in found.waits.items() if number} == {"up to 1 week": 2, "2 to 4 weeks": 1}
    assert found.asked == 3
    page = backlog_page(found)
    assert page.count("<svg") == 4
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "src=" not in page
    assert "http" not in page
    assert "No agent works where 2 visits are needed" in page
    assert "no working day" in backlog_page(nothing)


def test_a_page_with_many_areas_groups_the_rest(service: Service) -> None:
    with service.reading() as unit:
        empty = backlog(unit, tomorrow(service), 3)
    areas = [AreaLoad(f"{number:03}", number, 1, 2) for number in range(60)]
    page = backlog_page(type(empty)(empty.as_of, empty.days, areas, {}, {}))
    assert "others" in page
    table = page[page.index("can be made</th>") :]
    assert table[: table.index("</table>")].count('<tr><th scope="row">') == 60
    assert page.index(">059<") < page.index(">000<"), "the worst area comes first"
