"""Wishes for visits: recorded on the open visit, and taken back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from certify.doorstep.planning import Planned, plan_visits
from certify.doorstep.visits import ask_for_visit, cancel_visit
from certify.errors import NotFound
from certify.own.page import own_page
from certify.service import Service
from certify.storage.tables.decisions import ReviewCaseRow
from tests.certify.doorstep.plans import (
    agent,
    ask,
    events,
    in_days,
    people,
    tomorrow,
    visits,
)

pytestmark = pytest.mark.integration


def _plan(service: Service, days: int = 7) -> Planned:
    with service.unit() as unit:
        return plan_visits(unit, tomorrow(service), days)


def test_a_wish_is_added_to_the_open_visit(service: Service) -> None:
    ours = agent(service)
    (who,) = people(service, 1)
    (visit,) = ask(service, [who], "audit")
    with service.reading() as unit:
        assert own_page(unit, who).visit is None, "a visit for an audit is not shown before it has a day"
        with pytest.raises(NotFound):
            cancel_visit(unit, who)
    _plan(service)
    first = tomorrow(service)
    with service.reading() as unit:
        shown = own_page(unit, who).visit
    assert shown is not None
    assert (shown.wanted_on, shown.part) == (first, "morning")

    with service.unit() as unit:
        assert ask_for_visit(unit, who, on=in_days(service, 3), part="afternoon").id == visit
    row = visits(service)[visit]
    assert (row.state, row.agent_id, row.planned_on, row.place) == ("asked", None, None, None)
    assert (row.reason, row.wanted_on, row.part) == ("audit", in_days(service, 3), "afternoon")
    _plan(service)
    with service.unit() as unit:
        ask_for_visit(unit, who, on=in_days(service, 3), part="morning")
    row = visits(service)[visit]
    assert (row.state, row.agent_id, row.planned_on, row.part) == ("planned", ours, in_days(service, 3), "morning")

    with service.unit() as unit:
        cancel_visit(unit, who)
        ask_for_visit(unit, who, on=in_days(service, 5), part="afternoon", recognised=False)
    row = visits(service)[visit]
    assert (row.state, row.wanted_on, row.part) == ("planned", None, None), "it is still needed for the audit"
    assert events(service)[-1] == "visit_wish_withdrawn"
    with service.reading() as unit:
        assert unit.db.scalars(select(ReviewCaseRow)).all() == [], (
            "no case is opened for a visit that is planned already"
        )


def test_a_caller_who_was_not_recognised_changes_no_wish(service: Service) -> None:
    (who,) = people(service, 1)
    for day, recognised, wanted in ((9, False, 9), (4, True, 4), (9, False, 4)):
        with service.unit() as unit:
            row = ask_for_visit(unit, who, on=in_days(service, day), part="morning", recognised=recognised)
            assert row.wanted_on == in_days(service, wanted)


def test_a_visit_that_only_the_wish_needed_is_cancelled(service: Service) -> None:
    agent(service)
    (who,) = people(service, 1)
    with service.unit() as unit:
        first = ask_for_visit(unit, who, on=in_days(service, 3), part="morning").id
    with service.unit() as unit:
        assert ask_for_visit(unit, who, on=in_days(service, 4), part="morning").id == first
    _plan(service)
    with service.reading() as unit:
        shown = own_page(unit, who).visit
    assert shown is not None
    assert shown.wanted_on == in_days(service, 4)
    with service.unit() as unit:
        cancel_visit(unit, who)
    assert visits(service)[first].state == "cancelled"
    with service.reading() as unit:
        assert own_page(unit, who).visit is None
