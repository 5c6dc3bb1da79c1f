"""Import people from a file with one row for each pension. Wrong rows go to quarantine with their reasons.

A chunk of rows is one transaction. Pensions that are stored already stay as they are, so an import that was
interrupted, or whose file was corrected, can be repeated.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from certify.domain.error_codes import ErrorCode
from certify.domain.schedule import latest_date
from certify.errors import Invalid
from certify.files.people_chunks import ChunkImport, ChunkResult, Plan
from certify.files.people_rows import COLUMNS, BadRow, PersonRow, RowReader
from certify.files.quarantine import Quarantine
from certify.files.table_file import TableFile
from certify.service import Service

CHUNK = 20_000
"""Rows of one transaction. It holds the lock of the ledger only at its end."""
_TURN_S = 0.0005
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
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, chunk: _Waiting, bad_rows: Quarantine | None) -> None:
        """Wait until a chunk is stored, and add what it did."""
        result = chunk.stored.result()
        bad = [*chunk.bad, *result.bad]
        self.reasons.update(str(row.code) for row in bad)
        if bad_rows is not None:
            bad_rows.add(bad)
        self.rows += len(chunk.plan.rows) + len(chunk.bad)
        self.people += result.people
        self.entitlements += result.entitlements
        self.unchanged += len(chunk.plan.rows) - len(result.bad) - result.entitlements
        self.overdue += result.overdue
        self.first_proofs += result.first_proofs


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let threads of Python take turns more often. A thread that stores waits for its turn after each 100 kB."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A chunk that is being stored: its plan, its wrong rows, and the result to come."""

    plan: Plan
    bad: list[BadRow]
    stored: Future[ChunkResult]


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
    chunks = ChunkImport(service, actor, check=check)
    # While one chunk is stored, the next is read and prepared.
    with (
        _quick_turns(),
        nullcontext() if check else Quarantine(target, table.header) as bad_rows,
        ThreadPoolExecutor(1, "import") as storing,
    ):
        waiting: _Waiting | None = None
        for good, bad in _chunks(service, table, seen, chunk):
            plan = chunks.plan(good, waiting.plan if waiting else None)
            if waiting:
                tally.add(waiting, bad_rows)
                progress(tally.rows, max(total, tally.rows))
            waiting = _Waiting(plan, bad, storing.submit(chunks.store, plan))
        if waiting:
            tally.add(waiting, bad_rows)
            progress(tally.rows, max(total, tally.rows))
    progress(tally.rows, tally.rows)
    return ImportReport(
        rows=tally.rows,
        people_added=tally.people,
        entitlements_added=tally.entitlements,
        unchanged=tally.unchanged,
        quarantined=tally.reasons.total(),
        quarantine_path=target if tally.reasons and not check else None,
        first_proofs=dict(sorted(tally.first_proofs.items())),
        overdue=tally.overdue,
        reasons=dict(sorted(tally.reasons.items())),
    )


def _chunks(
    service: Service, table: TableFile, seen: set[int], size: int
) -> Iterator[tuple[list[PersonRow], list[BadRow]]]:
    """Yield the rows of a file in chunks: the valid rows, and the wrong ones with their reasons."""
    rows = table.rows()
    reader: RowReader | None = None
    while batch := list(islice(rows, size)):
        today = latest_date(service.clock())
        if reader is None or reader.today != today:
            reader = RowReader(service, table.header, today)
        good: list[PersonRow] = []
        bad: list[BadRow] = []
        for row in batch:
            read = reader.read(row)
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
