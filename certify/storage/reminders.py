"""Find the people who must act, by the due dates of their pensions. The queries are made for ten million pensions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from certify.storage.direct import fetch

# Pensions that are paid and whose person must take the next step, in a way that a message can open. If a record demands
# another way, the fund tells the person which. The index ix_entitlements_to_remind has the same condition word for
# word, so that PostgreSQL uses it. Most pensions are certified for months and not in that index.
_NEEDS = "payment = 'continue' and next_step in ('certify', 'retry', 'doorstep', 'renew')"
# If it is in doubt whether a person is alive, no reminder goes out: the letter might reach the bereaved.
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

# In the order of the index, so that each slice reads only its own rows.
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
    """A pension whose person must act by a day.

    Attributes:
        due_on: the day.
        beneficiary_id: the person.
        remind: True if this is the earliest such pension of the person, the person wants reminders, and nothing about
            them is in doubt.
    """

    due_on: date
    beneficiary_id: UUID
    remind: bool


def due_pensions(db: Session, *, after: tuple[date, UUID], latest: date, limit: int) -> list[DuePension]:
    """Return a slice of the pensions whose person must act, in the order of due date and person.

    Args:
        db: the session of the transaction.
        after: due date and person of the last pension of the slice before.
        latest: last due date.
        limit: size of the slice.
    """
    due_on, person = after
    parameters = {"due_on": due_on, "person": person, "latest": latest, "limit": limit}
    return [DuePension(*row) for row in fetch(db, _SLICE, parameters)]


def still_to_do(db: Session, people: Collection[UUID]) -> set[UUID]:
    """Return those of these people who still must act, and about whom nothing is in doubt."""
    return {row[0] for row in fetch(db, _STILL, {"people": list(people)})} if people else set()
