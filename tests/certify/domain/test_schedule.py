"""Calendar arithmetic: months, days, ages, dates in time zones, and the phases of a timetable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.schedule import Phase, add_days, add_months, age_on, latest_date, local_date, timetable

LEAP = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (LEAP, 12, date(2025, 2, 28)),
        (LEAP, 48, date(2028, 2, 29)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(2025, 1, 15), -12, date(2024, 1, 15)),
        (date.max, 1, date.max),
        (date.min, -1, date.min),
    ],
)
def test_months_end_on_the_day_or_the_months_last(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@given(st.dates(), st.dates(), st.integers(-15_000, 15_000))
def test_adding_months_keeps_the_order_of_days(one: date, other: date, months: int) -> None:
    early, late = sorted((one, other))
    assert add_months(early, months) <= add_months(late, months)


@given(st.dates(date(1000, 1, 1), date(9000, 1, 1)), st.integers(0, 36))
def test_months_later_is_that_many_months_later(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later + timedelta(1)).day == 1


@given(st.dates(), st.integers(-10_000_000, 10_000_000))
def test_adding_days_is_total(day: date, days: int) -> None:
    exact = day.toordinal() + days
    assert add_days(day, days).toordinal() == min(max(exact, 1), date.max.toordinal())


@pytest.mark.parametrize(
    ("instant", "zone", "expected"),
    [
        (datetime(2026, 6, 1, 23, 30, tzinfo=UTC), "Asia/Shanghai", date(2026, 6, 2)),
        (datetime(2026, 6, 1, 15, 59, 59, tzinfo=UTC), "Asia/Shanghai", date(2026, 6, 1)),
        (datetime(2026, 6, 1, 16, tzinfo=UTC), "Asia/Shanghai", date(2026, 6, 2)),
        (datetime(2026, 6, 1, 3, tzinfo=UTC), "America/Los_Angeles", date(2026, 5, 31)),
        (datetime(2026, 6, 2, 1, tzinfo=timezone(timedelta(hours=8))), "UTC", date(2026, 6, 1)),
        (datetime.max.replace(tzinfo=UTC), "Asia/Shanghai", date.max),
        (datetime.min.replace(tzinfo=UTC), "America/Los_Angeles", date.min),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=9))), "UTC", date.min),
    ],
)
def test_an_instant_has_the_date_of_the_scheme(instant: datetime, zone: str, expected: date) -> None:
    assert local_date(instant, zone) == expected


def test_an_instant_without_zone_has_no_date() -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_date(datetime(2026, 6, 1), "UTC")  # noqa: DTZ001 - the naive instant that is refused


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(1946, 6, 1), date(2026, 5, 31), 79),
        (date(1946, 6, 1), date(2026, 6, 1), 80),
        (date(1944, 2, 29), date(2025, 2, 28), 80),
        (date(1944, 2, 29), date(2025, 3, 1), 81),
        (date(1944, 2, 29), date(2024, 2, 29), 80),
    ],
)
def test_age_in_completed_years(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


def test_the_latest_date_is_that_of_the_first_island_to_see_it() -> None:
    assert latest_date(datetime(2026, 6, 1, 9, 59, tzinfo=UTC)) == date(2026, 6, 1)
    assert latest_date(datetime(2026, 6, 1, 10, 0, tzinfo=UTC)) == date(2026, 6, 2)


def test_every_bound_of_a_timetable_is_inclusive() -> None:
    table = timetable(date(2026, 6, 1), window_days=90, grace_days=60)
    assert (table.window_from, table.grace_until) == (date(2026, 3, 3), date(2026, 7, 31))
    phases = {
        date(2026, 3, 2): Phase.EARLY,
        date(2026, 3, 3): Phase.WINDOW,
        date(2026, 6, 1): Phase.WINDOW,
        date(2026, 6, 2): Phase.GRACE,
        date(2026, 7, 31): Phase.GRACE,
        date(2026, 8, 1): Phase.OVERDUE,
    }
    assert {day: table.phase(day) for day in phases} == phases


@given(st.dates(), st.integers(0, 366), st.integers(0, 366), st.dates(), st.dates())
def test_phases_only_fall_as_time_passes(due: date, window: int, grace: int, one: date, other: date) -> None:
    table = timetable(due, window_days=window, grace_days=grace)
    early, late = sorted((one, other))
    assert table.phase(late) <= table.phase(early)
    assert table.window_from <= table.due_on <= table.grace_until
