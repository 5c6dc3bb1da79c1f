"""Dates as registries write them: calendars, orders, names of months, missing days. None is ever guessed."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from certify.registry.feeds.date_columns import DAYS, map_dates
from certify.registry.feeds.file_layout import Dates
from certify.registry.feeds.written_dates import Problem, read_written

TODAY = date(2026, 11, 24)


def _read(text: str, order: str | None = None, pivot: int | None = None, **dates: object) -> tuple[object, ...]:
    read = read_written(text, Dates.model_validate(dates), order=order, pivot=pivot)
    return read.first, read.last, read.precision


DAY = date(1950, 3, 2)


@pytest.mark.parametrize(
    ("text", "order", "pivot", "dates"),
    [
        ("1950-03-02", None, None, {}),
        ("1950-03-02T10:15:00Z", None, None, {}),
        ("1950/3/2 00:00", None, None, {}),
        ("19500302", None, None, {}),
        ("19500302101500", None, None, {}),
        ("195003021015", None, None, {}),
        ("19500302T101500Z", None, None, {}),
        ("19500302101500.250-0500", None, None, {}),
        ("19500302", "mdy", None, {}),  # beginning with the year, in a feed that writes the month first
        ("03021950", "mdy", None, {}),
        ("02031950", "dmy", None, {}),
        ("02.03.1950", "dmy", None, {}),
        ("3/2/1950", "mdy", None, {}),
        ("02/03/50", "dmy", 30, {}),
        ("020350", "dmy", 30, {}),
        ("500302", None, 30, {}),
        ("02-MAR-1950", None, None, {}),
        ("02-MAR-50", None, 30, {}),
        ("March 2nd, 1950", None, None, {}),
        ("2 de março de 1950", None, None, {}),
        ("2 de marzo de 1950", None, None, {}),
        ("2 mars 1950", None, None, {}),
        ("2 मार्च 1950", None, None, {}),
        ("٢ مارس ١٩٥٠", None, None, {}),
        ("1950年3月2日", None, None, {}),
        ("一九五〇年3月2日", None, None, {}),  # noqa: RUF001 - the Chinese zero
        ("18324", None, None, {"serial": "excel"}),
        ("18324.5", None, None, {"serial": "excel"}),
        ("16862", None, None, {"serial": "excel1904"}),
        ("0390302", None, None, {"calendar": "minguo"}),
        ("39/03/02", None, None, {"calendar": "minguo"}),
        ("039-03-02", None, None, {"calendar": "minguo"}),
        ("02/03/2493", "dmy", None, {"calendar": "buddhist"}),
        ("1328/12/11", None, None, {"calendar": "persian"}),
        ("1369-05-13", None, None, {"calendar": "hijri"}),
        ("昭和25年3月2日", None, None, {"calendar": "japanese"}),
        ("S25.3.2", None, None, {"calendar": "japanese"}),
        ("S250302", None, None, {"calendar": "japanese"}),
        ("1942-06-23", None, None, {"calendar": "ethiopian"}),
    ],
)
def test_one_day_in_the_forms_of_the_field(
    text: str, order: str | None, pivot: int | None, dates: dict[str, object]
) -> None:
    assert _read(text, order, pivot, **dates) == (DAY, DAY, "day")


NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30), "month")
YEAR = (date(2026, 1, 1), date(2026, 12, 31), "year")


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-11-00", None, NOVEMBER),
        ("20261100", None, NOVEMBER),
        ("11002026", "mdy", NOVEMBER),
        ("00112026", "dmy", NOVEMBER),
        ("11/2026", None, NOVEMBER),
        ("2026-11", None, NOVEMBER),
        ("2026-11-XX", None, NOVEMBER),
        ("Nov 2026", None, NOVEMBER),
        ("2026年11月", None, NOVEMBER),
        ("2026", None, YEAR),
        ("2026-00-00", None, YEAR),
        ("00/00/2026", "dmy", YEAR),
    ],
)
def test_a_date_without_a_day_spans_a_month_or_a_year(
    text: str, order: str | None, expected: tuple[object, ...]
) -> None:
    assert _read(text, order) == expected


@pytest.mark.parametrize(
    ("text", "dates", "problem"),
    [
        ("02/03/1950", {}, Problem.AMBIGUOUS),
        ("02031950", {}, Problem.AMBIGUOUS),
        ("22/03/50", {}, Problem.AMBIGUOUS),  # without a pivot the century is open
        ("", {}, Problem.MISSING),
        ("00000000", {}, Problem.MISSING),
        ("0000-00-00", {}, Problem.MISSING),
        ("99999999", {}, Problem.MISSING),
        ("Unknown", {}, Problem.MISSING),
        ("2026-02-30", {}, Problem.UNREADABLE),
        ("45982", {}, Problem.UNREADABLE),  # a number of days counts only where this is declared
        ("2569-11-20", {}, Problem.UNREADABLE),
        ("1405-08-29", {}, Problem.UNREADABLE),
        ("2026-11-20", {"calendar": "persian"}, Problem.UNREADABLE),
        ("1328-12-31", {"calendar": "persian"}, Problem.UNREADABLE),
        ("平成元年1月3日", {"calendar": "japanese"}, Problem.UNREADABLE),  # the era began on the 8th
        ("12 Smarch 1950", {}, Problem.UNREADABLE),
        ("March April 1950", {}, Problem.UNREADABLE),
    ],
)
def test_what_is_no_date_is_not_read(text: str, dates: dict[str, object], problem: Problem) -> None:
    read = read_written(text, Dates.model_validate(dates), order=None, pivot=None)
    assert (read.first, read.problem) == (None, problem)


def _days(events: list[str], births: list[str], **dates: object) -> dict[str, object]:
    with duckdb.connect() as database:
        database.execute("create temp table feed_cells (event_date varchar, birth_date varchar, recorded_on varchar)")
        rows = [(text, None, None) for text in events] + [(None, text, None) for text in births]
        database.executemany("insert into feed_cells values (?, ?, ?)", rows)
        map_dates(Dates.model_validate(dates), database, today=TODAY)
        return {
            written: day if field == "event_date" else text
            for field, written, day, text in database.execute(
                f"select field, written, day, text from {DAYS}"
            ).fetchall()
        }


def test_the_file_proves_the_order_of_its_dates_or_they_stay_open() -> None:
    assert _days(["05/11/2026"], ["22/03/1941"])["05/11/2026"] == date(2026, 11, 5)
    assert _days(["05/11/2026"], ["03/22/1941"])["05/11/2026"] == date(2026, 5, 11)
    assert _days(["05/11/2026"], ["03/02/1941"]) == {"05/11/2026": None, "03/02/1941": None}
    # The columns contradict each other: each one speaks for itself.
    mixed = _days(["05/11/2026", "20/11/2026"], ["03/22/1941", "03/02/1941"])
    assert (mixed["05/11/2026"], mixed["03/02/1941"]) == (date(2026, 11, 5), "1941-03-02")
    # A column that contradicts itself proves nothing.
    torn = _days(["05/11/2026", "20/11/2026", "11/20/2026"], [])
    assert (torn["05/11/2026"], torn["20/11/2026"]) == (None, date(2026, 11, 20))


def test_one_typing_error_proves_no_order() -> None:
    many = [f"{month:02}/{day:02}/1941" for month in range(1, 13) for day in range(1, 13) if month != day]
    assert _days(many, ["13/05/1941"])[many[0]] is None


def test_a_death_without_a_day_is_dated_as_late_as_it_can_be_and_a_birth_keeps_what_is_known() -> None:
    found = _days(["2026-10", "2026-11-00", "2026"], ["1942-06-00", "1942", "1942-06-07"])
    assert [found[text] for text in ("2026-10", "2026-11-00", "2026")] == [date(2026, 10, 31), TODAY, TODAY]
    assert [found[text] for text in ("1942-06-00", "1942", "1942-06-07")] == ["1942-06", "1942", "1942-06-07"]


def test_a_month_or_year_of_another_calendar_lies_in_two_of_ours() -> None:
    assert _days([], ["1320", "1325-06"], calendar="persian") == {"1320": "1941/1942", "1325-06": "1946-08/1946-09"}
    assert _days([], ["1366-09"], calendar="hijri")["1366-09"] == "1947-07/1947-08"
    assert _days([], ["1939-13"], calendar="ethiopian")["1939-13"] == "1947-09", "it has five days"


def test_attack_days_that_stand_for_an_unknown_birth_are_no_birth_date() -> None:
    written = ["1900-01-01", "1111-11-11", "01.01.0001", "9999-12-31", "1753-01-01", "1899-12-30", "1900-01-02"]
    found = _days([], written)
    assert {text for text in written if found[text] is not None} == {"1900-01-02"}


def test_births_and_deaths_may_have_their_own_centuries() -> None:
    found = _days(["20/11/26"], ["20/11/27"], order="dmy", pivot=50, birth_pivot=20)
    assert found == {"20/11/26": date(2026, 11, 20), "20/11/27": "1927-11-20"}
