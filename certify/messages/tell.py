"""Tell people what became of their pensions: read the ledger on from where it was read last, and fill the outbox.

Whatever changes a standing, be it a film, a visit, an officer or the run of a night, writes the ledger. So no way of
changing one can forget to tell the person, and none waits for messages to be written. The place up to which the ledger
was read is stored in the transaction of the messages: each entry is told once.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from certify.domain.case_kinds import CaseKind
from certify.domain.ledger_events import LedgerEvent
from certify.domain.schedule import local_date
from certify.messages.news import Happenings, News, news_of
from certify.messages.outbox import NewMessage, put_messages
from certify.service import Service, Unit
from certify.storage.ledger import entries_of, unchecked_leaves
from certify.storage.messages import known_messages
from certify.storage.news import (
    announced_visits,
    kinds_of_cases,
    move_mark,
    pensions_now,
    read_mark,
    silent_news,
    years_told,
)

log = logging.getLogger("certify.messages")

SLICE = 2000
"""Entries of the ledger that are read in one transaction."""
_PEOPLE = 1000
"""People of a chunk of a registry run for whom messages are written in one transaction."""
_BY_OFFICER = ("confirm_alive", "stop", "no_change")
"""How an officer closes a case (certify.decision.review.Decision); other cases close by themselves."""


@dataclass(slots=True)
class _Slice:
    """What a slice of the ledger says, by person."""

    standings: dict[UUID, dict[str, tuple[str | None, str]]] = field(default_factory=dict)
    issued: dict[UUID, list[tuple[str, date]]] = field(default_factory=dict)
    closed: dict[UUID, list[tuple[UUID, str]]] = field(default_factory=dict)
    visits: dict[UUID, set[UUID]] = field(default_factory=dict)
    chunks: list[tuple[UUID, int]] = field(default_factory=list)

    def add(self, person: UUID | None, entry: dict[str, Any]) -> None:
        """Take in an entry of the ledger."""
        event = entry["event"]
        if event == LedgerEvent.RUN_CHUNK:
            self.chunks.append((UUID(entry["run"]), int(entry["chunk"])))
        if person is None:
            return
        if event == LedgerEvent.STANDING_CHANGED:
            pensions = self.standings.setdefault(person, {})
            first, _ = pensions.get(entry["entitlement"], (entry["before"], ""))
            pensions[entry["entitlement"]] = (first, entry["after"])
        elif event == LedgerEvent.CERTIFICATE_ISSUED:
            until = date.fromisoformat(entry["valid_until"])
            self.issued.setdefault(person, []).append((entry["number"], until))
        elif event == LedgerEvent.REVIEW_CLOSED and entry["resolution"] in _BY_OFFICER:
            self.closed.setdefault(person, []).append((UUID(entry["case"]), entry["resolution"]))
        elif event == LedgerEvent.VISIT_PLANNED:
            self.visits.setdefault(person, set()).add(UUID(entry["visit"]))


def tell_news(service: Service) -> Counter[str]:
    """Put messages about all that the ledger has new into the outbox; return the number by kind.

    Without senders the ledger is only read on, so that a fund that adds senders later does not tell of old things. Any
    number of processes may call it at any time.
    """
    counts: Counter[str] = Counter()
    while _tell_slice(service, counts):
        pass
    return +counts


def _tell_slice(service: Service, counts: Counter[str]) -> bool:
    """Tell of one slice of the ledger; return whether there may be more."""
    with service.reading() as unit:
        start = read_mark(unit.db)
        read, end = _Slice(), start
        for index, (entry, person, genuine) in unchecked_leaves(unit.db, start, start + SLICE).items():
            end = index + 1
            if genuine:  # 'certify ledger verify' reports the others
                read.add(person, json.loads(entry))
    if end == start:
        return False
    if service.senders.ways:
        for run, chunk in read.chunks:
            _tell_chunk(service, run, chunk, counts)
    with service.unit() as unit:
        if read_mark(unit.db, lock=True) == start:  # otherwise another process has told of this slice meanwhile
            if service.senders.ways:
                _put(unit, _about_pensions(unit, read, start), counts)
                _put(unit, _about_visits(unit, read), counts)
            move_mark(unit.db, end)
    return True


def _about_pensions(unit: Unit, read: _Slice, start: int) -> list[NewMessage]:
    people = {*read.standings, *read.issued, *read.closed}
    if not people:
        return []
    kinds = kinds_of_cases(unit.db, {case for cases in read.closed.values() for case, _ in cases})
    now = pensions_now(unit.db, people)
    numbers = {number for certificates in read.issued.values() for number, _ in certificates}
    told = years_told(unit.db, read.issued.keys(), numbers) if read.issued else {}
    messages = []
    for person in sorted(people):
        closed = [(CaseKind(kinds[case]), how) for case, how in read.closed.get(person, ()) if case in kinds]
        happened = Happenings(
            [*read.standings.get(person, {}).values()], [until for _, until in read.issued.get(person, ())], closed
        )
        news = news_of(
            happened,
            now.get(person, ()),
            refuted_by_life=unit.service.refuted_by_life,
            told_years=told.get(person, ()),
        )
        if news is not None:
            messages.append(_message(unit, person, news, f"{news.kind}:{start}:{person}"))
    return messages


def _about_visits(unit: Unit, read: _Slice) -> list[NewMessage]:
    """Return messages about visits that are planned for a day still to come; another day than told before has moved."""
    days = announced_visits(unit.db, {visit for visits in read.visits.values() for visit in visits})
    today = local_date(unit.now, unit.service.senders.timezone)
    earlier = _earlier_days(unit, [person for person, visits in read.visits.items() if visits & days.keys()])
    known = {dedupe for dedupe, _ in known_messages(unit.db, {_visit_key(*one) for one in earlier})}
    moved = {visit for visit, day in earlier if _visit_key(visit, day) in known and day != days.get(visit)}
    messages = []
    for person, visits in sorted(read.visits.items()):
        for visit in sorted(visits & days.keys()):
            if days[visit] > today:
                news = News("visit_moved" if visit in moved else "visit_planned", days[visit])
                messages.append(_message(unit, person, news, _visit_key(visit, days[visit])))
    return messages


def _earlier_days(unit: Unit, people: Collection[UUID]) -> set[tuple[UUID, date]]:
    """Return each visit of people with each day for which it was ever planned."""
    entries = (json.loads(entry) for about in entries_of(unit.db, people).values() for _, entry in about)
    return {
        (UUID(entry["visit"]), date.fromisoformat(entry["on"]))
        for entry in entries
        if entry["event"] == LedgerEvent.VISIT_PLANNED
    }


def _tell_chunk(service: Service, run: UUID, chunk: int, counts: Counter[str]) -> None:
    """Tell the people of a chunk of a registry run whom records certified. Repeating it stores nothing twice."""
    with service.reading() as unit:
        certified = silent_news(unit.db, run, chunk)
    for first in range(0, len(certified), _PEOPLE):
        with service.unit() as unit:
            _put(
                unit,
                [
                    _message(unit, person, News("certified_silently", until), f"certified_silently:{run}:{person}")
                    for person, until in certified[first : first + _PEOPLE]
                ],
                counts,
            )


def _message(unit: Unit, person: UUID, news: News, dedupe: str) -> NewMessage:
    day = news.day or local_date(unit.now, unit.service.senders.timezone)
    params = {"date": day.isoformat(), "contact": unit.service.senders.contact or ""}
    return NewMessage(person, news.kind, params | ({"how": news.how} if news.how else {}), dedupe)


def _put(unit: Unit, messages: Sequence[NewMessage], counts: Counter[str]) -> None:
    for kind in sorted({message.kind for message in messages}):
        counts[kind] += put_messages(unit, [message for message in messages if message.kind == kind])


def _visit_key(visit: UUID, day: date) -> str:
    return f"visit:{visit}:{day.isoformat()}"
