"""Which day it is for agents: that of the fund's own time zone, where they and the people they visit live."""

from __future__ import annotations

from collections import Counter
from datetime import date

from certify.domain.schedule import local_date
from certify.service import Unit


def today_of(unit: Unit) -> date:
    """Return today in the time zone of most schemes; of several as common, the first by name."""
    zones = Counter(document.policy.timezone for document in unit.service.policies.values())
    return local_date(unit.now, min(zones, key=lambda zone: (-zones[zone], zone)))
