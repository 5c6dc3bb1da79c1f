"""Which people have something to do, by the dates of their pensions. Made for ten million pensions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from certify.storage.direct import fetch

# Pensions that are paid, and whose next step is the person's, by the ways that a message opens (whom a record sends
# another way, the fund tells which). The index ix_entitlements_to_remind has the same
# condition, word for word, so that PostgreSQL uses it; most pensions are certified for months, and not in it.
_NEEDS = "payment = 'continue' and next_step in ('certify', 'retry', 'doorstep', 'renew')"
# Nobody is reminded while it is in doubt whether they are alive: the letter would reach the bereaved.
_NO_DOUBT = """
    not exists (
        select from entitlements o
        where o.beneficiary_id = p.person and (o.payment = 'stop' or o.standing in ('paused', 'stopped'))
    )
    and not exists (
        select from review_cases r where r.beneficiary_id = p.person and r.state = 'open'
            and r.kind in ('adverse_record', 'other_path', 'question')
    )
"""

# In the order of the index, so that each slice reads its own rows and no others.
_SLICE = f"""
    with p as materialized (
        select due_on, beneficiary_id as person from entitlements
        where {_NEEDS} and (due_on, beneficiary_id) > (%(due_on)s, %(person)s) and due_on <= %(latest)s
        order by due_on, beneficiary_id limit %(limit)s
    )
    select p.due_on, p.person,
        b.erased_at is null and coalesce(c.reminders, true) and {_NO_DOUBT}
        and not exists (
            select from entitlements e where e.beneficiary_id = p.person and e.due_on < p.due_on and {_NEEDS}
        )
    from p join beneficiaries b on b.id = p.person left join contacts c on c.beneficiary_id = p.person
    order by p.due_on, p.person
""".encode()  # noqa: S608 - put together from our own words

_STILL = f"""
    select p.person from unnest(%(people)s::uuid[]) as p (person)
    where exists (select from entitlements e where e.beneficiary_id = p.person and {_NEEDS}) and {_NO_DOUBT}
""".encode()  # noqa: S608 - put together from our own words


@dataclass(frozen=True, slots=True)
class DuePension:
    """A pension whose person has something to do until a day.

    ``remind``: this is the person's earliest, they want reminders, and nothing is in doubt about them.
    """

    due_on: date
    beneficiary_id: UUID
    remind: bool


def due_pensions(db: Session, *, after: tuple[date, UUID], latest: date, limit: int) -> list[DuePension]:
    """Return pensions due up to a day, in the order of their due dates and people, from behind a place on."""
    due_on, person = after
    parameters = {"due_on": due_on, "person": person, "latest": latest, "limit": limit}
    return [DuePension(*row) for row in fetch(db, _SLICE, parameters)]


def still_to_do(db: Session, people: Collection[UUID]) -> set[UUID]:
    """Return those people who still have something to do, and about whom nothing is in doubt."""
    return {row[0] for row in fetch(db, _STILL, {"people": list(people)})} if people else set()
