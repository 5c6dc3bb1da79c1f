"""Prepare the rows of many people who are new: all that an import stores of them, by column.

The rows are those that ``add_beneficiaries`` and ``determine_many`` would store for each of them, but for two: the
determination is stored in brief (certify/decision/first.py), and one entry of the ledger stands for a whole chunk.
tests/certify/files/test_bulk_import.py compares both ways.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from certify.decision.determine import entitlement_text
from certify.decision.first import First, FirstDecisions
from certify.domain.case_kinds import CaseKind
from certify.domain.decide import Entitlement
from certify.domain.schedule import latest_date, local_date
from certify.domain.terms import write_terms
from certify.people.enrol import NewBeneficiary, NewEntitlement, check_person, first_due_of
from certify.people.identifiers import seal_ids
from certify.people.national_id import mask
from certify.policies import PolicyDocument
from certify.service import Service
from certify.storage.imports import NewRows, firsts_digest

_PEOPLE = (
    *("id", "national_id_hash", "national_id_masked", "card_hash", "card_masked", "ids_sealed", "name", "birth_date"),
    *("region", "needs", "sex"),
)
_KEYS = ("beneficiary_id", "wrapped", "master_key_id")
_PENSIONS = (
    *("id", "beneficiary_id", "scheme", "starts_on", "last_proof_on", "first_due_on", "next_change_on"),
    *("determination_id", "terms"),
)
_DATES = {"birth_date", "starts_on", "last_proof_on", "first_due_on", "next_change_on"}
_FIRSTS = ("id", "entitlement_id", "beneficiary_id", "as_of", "entitlement", "digest")


@dataclass(slots=True)
class NewPeople:
    """People of one chunk who are new, ready to be stored.

    Attributes:
        now: the instant at which they were prepared.
        rules: by scheme its policy and that day there.
        ids: ids that are drawn and not used yet.
        cases: the review cases to open: person, kind, and the determination that asks for it.
        firsts: what was decided of their pensions, in order.
        people: rows of ``beneficiaries``.
        keys: rows of ``data_keys``.
        pensions: rows of ``entitlements``.
        brief: rows of ``first_determinations``.
    """

    now: datetime
    today: date
    ids: Iterator[str]
    rules: dict[str, tuple[PolicyDocument, date]] = field(default_factory=dict)
    cases: list[tuple[UUID, CaseKind, UUID]] = field(default_factory=list)
    firsts: list[First] = field(default_factory=list)
    people: list[tuple[str | date | None, ...]] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    pensions: list[tuple[str | date | None, ...]] = field(default_factory=list)
    brief: list[tuple[str, ...]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return how many people and pensions there are."""
        return {"people": len(self.people), "pensions": len(self.pensions)}

    def forecast(self) -> Counter[str]:
        """Return of how many pensions ``First.forecast`` says what."""
        return Counter([first.forecast for first in self.firsts])

    def digest(self) -> bytes:
        """Return the digest of their first determinations, as the ledger keeps it."""
        return firsts_digest([(line[0], line[1], line[2], line[3], line[5]) for line in self.brief])

    def rows(self, chunk_id: UUID, actor: str) -> NewRows:
        """Return the rows to store.

        Args:
            chunk_id: id of the chunk in which they are stored.
            actor: who enrols them.
        """
        people, brief = _table(_PEOPLE, self.people), _table(_FIRSTS, self.brief)
        people = people.append_column("created_at", _same(self.now.isoformat(), people))
        return NewRows(
            people=people.append_column("enrolled_by", _same(actor, people)),
            keys=_table(_KEYS, self.keys),
            pensions=_table((*_PENSIONS, *self.firsts[0].standing), self.pensions),
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
        self._json_days: dict[date | None, str] = {None: "null"}

    def start(self, rows: int) -> NewPeople:
        """Return a chunk without people.

        Args:
            rows: how many people and how many pensions it can have at most.
        """
        now = self._service.clock()
        # In order, so that PostgreSQL fills its indexes from one end to the other.
        return NewPeople(now, latest_date(now), iter(_new_ids(3 * rows, self._service.random_bytes)))

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
        check_person(self._service, person, chunk.today)
        written, name = next(chunk.ids), person.name
        beneficiary_id = UUID(written)
        key, sealer = self._service.vault.new_key(beneficiary_id)
        sealed = seal_ids(sealer, person.national_id, person.card_number)
        chunk.people.append(
            (
                written,
                "\\x" + number.hex(),
                mask(person.national_id),
                None if card is None else "\\x" + card.hex(),
                None if person.card_number is None else mask(person.card_number),
                "\\x" + sealed.hex(),
                (name if name.isascii() else unicodedata.normalize("NFC", name)).strip(),
                person.birth_date,
                person.region,
                "{" + ",".join(person.needs) + "}",
                person.sex,
            )
        )
        chunk.keys.append((written, "\\x" + key["wrapped"].hex(), key["master_key_id"]))
        if len(person.entitlements) == 1:
            self._pension(chunk, beneficiary_id, written, person.entitlements[0], person.birth_date, set())
            return
        first_of_scheme = {new.scheme: new for new in reversed(person.entitlements)}
        opened: set[CaseKind] = set()
        for scheme in sorted(first_of_scheme):
            self._pension(chunk, beneficiary_id, written, first_of_scheme[scheme], person.birth_date, opened)

    def _pension(
        self,
        chunk: NewPeople,
        beneficiary_id: UUID,
        written: str,
        new: NewEntitlement,
        birth_date: date | None,
        opened: set[CaseKind],
    ) -> None:
        if new.scheme not in chunk.rules:
            document = self._service.policy(new.scheme)
            chunk.rules[new.scheme] = document, local_date(chunk.now, document.policy.timezone)
        document, as_of = chunk.rules[new.scheme]
        pension_id, decided = next(chunk.ids), next(chunk.ids)
        due = first_due_of(document.policy, new, birth_date, key=beneficiary_id.hex)
        pension = Entitlement(pension_id, new.scheme, new.starts_on, birth_date, new.last_proof_on, due, new.terms)
        first, change = self._decisions.decide(pension, document, as_of)
        for kind in first.cases:
            if kind not in opened:
                opened.add(kind)
                chunk.cases.append((beneficiary_id, kind, UUID(decided)))
        chunk.pensions.append(
            (
                pension_id,
                written,
                new.scheme,
                new.starts_on,
                new.last_proof_on,
                due,
                change,
                decided,
                write_terms(new.terms),
                *first.texts,
            )
        )
        chunk.brief.append(
            (
                decided,
                pension_id,
                written,
                self._json_day(as_of)[1:-1],
                entitlement_text(pension, self._json_day),
                first.digest(pension_id),
            )
        )
        chunk.firsts.append(first)

    def _json_day(self, day: date | None) -> str:
        try:
            return self._json_days[day]
        except KeyError:
            text = self._json_days[day] = f'"{day}"'
            return text


def _new_ids(count: int, random_bytes: Callable[[int], bytes]) -> list[str]:
    """Return random ids (UUID version 4) in order, so that PostgreSQL fills its indexes from one end to the other."""
    drawn = np.frombuffer(random_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    drawn[:, 6] = drawn[:, 6] & 0x0F | 0x40
    drawn[:, 8] = drawn[:, 8] & 0x3F | 0x80
    digits = drawn.tobytes().hex()
    plain = sorted([digits[start : start + 32] for start in range(0, 32 * count, 32)])
    return [f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}" for one in plain]


def _table(names: tuple[str, ...], rows: list[Any]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    types = [pa.date32() if name in _DATES else pa.string() for name in names]
    return pa.table([pa.array(*one) for one in zip(columns, types, strict=True)], names=list(names))


def _same(value: str, table: pa.Table) -> pa.Array:
    return pa.repeat(value, table.num_rows)
