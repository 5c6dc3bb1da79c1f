"""Import the rows of a file of people, a chunk at a time: first look whom they are about, then store what is new.

People who are new, and that is nearly everybody when a fund begins, are stored with COPY (new_people.py). All others
take the way of every other change, one by one: people who are known and get a further pension, people whose rows stand
in two chunks that are processed at a time, and a whole chunk when somebody else enrolled one of its people meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from uuid import UUID

from certify.decision.cases import new_case
from certify.decision.determine import determine_many, keep_policy
from certify.decision.first import forecast
from certify.domain.determination import Standing
from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.errors import CertifyError
from certify.files.new_people import NewPeople, Preparation
from certify.files.people_rows import BadRow, PersonRow
from certify.people.enrol import NewBeneficiary, add_beneficiaries, add_entitlements, exists
from certify.service import Service, Unit
from certify.storage.dossiers import lock_people
from certify.storage.imports import EnrolledMeanwhile, insert_people, known_cards
from certify.storage.people import KnownPerson, known_people
from certify.storage.tables.imports import ImportChunkRow
from certify.storage.verdicts import Verdicts

_OVERDUE = Standing.OVERDUE.name.lower()
_SLOWLY = 1_000
"""Rows of one transaction where people are determined one by one; all of them are locked."""


@dataclass(slots=True)
class ChunkResult:
    """What the import of one chunk did.

    Attributes:
        people: people who are new.
        entitlements: pensions that are new.
        overdue: of these, how many are overdue by their last proof.
        first_proofs: of these, how many are due without a valid proof, by month.
        bad: rows that cannot be used.
    """

    people: int = 0
    entitlements: int = 0
    overdue: int = 0
    first_proofs: Counter[str] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)

    def add(self, other: ChunkResult) -> None:
        """Add what a part of the chunk did."""
        self.people += other.people
        self.entitlements += other.entitlements
        self.overdue += other.overdue
        self.first_proofs += other.first_proofs
        self.bad += other.bad

    def foretell(self, forecasts: Mapping[str, int]) -> None:
        """Add what was decided of new pensions (``certify.decision.first.forecast``)."""
        self.overdue += forecasts.get(_OVERDUE, 0)
        self.first_proofs += Counter(
            {month: count for month, count in forecasts.items() if month not in ("", _OVERDUE)}
        )


@dataclass(slots=True)
class Plan:
    """What is to be done with a chunk.

    Attributes:
        rows: all its rows.
        marks: keyed hashes of the ids and cards of people whom it stores.
        new: the people who are new.
        others: rows that take the way of every other change.
        result: what is known already.
    """

    rows: list[PersonRow]
    new: NewPeople
    marks: set[bytes] = field(default_factory=set)
    others: list[PersonRow] = field(default_factory=list)
    result: ChunkResult = field(default_factory=ChunkResult)


class _OnlyChecked(Exception):
    """Raised to roll a chunk back that was only checked."""


class ChunkImport:
    """Imports the chunks of one file.

    Args:
        service: the service.
        actor: the principal who imports.
        check: keep nothing.
    """

    def __init__(self, service: Service, actor: str, *, check: bool) -> None:
        self._service, self._actor, self._check = service, actor, check
        self._import_id = service.new_id()
        self._preparation = Preparation(service)

    def plan(self, rows: list[PersonRow], before: Plan | None) -> Plan:
        """Look whom rows are about, and prepare the people who are new. Nothing is written.

        Args:
            rows: the valid rows of the chunk.
            before: the chunk that is being stored at the moment, perhaps not committed yet.
        """
        plan = Plan(rows, self._preparation.start(len(rows)))
        busy = before.marks if before is not None else set()
        groups: dict[str, list[PersonRow]] = {}
        for row in rows:
            groups.setdefault(row.national_id, []).append(row)
        with self._service.reading() as unit:
            hashed = self._service.vault.lookup_hashes
            numbers = hashed(unit.db, "national_id", groups)
            known = known_people(unit.db, list(numbers.values()))
            cards = hashed(unit.db, "card", {row.card_number for row in rows if row.card_number})
            taken = known_cards(unit.db, cards.values())
        both = busy.intersection([*numbers.values(), *cards.values()])
        for number, group in groups.items():
            mark = numbers[number]
            if both and not both.isdisjoint({mark, *(cards[row.card_number] for row in group if row.card_number)}):
                plan.others += group
                continue
            person = known.get(mark)
            missing = _missing_pensions(person, group, plan.result)
            if missing and person is None:
                self._prepare(plan, missing, mark, cards, taken)
            else:
                plan.others += missing
        return plan

    def _prepare(
        self, plan: Plan, rows: list[PersonRow], mark: bytes, cards: Mapping[str, bytes], taken: set[bytes]
    ) -> None:
        person = _person(rows)
        card = cards[person.card_number] if person.card_number else None
        try:
            if card in taken:
                raise exists()
            self._preparation.add(plan.new, person, mark, card)
        except CertifyError as error:
            plan.result.bad += [BadRow(row.row, error.code, error.message) for row in rows]
            return
        plan.marks.add(mark)
        if card is not None:
            plan.marks.add(card)
            taken.add(card)

    def store(self, plan: Plan) -> ChunkResult:
        """Store a chunk, in one transaction unless somebody else enrols the same people meanwhile."""
        try:
            return self._store(plan)
        except EnrolledMeanwhile:
            return self._slowly(plan.rows)

    def _store(self, plan: Plan) -> ChunkResult:
        result = ChunkResult()
        result.add(plan.result)
        result.people += len(plan.new.people)
        result.entitlements += len(plan.new.pensions)
        result.foretell(plan.new.forecast())
        if self._check and not plan.others:
            return result
        with suppress(_OnlyChecked), self._service.unit(self._actor) as unit:
            if not self._check and plan.new.people:
                self._enrol(unit, plan.new)
            others = iter(plan.others)
            while rows := list(islice(others, _SLOWLY)):
                _add_rows(unit, rows, result)
            if self._check:
                raise _OnlyChecked
        return result

    def _enrol(self, unit: Unit, new: NewPeople) -> None:
        chunk_id = unit.service.new_id()
        policies = {scheme: document for scheme, (document, _) in sorted(new.rules.items())}
        for document in policies.values():
            keep_policy(unit, document)
        insert_people(unit.db, new.rows(chunk_id, self._actor))
        opened = [new_case(unit, person, kind, stored) for person, kind, stored in new.cases]
        if opened:
            Verdicts(cases_opened=opened).write(unit.db)
        digest = new.digest()
        unit.ledger(
            LedgerEvent.PEOPLE_IMPORTED,
            None,
            import_id=str(self._import_id),
            chunk=str(chunk_id),
            digest=digest.hex(),
            **new.counts(),
        )
        unit.db.add(
            ImportChunkRow(
                id=chunk_id,
                import_id=self._import_id,
                imported_by=self._actor,
                policies={scheme: document.sha256 for scheme, document in policies.items()},
                counts=new.counts(),
                digest=digest,
                done_at=new.now,
            )
        )

    def _slowly(self, rows: Sequence[PersonRow]) -> ChunkResult:
        result = ChunkResult()
        left = iter(rows)
        while part := list(islice(left, _SLOWLY)):
            with suppress(_OnlyChecked), self._service.unit(self._actor) as unit:
                _add_rows(unit, part, result)
                if self._check:
                    raise _OnlyChecked
        return result


def _add_rows(unit: Unit, rows: Sequence[PersonRow], result: ChunkResult) -> None:
    """Enrol and determine people as every other change does."""
    groups: dict[str, list[PersonRow]] = {}
    for row in rows:
        groups.setdefault(row.national_id, []).append(row)
    vault = unit.service.vault
    hashes = vault.lookup_hashes(unit.db, "national_id", groups)
    known = known_people(unit.db, list(hashes.values()))
    new: list[list[PersonRow]] = []
    more: dict[UUID, list[PersonRow]] = {}
    for national_id, group in groups.items():
        person = known.get(hashes[national_id])
        missing = _missing_pensions(person, group, result)
        if missing and person is None:
            new.append(missing)
        elif missing and person is not None:
            more[person.id] = missing
    births = {person.id: person.birth_date for person in known.values()}
    added = [*_add_new(unit, new, result), *_add_more(unit, more, births, result)]
    determined = determine_many(unit, [beneficiary_id for beneficiary_id, _ in added])
    for beneficiary_id, schemes in added:
        new_ones = [one for one in determined[beneficiary_id].determinations if one.scheme in schemes]
        result.foretell(Counter(map(forecast, new_ones)))


def _missing_pensions(known: KnownPerson | None, rows: list[PersonRow], result: ChunkResult) -> list[PersonRow]:
    """Return the rows of one person whose pensions are not stored yet.

    The stored person, or else the first row, says who the person is; rows that contradict it are refused.
    """
    name, birth_date = (known.name, known.birth_date) if known else (rows[0].name, None)
    card_number = None
    missing: list[PersonRow] = []
    for row in rows:
        if why := _contradiction(row, name, birth_date, card_number):
            result.bad.append(
                BadRow(row.row, ErrorCode.CONTRADICTION, f"{why} differs from what is known of this person.")
            )
            continue
        birth_date, card_number = birth_date or row.birth_date, card_number or row.card_number
        if known is None or row.entitlement.scheme not in known.schemes:
            missing.append(row)
    return missing


def _add_new(unit: Unit, groups: list[list[PersonRow]], result: ChunkResult) -> list[tuple[UUID, set[str]]]:
    """Enrol new people, and refuse the rows of people who cannot be enrolled; return each with their new schemes."""
    people = []
    for rows, added in zip(groups, add_beneficiaries(unit, [_person(rows) for rows in groups]), strict=True):
        if isinstance(added, CertifyError):
            result.bad += [BadRow(row.row, added.code, added.message) for row in rows]
        else:
            people.append((added, {row.entitlement.scheme for row in rows}))
            result.people += 1
            result.entitlements += len(rows)
    return people


def _add_more(
    unit: Unit, groups: dict[UUID, list[PersonRow]], births: Mapping[UUID, date | None], result: ChunkResult
) -> list[tuple[UUID, set[str]]]:
    """Add pensions to people who are enrolled already; return each person with their new schemes."""
    if groups:
        lock_people(unit.db, list(groups))
        new = {person: [row.entitlement for row in rows] for person, rows in groups.items()}
        result.entitlements += add_entitlements(unit, new, births)
    return [(person, {row.entitlement.scheme for row in rows}) for person, rows in groups.items()]


def _contradiction(row: PersonRow, name: str | None, birth_date: date | None, card_number: str | None) -> str:
    """Return which detail of a row contradicts what is known, or an empty text."""
    for label, given, before in (
        ("The name", row.name, name),
        ("The date of birth", row.birth_date, birth_date),
        ("The card number", row.card_number, card_number),
    ):
        if given is not None and before is not None and given != before:
            return label
    return ""


def _person(rows: list[PersonRow]) -> NewBeneficiary:
    if len(rows) == 1:
        row = rows[0]
        return NewBeneficiary(
            row.national_id,
            row.name,
            (row.entitlement,),
            row.card_number,
            row.birth_date,
            row.region,
            row.needs,
            row.sex,
        )
    return NewBeneficiary(
        national_id=rows[0].national_id,
        name=rows[0].name,
        entitlements=tuple(row.entitlement for row in rows),
        card_number=next((row.card_number for row in rows if row.card_number), None),
        birth_date=next((row.birth_date for row in rows if row.birth_date), None),
        region=next((row.region for row in rows if row.region), None),
        needs=tuple(dict.fromkeys(need for row in rows for need in row.needs)),
        sex=next((row.sex for row in rows if row.sex), None),
    )
