"""Which day it is for agents: that of the fund's own time zone, where they and the people they visit live."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

from certify.domain.schedule import local_date
from certify.service import Unit


def today_of(unit: Unit) -> date:
    """Return today where agents work."""
    return day_there(unit, unit.now)


def day_there(unit: Unit, instant: datetime) -> date:
    """Return which day it was where agents work."""
    return local_date(instant, _zone(unit))


def clock_there(unit: Unit, instant: datetime) -> datetime:
    """Return an instant as a clock showed it where agents work."""
    return instant.astimezone(ZoneInfo(_zone(unit)))


def _zone(unit: Unit) -> str:
    """Return the time zone of most schemes; of several as common, the first by name."""
    zones = Counter(document.policy.timezone for document in unit.service.policies.values())
    return min(zones, key=lambda zone: (-zones[zone], zone))
