"""Read what happened to people, and how they stand now, for the messages that tell them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certify.domain.states import VisitReason, VisitState
from certify.storage.direct import fetch
from certify.storage.tables.decisions import ReviewCaseRow
from certify.storage.tables.doorstep import VisitRow
from certify.storage.tables.messages import ReadingMarkRow

_READER = "news"

_STANDINGS = b"""
    select e.beneficiary_id, e.standing, e.payment, e.valid_until, e.stopped_on, d.verdict->>'method',
        d.verdict->'reasons'
    from entitlements e left join determinations d on d.id = e.determination_id
    where e.beneficiary_id = any(%(people)s) order by e.beneficiary_id, e.scheme
"""

# Signs of life come all year round, and each of them moves the end of the validity a little. A person hears of it once
# for each calendar year in which the validity ends.
_SILENT = b"""
    select s.beneficiary_id, max(s.valid_until) from silent_passes s
    join entitlements e on e.id = s.entitlement_id and e.standing = 'certified' and e.payment = 'continue'
    where s.run_id = %(run)s and s.chunk = %(chunk)s
        and not exists (
            select from silent_passes o where o.beneficiary_id = s.beneficiary_id and o.run_id <> s.run_id
                and o.as_of <= s.as_of and extract(year from o.valid_until) = extract(year from s.valid_until)
        )
        and not exists (
            select from certificates c where c.beneficiary_id = s.beneficiary_id and c.valid_from < s.as_of
                and extract(year from c.valid_until) = extract(year from s.valid_until)
        )
    group by s.beneficiary_id order by s.beneficiary_id
"""

_BEFORE = b"""
    select c.beneficiary_id, c.valid_until from certificates c
    where c.beneficiary_id = any(%(people)s) and c.number <> all(%(numbers)s)
    union select s.beneficiary_id, s.valid_until from silent_passes s where s.beneficiary_id = any(%(people)s)
"""


@dataclass(frozen=True, slots=True)
class PensionNow:
    """How one pension stands at present.

    Attributes:
        standing: as the last determination says.
        payment: ``continue`` or ``stop``.
        valid_until: last day of the proof, if the person is certified.
        stopped_on: the day from which the payment is stopped, or was last.
        method: the channel of the best proof; None without one, or after a silent pass.
        reasons: codes of the reasons of the determination, each with the kind of record that it names, if any.
    """

    standing: str | None
    payment: str
    valid_until: date | None
    stopped_on: date | None
    method: str | None
    reasons: tuple[tuple[str, str | None], ...]


def read_mark(db: Session, *, lock: bool = False) -> int:
    """Return the number of the next ledger entry to read for messages.

    Args:
        db: the session of the transaction.
        lock: keep other processes from moving it until the transaction ends.
    """
    if lock:  # a row to lock, whatever became of the one that the migration made
        db.execute(insert(ReadingMarkRow).values(reader=_READER, position=0).on_conflict_do_nothing())
    query = select(ReadingMarkRow.position).where(ReadingMarkRow.reader == _READER)
    return db.scalar(query.with_for_update() if lock else query) or 0


def move_mark(db: Session, position: int) -> None:
    """Store the number of the next entry to read; the caller has locked it with ``read_mark``."""
    db.get_one(ReadingMarkRow, _READER).position = position
    db.flush()


def pensions_now(db: Session, people: Collection[UUID]) -> dict[UUID, list[PensionNow]]:
    """Return the present pensions of people, by person."""
    found: dict[UUID, list[PensionNow]] = {}
    for person, standing, payment, until, stopped, method, reasons in fetch(db, _STANDINGS, {"people": list(people)}):
        named = tuple((one["code"], one["params"].get("kind")) for one in reasons or ())
        found.setdefault(person, []).append(PensionNow(standing, payment, until, stopped, method, named))
    return found


def silent_news(db: Session, run_id: UUID, chunk: int) -> list[tuple[UUID, date]]:
    """Return the people of a chunk of a registry run whom records certified, each once for a year, with the last day.

    People who stand otherwise meanwhile are left out, and people who heard before that they are certified until that
    calendar year.
    """
    return [(person, until) for person, until in fetch(db, _SILENT, {"run": run_id, "chunk": chunk})]


def years_told(db: Session, people: Collection[UUID], numbers: Collection[str]) -> dict[UUID, set[int]]:
    """Return the calendar years until which people were certified before, by person.

    Args:
        db: the session of the transaction.
        people: the people.
        numbers: certificates that do not count, because they are the news.
    """
    rows: list[tuple[UUID, date]] = fetch(db, _BEFORE, {"people": list(people), "numbers": list(numbers)})
    years: dict[UUID, set[int]] = {}
    for person, until in rows:
        years.setdefault(person, set()).add(until.year)
    return years


def announced_visits(db: Session, ids: Collection[UUID]) -> dict[UUID, date]:
    """Return the day of planned visits that the person may know of beforehand.

    Second visits that check an agent, and the visits of the random sample, are not announced: they must find things as
    they are.
    """
    query = select(VisitRow.id, VisitRow.planned_on).where(
        VisitRow.id.in_(ids),
        VisitRow.state == VisitState.PLANNED,
        VisitRow.planned_on.is_not(None),
        VisitRow.reason.not_in((VisitReason.RECHECK, VisitReason.AUDIT)),
    )
    return {visit: day for visit, day in db.execute(query) if day is not None}


def kinds_of_cases(db: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the kind of review cases, by id."""
    query = select(ReviewCaseRow.id, ReviewCaseRow.kind).where(ReviewCaseRow.id.in_(ids))
    return {row.id: row.kind for row in db.execute(query)}
