"""The assumptions of the simulation. Each number has a unit and a source; unknown names are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid

ByAge = list[list[float]]
"""Pairs of an age in completed years and the share from that age on."""

_LIMITS = {
    "share": 1.0,
    "days": 3650.0,
    "log sd": 3.0,
    "a year": 365.0,
    "per million a year": 1e6,
    "units": 1e6,
}
"""Units of plain numbers, with the largest value of each; the smallest is zero."""


@dataclass(frozen=True, slots=True)
class Deaths:
    """How deaths become known, and how often living people are reported dead."""

    unreported: float
    unreported_if_hidden: float
    median_days: float
    spread: float
    family_reports: float
    family_median_days: float
    wrong_per_million: float
    void_median_days: float


@dataclass(frozen=True, slots=True)
class Events:
    """How the acts of people reach the feeds."""

    activity_spread: float
    covered: float
    recorded_within_days: float
    mislinked: float


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of act.

    Attributes:
        per_year: acts of an average person in a year.
        after_death: share of the acts that goes on after a hidden death.
        counts_in_data_only: whether the regime "data only" accepts it.
    """

    per_year: float
    after_death: float
    counts_in_data_only: bool


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What living people do."""

    answers: float
    unreachable: float
    unreachable_answers: float
    acts_median_days: float
    notices_median_days: float
    phone: ByAge
    housebound: ByAge


@dataclass(frozen=True, slots=True)
class Remote:
    """Captures on the phone."""

    fails: ByAge
    tries_again: float


@dataclass(frozen=True, slots=True)
class Visits:
    """Agents at the door."""

    median_days: float
    succeeds: float
    finds_death: float
    visits: int


@dataclass(frozen=True, slots=True)
class Officer:
    """Review cases."""

    median_days: float
    reaches: float
    reaches_unreachable: float
    finds_death: float
    looks: int
    again_days: float
    fast_lane_days: float


@dataclass(frozen=True, slots=True)
class Reminders:
    """When people are reminded, in days from the due date."""

    days_from_due: list[int]


@dataclass(frozen=True, slots=True)
class Fraud:
    """Relatives who hide a death."""

    share_of_deaths: float
    answers: float
    sends_old_photo: float
    old_photo_passes: float
    replay_passes: float
    impostor_at_counter: float
    deceives_officer: float


@dataclass(frozen=True, slots=True)
class Audit:
    """The share of silent passes that people check."""

    share: float


@dataclass(frozen=True, slots=True)
class Grace:
    """Days from the due date to the suspension."""

    grace_days: float


@dataclass(frozen=True, slots=True)
class DataOnlyRule:
    """The Brazilian rule: a proof by data within a window, else a notice."""

    window_days: float
    notice_days: float
    notices: list[int]
    appeal_days: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """How waiting times vary."""

    spread: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of each act, in units: hundredths of a month's pension."""

    silent_pass: float
    remote_session: float
    trip: float
    visit: float
    officer_look: float
    reminder: float
    pension_month: float


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All assumptions. ``document`` is the text that they were read from: value, unit and source of each number."""

    deaths: Deaths
    events: Events
    acts: Mapping[str, Act]
    people: Behaviour
    remote: Remote
    visits: Visits
    officer: Officer
    reminders: Reminders
    fraud: Fraud
    audit: Audit
    in_person: Grace
    face_only: Grace
    data_only: DataOnlyRule
    waiting: Waiting
    costs: Costs
    document: Mapping[str, Any]


def load_assumptions(path: Path | None = None) -> Assumptions:
    """Read the shipped assumptions and replace those that a file names.

    Args:
        path: a TOML file; a number in it has a source or not (``unreported = 0.1``). None for the shipped ones.

    Returns:
        The assumptions.

    Raises:
        Invalid: the file cannot be read (``file_unreadable``), or is not TOML, or has an unknown name or an impossible
            value (``assumptions_invalid``).
    """
    text = resources.files(__package__).joinpath("assumptions.toml").read_text("utf-8")
    shipped = assumptions_from(tomllib.loads(text))
    if path is None:
        return shipped
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", code=ErrorCode.FILE_UNREADABLE) from error
    except ValueError as error:
        raise Invalid(f"{path} is not TOML: {error}", code=ErrorCode.ASSUMPTIONS_INVALID) from error
    return changed(shipped, given)


def changed(assumptions: Assumptions, given: Mapping[str, Any]) -> Assumptions:
    """Return the assumptions with those that a document names replaced.

    Args:
        assumptions: the assumptions before.
        given: the document with the replacements.

    Returns:
        The new assumptions.

    Raises:
        Invalid: a name is unknown or a value impossible (``assumptions_invalid``).
    """
    return assumptions_from(_replaced(assumptions.document, given, ""))


def assumptions_from(document: Mapping[str, Any]) -> Assumptions:
    """Build the assumptions from a complete document.

    Args:
        document: value, unit and source of each number.

    Returns:
        The assumptions.

    Raises:
        Invalid: a value is impossible (``assumptions_invalid``).
    """
    return Assumptions(
        deaths=_section(Deaths, document, "deaths"),
        events=_section(Events, document, "events"),
        acts={name: _section(Act, document["acts"], name) for name in document["acts"]},
        people=_section(Behaviour, document, "people"),
        remote=_section(Remote, document, "remote"),
        visits=_section(Visits, document, "visits"),
        officer=_section(Officer, document, "officer"),
        reminders=_section(Reminders, document, "reminders"),
        fraud=_section(Fraud, document, "fraud"),
        audit=_section(Audit, document, "audit"),
        in_person=_section(Grace, document, "in_person"),
        face_only=_section(Grace, document, "face_only"),
        data_only=_section(DataOnlyRule, document, "data_only"),
        waiting=_section(Waiting, document, "waiting"),
        costs=_section(Costs, document, "costs"),
        document=document,
    )


def _replaced(document: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    result: dict[str, Any] = deepcopy(dict(document))
    for name, value in given.items():
        inner = f"{where}.{name}" if where else name
        known = result.get(name)
        if known is None:
            raise Invalid(
                f"There is no assumption '{inner}'.",
                hint="certify/simulate/assumptions.toml lists them.",
                code=ErrorCode.ASSUMPTIONS_INVALID,
            )
        if "unit" not in known:
            if not isinstance(value, Mapping):
                raise Invalid(f"Assumption {inner}: must be a table.", code=ErrorCode.ASSUMPTIONS_INVALID)
            result[name] = _replaced(known, value, inner)
        elif isinstance(value, Mapping):
            if "value" not in value or not set(value) <= {"value", "unit", "source"}:
                raise Invalid(f'{inner}: write value = …, source = "…".', code=ErrorCode.ASSUMPTIONS_INVALID)
            if value.get("unit", known["unit"]) != known["unit"]:
                raise Invalid(f"Assumption {inner}: the unit is '{known['unit']}'.", code=ErrorCode.ASSUMPTIONS_INVALID)
            result[name] = {"source": "given without a source", **value, "unit": known["unit"]}
        else:
            result[name] = {"value": value, "unit": known["unit"], "source": "given without a source"}
    return result


_Section = TypeVar("_Section")


def _section(kind: type[_Section], document: Mapping[str, Any], name: str) -> _Section:
    table = document[name]
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]  # every kind given is a dataclass
        entry = table[field.name]
        if not _sensible(entry["value"], entry["unit"]):
            raise Invalid(
                f"Assumption {name}.{field.name}: {entry['value']!r} is not a value in the unit '{entry['unit']}'.",
                code=ErrorCode.ASSUMPTIONS_INVALID,
            )
        values[field.name] = entry["value"]
    return kind(**values)


def _sensible(value: Any, unit: str) -> bool:
    if unit == "yes or no":
        return isinstance(value, bool)
    if unit == "count":
        return _number(value) and isinstance(value, int) and 1 <= value <= 20
    if unit == "days from the due date":
        days = isinstance(value, list) and all(_number(v) and isinstance(v, int) and abs(v) <= 366 for v in value)
        return days and value == sorted(set(value))
    if unit == "share by age":
        return (
            isinstance(value, list)
            and bool(value)
            and all(isinstance(v, list) and len(v) == 2 and all(map(_number, v)) and 0 <= v[1] <= 1 for v in value)
            and value[0][0] == 0
            and [v[0] for v in value] == sorted({v[0] for v in value})
        )
    return _number(value) and 0 <= value <= _LIMITS[unit]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def at_age(shares: ByAge, age: int) -> float:
    """Return the share at an age in completed years."""
    return next(share for since, share in reversed(shares) if age >= since)
