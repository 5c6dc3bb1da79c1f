"""List the records of a registry that an officer found wrong, so that the registry can correct them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from certify.storage.direct import fetch

_DISMISSED = b"""
    select e.external_id, e.body ->> 'kind', (e.event_at at time zone 'UTC')::date,
        (r.event_at at time zone 'UTC')::date
    from evidence r
    cross join lateral json_array_elements_text(r.body -> 'dismisses') as named (id)
    join evidence e on e.id = named.id::uuid
    where r.kind = 'ruling' and r.body ->> 'ruling' = 'confirm_alive' and e.kind = 'adverse' and e.source = %(source)s
    order by 4, 1
"""
_NOT_THEM = b"""
    select q.external_id, q.adverse, q.event_on, (q.answered_at at time zone 'UTC')::date
    from link_questions q where q.state = 'different' and q.source = %(source)s order by 4, 1
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """One record that its registry should check again. It holds no name: the registry finds it by its own number.

    Attributes:
        record_id: number that the registry gave the record.
        kind: kind of the adverse record, such as death.
        event_on: day of the event, as the record has it.
        finding: ``person_alive`` (an officer saw or spoke to the person after the record's event), or
            ``not_this_person`` (the id or name in the record points to another person than the record is about).
        found_on: day of the officer's finding, in UTC.
    """

    record_id: str
    kind: str
    event_on: date
    finding: str
    found_on: date


def corrections_for(db: Session, source: str) -> Iterator[Correction]:
    """Yield the wrong records of a source: ``person_alive``, then ``not_this_person``, each with the oldest first."""
    for finding, query in (("person_alive", _DISMISSED), ("not_this_person", _NOT_THEM)):
        for number, kind, event_on, found_on in fetch(db, query, {"source": source}):
            yield Correction(number, kind, event_on, finding, found_on)
