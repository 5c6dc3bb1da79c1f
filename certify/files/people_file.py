"""Import people from a file with one row for each pension. Wrong rows go to quarantine with their reasons.

A chunk of rows is one transaction. Pensions that are stored already stay as they are, so an import that was
interrupted, or whose file was corrected, can be repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from uuid import UUID

from certify.decision.determine import determine_many
from certify.domain.determination import Determination, Standing
from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import latest_date
from certify.errors import CertifyError, Invalid
from certify.files.people_rows import COLUMNS, BadRow, PersonRow, read_row
from certify.files.quarantine import Quarantine
from certify.files.table_file import TableFile
from certify.people.enrol import (
    NewBeneficiary,
    add_beneficiaries,
    add_entitlements,
)
from certify.service import Service, Unit
from certify.storage.dossiers import lock_people
from certify.storage.people import KnownPerson, known_people

CHUNK = 1_000
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import, or what an import would do (``check``).

    Attributes:
        rows: the sum of entitlements added, unchanged rows and quarantined rows.
        people_added: people who were not enrolled before. A check counts a person twice whose rows lie far apart.
        entitlements_added: pensions that were not stored before.
        unchanged: rows that are stored already.
        quarantined: rows that cannot be used.
        quarantine_path: where these are; None if there are none, or if the file was only checked.
        first_proofs: of the pensions added without a valid proof, how many are due by month (``2027-03``).
        overdue: of the pensions added, how many are overdue by their last proof: a review case opens for each.
        reasons: of the rows that cannot be used, how many by code.
    """

    rows: int
    people_added: int
    entitlements_added: int
    unchanged: int
    quarantined: int
    quarantine_path: Path | None
    first_proofs: dict[str, int]
    overdue: int
    reasons: dict[str, int]


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    people: int = 0
    entitlements: int = 0
    unchanged: int = 0
    overdue: int = 0
    first_proofs: Counter[str] = field(default_factory=Counter)


class _OnlyChecked(Exception):
    """Raised to roll a chunk back that was only checked."""


def import_people(
    service: Service,
    path: Path,
    *,
    quarantine: Path | None = None,
    encoding: str = "utf-8",
    separator: str | None = None,
    progress: Progress = lambda _done, _total: None,
    chunk: int = CHUNK,
    actor: str = "service",
    check: bool = False,
) -> ImportReport:
    """Import people from a CSV or Parquet file.

    Pensions without ``last_proof_on`` that have run for longer than one validity are taken over: their first proofs are
    spread over twelve months (certify/domain/going_live.py), and no review case opens.

    Args:
        service: the service.
        path: the file.
        quarantine: path of the quarantine file; by default beside the file.
        encoding: encoding of a CSV file.
        separator: separator of a CSV file; by default the one that fits the header best.
        progress: called after every chunk with the number of rows done and the number of all rows.
        chunk: rows in one transaction.
        actor: the principal who imports; it enrolled the people, and decides nothing about them later.
        check: do everything and keep nothing: each chunk is rolled back, and no quarantine file is written.

    Raises:
        Invalid: nothing is changed, because the file cannot be read (``file_format``, ``file_encoding``), a column is
            unknown, missing, repeated or of a wrong type (``column_unknown``, ``column_missing``, ``column_twice``,
            ``column_type``), or the quarantine path cannot be used (``quarantine_path``).
    """
    table = TableFile(path, COLUMNS, encoding=encoding, separator=separator)
    target = quarantine or path.with_name(f"{path.stem}.quarantine.csv")
    if target.exists() and target.samefile(path):
        raise Invalid("The quarantine file cannot be the file that is imported.", code=ErrorCode.QUARANTINE_PATH)
    total = table.count()
    tally = _Tally()
    # A hash of 64 bits for every (person, scheme), to detect a row that comes twice, however far apart.
    seen: set[int] = set()
    reasons: Counter[str] = Counter()
    with nullcontext() if check else Quarantine(target, table.header) as bad_rows:
        for good, bad in _chunks(service, table, seen, chunk):
            result = _import_chunk(service, good, actor, check=check) if good else _ChunkResult()
            reasons.update(str(row.code) for row in (*bad, *result.bad))
            if bad_rows is not None:
                bad_rows.add([*bad, *result.bad])
            tally.rows += len(good) + len(bad)
            tally.people += result.people
            tally.entitlements += result.entitlements
            tally.unchanged += len(good) - len(result.bad) - result.entitlements
            tally.overdue += result.overdue
            tally.first_proofs += result.first_proofs
            progress(tally.rows, max(total, tally.rows))
    progress(tally.rows, tally.rows)
    return ImportReport(
        rows=tally.rows,
        people_added=tally.people,
        entitlements_added=tally.entitlements,
        unchanged=tally.unchanged,
        quarantined=reasons.total(),
        quarantine_path=target if reasons and not check else None,
        first_proofs=dict(sorted(tally.first_proofs.items())),
        overdue=tally.overdue,
        reasons=dict(sorted(reasons.items())),
    )


def _chunks(
    service: Service, table: TableFile, seen: set[int], size: int
) -> Iterator[tuple[list[PersonRow], list[BadRow]]]:
    """Yield the rows of a file in chunks: the valid rows, and the wrong ones with their reasons."""
    rows = table.rows()
    while batch := list(islice(rows, size)):
        today = latest_date(service.clock())
        good: list[PersonRow] = []
        bad: list[BadRow] = []
        for row in batch:
            read = read_row(service, table.header, row, today)
            if isinstance(read, BadRow):
                bad.append(read)
                continue
            key = hash((read.national_id, read.entitlement.scheme))
            if key in seen:
                bad.append(
                    BadRow(row, ErrorCode.DUPLICATE_ROW, "This person's pension of this scheme came in an earlier row.")
                )
            else:
                seen.add(key)
                good.append(read)
        yield good, bad


@dataclass(slots=True)
class _ChunkResult:
    """What the import of one chunk did."""

    people: int = 0
    entitlements: int = 0
    overdue: int = 0
    first_proofs: Counter[str] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)


def _import_chunk(service: Service, rows: list[PersonRow], actor: str, *, check: bool) -> _ChunkResult:
    result = _ChunkResult()
    with suppress(_OnlyChecked):
        _add_chunk(service, rows, actor, result, check=check)
    return result


def _add_chunk(service: Service, rows: list[PersonRow], actor: str, result: _ChunkResult, *, check: bool) -> None:
    groups: dict[str, list[PersonRow]] = {}
    for row in rows:
        groups.setdefault(row.national_id, []).append(row)
    with service.unit(actor) as unit:
        hashes = {national_id: service.vault.lookup_hash(unit.db, "national_id", national_id) for national_id in groups}
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
            _forecast([one for one in determined[beneficiary_id].determinations if one.scheme in schemes], result)
        if check:
            raise _OnlyChecked


def _forecast(new: Sequence[Determination], result: _ChunkResult) -> None:
    for one in new:
        if one.standing is Standing.OVERDUE:
            result.overdue += 1
        elif one.standing in (Standing.DUE, Standing.GRACE):
            result.first_proofs[f"{one.timetable.due_on:%Y-%m}"] += 1


def _missing_pensions(known: KnownPerson | None, rows: list[PersonRow], result: _ChunkResult) -> list[PersonRow]:
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


def _add_new(unit: Unit, groups: list[list[PersonRow]], result: _ChunkResult) -> list[tuple[UUID, set[str]]]:
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
    unit: Unit, groups: dict[UUID, list[PersonRow]], births: Mapping[UUID, date | None], result: _ChunkResult
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
