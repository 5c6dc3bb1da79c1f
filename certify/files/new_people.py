"""Prepare the rows of many people who are new: all that an import stores of them, by column.

The rows are those that ``add_beneficiaries`` and ``determine_many`` would store for each of them, but for two: the
determination is stored in brief (certify/decision/first.py), and one entry of the ledger stands for a whole chunk.
tests/certify/files/test_bulk_import.py compares both ways.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa

from certify.decision.determine import entitlement_to_json
from certify.decision.first import First, FirstDecisions
from certify.domain.case_kinds import CaseKind
from certify.domain.codec import canonical
from certify.domain.decide import Entitlement
from certify.domain.schedule import latest_date, local_date
from certify.people.enrol import NewBeneficiary, NewEntitlement, check_person, first_due_of
from certify.people.identifiers import seal_ids
from certify.people.national_id import mask
from certify.service import Service
from certify.storage.imports import NewRows, firsts_digest

_PEOPLE = (
    *("id", "national_id_hash", "national_id_masked", "card_hash", "card_masked", "ids_sealed", "name", "birth_date"),
    *("region", "needs", "sex"),
)
_KEYS = ("beneficiary_id", "wrapped", "master_key_id")
_PENSIONS = (
    *("id", "beneficiary_id", "scheme", "starts_on", "last_proof_on", "first_due_on", "next_change_on"),
    "determination_id",
)
_STANDING = ("standing", "payment", "next_step", "valid_until", "due_on", "proven_on", "stopped_on")
_FIRSTS = ("id", "entitlement_id", "beneficiary_id", "as_of", "entitlement", "digest")


@dataclass(slots=True)
class NewPeople:
    """People who are new, ready to be stored.

    Attributes:
        now: the instant at which they were prepared.
        cases: the review cases to open: person, kind, and the determination that asks for it.
        schemes: of their pensions.
        counts: how many people and pensions.
        firsts: what was decided of the pensions, in order.
    """

    now: datetime
    cases: list[tuple[UUID, CaseKind, UUID]] = field(default_factory=list)
    schemes: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    firsts: list[First] = field(default_factory=list)
    _people: list[tuple[str | None, ...]] = field(default_factory=list)
    _keys: list[tuple[str, ...]] = field(default_factory=list)
    _pensions: list[tuple[str | None, ...]] = field(default_factory=list)
    _brief: list[tuple[str, ...]] = field(default_factory=list)

    def digest(self) -> bytes:
        """Return the digest of their first determinations, as the ledger keeps it."""
        return firsts_digest([(line[0], line[1], line[2], line[3], line[5]) for line in self._brief])

    def rows(self, chunk_id: UUID, actor: str) -> NewRows:
        """Return the rows to store.

        Args:
            chunk_id: id of the chunk in which they are stored.
            actor: who enrols them.
        """
        people = _table(_PEOPLE, self._people)
        people = people.append_column("created_at", _same(self.now.isoformat(), people))
        pensions = _table((*_PENSIONS, *_STANDING), self._pensions)
        brief = _table(_FIRSTS, self._brief)
        return NewRows(
            people=people.append_column("enrolled_by", _same(actor, people)),
            keys=_table(_KEYS, self._keys),
            pensions=pensions,
            determinations=brief.append_column("chunk_id", _same(str(chunk_id), brief)),
        )


class Preparation:
    """Prepares new people of one file.

    Args:
        service: the service. Its key of look-ups must have been read.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decisions = FirstDecisions()
        self._standings: dict[int, tuple[First, tuple[str | None, ...]]] = {}
        self._days: dict[date, str] = {}

    def start(self) -> NewPeople:
        """Return a chunk without people."""
        return NewPeople(self._service.clock())

    def add(self, chunk: NewPeople, person: NewBeneficiary, number: bytes, card: bytes | None) -> None:
        """Prepare one person, whose ids are in their normal form.

        Args:
            chunk: the people so far.
            person: the person.
            number: keyed hash of the national id.
            card: keyed hash of the card number, if there is one.

        Raises:
            Invalid: as ``add_beneficiary``; nothing is added.
        """
        check_person(self._service, person, latest_date(chunk.now))
        vault, beneficiary_id = self._service.vault, self._service.new_id()
        key, sealer = vault.new_key(beneficiary_id)
        sealed = seal_ids(sealer, person.national_id, person.card_number)
        written, born = str(beneficiary_id), self._day(person.birth_date)
        chunk._people.append(
            (
                *(written, f"\\x{number.hex()}", mask(person.national_id)),
                *((f"\\x{card.hex()}", mask(person.card_number)) if card and person.card_number else (None, None)),
                f"\\x{sealed.hex()}",
                person.name.strip() if person.name.isascii() else unicodedata.normalize("NFC", person.name).strip(),
                *(born, person.region, f"{{{','.join(person.needs)}}}", person.sex),
            )
        )
        chunk._keys.append((written, f"\\x{key['wrapped'].hex()}", key["master_key_id"]))
        chunk.counts["people"] += 1
        opened: dict[CaseKind, UUID] = {}
        seen = set()
        for new in sorted(person.entitlements, key=lambda one: one.scheme):
            if new.scheme not in seen:
                seen.add(new.scheme)
                self._pension(chunk, beneficiary_id, written, new, person.birth_date, opened)
        chunk.cases += [(beneficiary_id, kind, stored) for kind, stored in opened.items()]

    def _pension(
        self,
        chunk: NewPeople,
        beneficiary_id: UUID,
        written: str,
        new: NewEntitlement,
        birth_date: date | None,
        opened: dict[CaseKind, UUID],
    ) -> None:
        service = self._service
        document = service.policy(new.scheme)
        pension_id, determination_id = str(service.new_id()), service.new_id()
        due = first_due_of(service, new, birth_date, key=beneficiary_id.hex)
        pension = Entitlement(pension_id, new.scheme, new.starts_on, birth_date, new.last_proof_on, due)
        as_of = local_date(chunk.now, document.policy.timezone)
        first, change = self._decisions.decide(pension, document, as_of)
        for kind in first.cases:
            opened.setdefault(kind, determination_id)
        decided = str(determination_id)
        chunk._pensions.append(
            (
                *(pension_id, written, new.scheme, self._day(new.starts_on), self._day(new.last_proof_on)),
                *(self._day(due), self._day(change), decided, *self._standing(first)),
            )
        )
        inputs = canonical(entitlement_to_json(pension)).decode()
        chunk._brief.append(
            (decided, pension_id, written, self._day(as_of) or "", inputs, first.digest(pension_id).hex())
        )
        chunk.schemes.add(new.scheme)
        chunk.firsts.append(first)
        chunk.counts["pensions"] += 1

    def _standing(self, first: First) -> tuple[str | None, ...]:
        known = self._standings.get(id(first))
        if known is None or known[0] is not first:
            values = (first.standing[name] for name in _STANDING)
            texts = tuple(None if value is None else str(value) for value in values)
            known = self._standings[id(first)] = (first, texts)
        return known[1]

    def _day(self, day: date | None) -> str | None:
        if day is None:
            return None
        text = self._days.get(day)
        if text is None:
            text = self._days[day] = day.isoformat()
        return text


def _table(names: tuple[str, ...], rows: list[Any]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=list(names))


def _same(value: str, table: pa.Table) -> pa.Array:
    return pa.repeat(value, table.num_rows)
