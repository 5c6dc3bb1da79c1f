"""Days and times where agents work: in the fund's time zone, which is also that of the people they visit."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

from certify.domain.schedule import local_date
from certify.service import Unit


def today_of(unit: Unit) -> date:
    """Return the present day where agents work."""
    return local_day(unit, unit.now)


def local_day(unit: Unit, instant: datetime) -> date:
    """Return the day of an instant where agents work."""
    return local_date(instant, _zone(unit))


def local_time(unit: Unit, instant: datetime) -> datetime:
    """Return an instant in the time zone where agents work."""
    return instant.astimezone(ZoneInfo(_zone(unit)))


def _zone(unit: Unit) -> str:
    """Return the time zone that most schemes have; of equally common ones, the first by name."""
    zones = Counter(document.policy.timezone for document in unit.service.policies.values())
    return min(zones, key=lambda zone: (-zones[zone], zone))
