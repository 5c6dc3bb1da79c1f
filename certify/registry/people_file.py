"""Importing people from a file: one row per pension. Good rows go in, bad rows go to quarantine with the reason.

A chunk of rows is one transaction. What is in already is left alone, so an import that was cut short, or has a
corrected file, is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from certify.determine import determine
from certify.domain.schedule import latest_date
from certify.enrol import NewBeneficiary, add_beneficiary, add_entitlements
from certify.errors import Conflict, Invalid
from certify.registry.people_rows import COLUMNS, BadRow, PersonRow, read_row
from certify.registry.quarantine import Quarantine
from certify.registry.table_file import TableFile
from certify.service import Service, Unit
from certify.storage.people import KnownPerson, get_beneficiary, known_people

CHUNK = 1_000
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. ``rows`` is the sum of entitlements added, unchanged and quarantined rows."""

    rows: int
    people_added: int
    entitlements_added: int
    unchanged: int
    quarantined: int
    quarantine_path: Path | None


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    people: int = 0
    entitlements: int = 0
    unchanged: int = 0


def import_people(
    service: Service,
    path: Path,
    *,
    quarantine: Path | None = None,
    encoding: str = "utf-8",
    separator: str | None = None,
    progress: Progress = lambda _done, _total: None,
    chunk: int = CHUNK,
) -> ImportReport:
    """Import a CSV or Parquet file. ``progress`` is called with the rows done and their number, after every chunk.

    Raises Invalid, before anything is changed, when the file, its columns or the quarantine path cannot be used.
    """
    table = TableFile(path, COLUMNS, encoding=encoding, separator=separator)
    target = quarantine or path.with_name(f"{path.stem}.quarantine.csv")
    if target.exists() and target.samefile(path):
        raise Invalid("The quarantine file cannot be the file that is imported.", code="quarantine_path")
    total = table.count()
    tally = _Tally()
    # Of every (person, scheme) seen: 64 bits, so that a row that comes twice is told, however far apart.
    seen: set[int] = set()
    with Quarantine(target, table.header) as bad_rows:
        for good, bad in _chunks(service, table, seen, chunk):
            done = _import_chunk(service, good) if good else _Done()
            bad_rows.add([*bad, *done.bad])
            tally.rows += len(good) + len(bad)
            tally.people += done.people
            tally.entitlements += done.entitlements
            tally.unchanged += len(good) - len(done.bad) - done.entitlements
            progress(tally.rows, max(total, tally.rows))
        quarantined = bad_rows.count
    progress(tally.rows, tally.rows)
    return ImportReport(
        rows=tally.rows,
        people_added=tally.people,
        entitlements_added=tally.entitlements,
        unchanged=tally.unchanged,
        quarantined=quarantined,
        quarantine_path=target if quarantined else None,
    )


def _chunks(
    service: Service, table: TableFile, seen: set[int], size: int
) -> Iterator[tuple[list[PersonRow], list[BadRow]]]:
    """Read the file in chunks of good and bad rows."""
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
                bad.append(BadRow(row, "duplicate_row", "This person's pension of this scheme came in an earlier row."))
            else:
                seen.add(key)
                good.append(read)
        yield good, bad


@dataclass(slots=True)
class _Done:
    """What one chunk did."""

    people: int = 0
    entitlements: int = 0
    bad: list[BadRow] = field(default_factory=list)


def _import_chunk(service: Service, rows: list[PersonRow]) -> _Done:
    done = _Done()
    groups: dict[str, list[PersonRow]] = {}
    for row in rows:
        groups.setdefault(row.national_id, []).append(row)
    with service.unit() as unit:
        hashes = {national_id: service.vault.lookup_hash(unit.db, "national_id", national_id) for national_id in groups}
        known = known_people(unit.db, list(hashes.values()))
        for national_id, group in groups.items():
            _import_person(unit, known.get(hashes[national_id]), group, done)
    return done


def _import_person(unit: Unit, known: KnownPerson | None, rows: list[PersonRow], done: _Done) -> None:
    """Add what is missing of one person. The first row says who it is; rows that contradict it are refused."""
    name, birth_date = (known.name, known.birth_date) if known else (rows[0].name, None)
    card_number = None
    fitting: list[PersonRow] = []
    for row in rows:
        if why := _contradiction(row, name, birth_date, card_number):
            done.bad.append(BadRow(row.row, "contradiction", f"{why} differs from what is known of this person."))
            continue
        birth_date, card_number = birth_date or row.birth_date, card_number or row.card_number
        if known is None or row.entitlement.scheme not in known.schemes:
            fitting.append(row)
    if not fitting:
        return
    try:
        # A refusal takes back this person alone. Determining comes after it: its ledger entries must not be orphaned.
        with unit.db.begin_nested():
            beneficiary_id, added = _add(unit, known, fitting)
    except (Conflict, Invalid) as error:
        done.bad += [BadRow(row.row, error.code, error.message) for row in fitting]
        return
    except IntegrityError:
        why = "Somebody else enrolled this person or card at the same moment; import the row again."
        done.bad += [BadRow(row.row, "changed_meanwhile", why) for row in fitting]
        return
    determine(unit, beneficiary_id)
    done.people += known is None
    done.entitlements += added


def _contradiction(row: PersonRow, name: str | None, birth_date: date | None, card_number: str | None) -> str:
    for label, given, before in (
        ("The name", row.name, name),
        ("The date of birth", row.birth_date, birth_date),
        ("The card number", row.card_number, card_number),
    ):
        if given is not None and before is not None and given != before:
            return label
    return ""


def _add(unit: Unit, known: KnownPerson | None, rows: list[PersonRow]) -> tuple[UUID, int]:
    entitlements = tuple(row.entitlement for row in rows)
    if known is not None:
        get_beneficiary(unit.db, known.id, lock=True)
        return known.id, add_entitlements(unit, known.id, entitlements)
    person = NewBeneficiary(
        national_id=rows[0].national_id,
        name=rows[0].name,
        entitlements=entitlements,
        card_number=next((row.card_number for row in rows if row.card_number), None),
        birth_date=next((row.birth_date for row in rows if row.birth_date), None),
        region=next((row.region for row in rows if row.region), None),
        needs=tuple(dict.fromkeys(need for row in rows for need in row.needs)),
    )
    return add_beneficiary(unit, person), len(entitlements)
