"""Bind the rows that payments and certificates rest on to the master key, by a MAC over their columns.

A person who can write to the database but has no key cannot make such a row, change one, or copy one to another person
(docs/decisions/0028). ``COLUMNS`` says what is bound. Objects of the ORM are sealed and checked by its events, below;
statements that go directly to the driver call ``sealed`` and ``check``.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, DateTime, Double, Float, LargeBinary, event, inspect, text
from sqlalchemy.orm import Mapper, Session, object_session

from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from certify.storage.mac_form import RowMac, message
from certify.storage.mac_secrets import FIRST, GENERATIONS, SECOND, Generation, make_secret, open_secret
from certify.storage.tables.base import Base
from certify.storage.tables.decisions import CertificateRow, DeterminationRow, EvidenceRow, ReviewCaseRow
from certify.storage.tables.imports import FirstDeterminationRow, ImportChunkRow
from certify.storage.tables.people import DuplicateFaceRow, EntitlementRow, ReferenceRow
from certify.storage.tables.proposals import ProposalRow
from certify.storage.tables.runs import SilentPassRow
from certify.storage.tables.service import LedgerLeafRow
from certify.storage.vault import Vault

log = logging.getLogger("certify.integrity")


class RowKind(StrEnum):
    """A table whose rows carry a MAC."""

    EVIDENCE = "evidence"
    DETERMINATION = "determinations"
    PASS = "silent_passes"  # noqa: S105 - a silent pass is no password
    STANDING = "entitlements"
    CERTIFICATE = "certificates"
    CASE = "review_cases"
    DUPLICATE_FACE = "duplicate_faces"
    LEAF = "ledger_leaves"
    PROPOSAL = "proposals"
    REFERENCE = "face_references"
    FIRST = "first_determinations"
    IMPORT_CHUNK = "import_chunks"


ENTITIES: Mapping[RowKind, type[Base]] = MappingProxyType(
    {
        RowKind.EVIDENCE: EvidenceRow,
        RowKind.DETERMINATION: DeterminationRow,
        RowKind.PASS: SilentPassRow,
        RowKind.STANDING: EntitlementRow,
        RowKind.CERTIFICATE: CertificateRow,
        RowKind.CASE: ReviewCaseRow,
        RowKind.DUPLICATE_FACE: DuplicateFaceRow,
        RowKind.LEAF: LedgerLeafRow,
        RowKind.PROPOSAL: ProposalRow,
        RowKind.REFERENCE: ReferenceRow,
        RowKind.FIRST: FirstDeterminationRow,
        RowKind.IMPORT_CHUNK: ImportChunkRow,
    }
)
COLUMNS: Mapping[RowKind, tuple[str, ...]] = MappingProxyType(
    {
        kind: tuple(words.split())
        for kind, words in {
            RowKind.EVIDENCE: "id beneficiary_id kind source external_id event_at recorded_at body run_id link_stage"
            " link_weight link_levels institution principal",
            RowKind.DETERMINATION: "id entitlement_id beneficiary_id session_id policy_sha256 as_of inputs verdict"
            " digest created_at",
            RowKind.PASS: "id run_id chunk entitlement_id beneficiary_id scheme as_of starts_on birth_date"
            " last_proof_on standing_before proven_on valid_until evidence",
            RowKind.STANDING: "id beneficiary_id scheme starts_on last_proof_on standing payment next_step valid_until"
            " due_on next_change_on determination_id proven_on stopped_on back_pay_from first_due_on terms",
            RowKind.CERTIFICATE: "number beneficiary_id session_id state cose subject_digest valid_from valid_until"
            " expires_at kid issued_at changed_at reason",
            RowKind.CASE: "id beneficiary_id kind state determination_id opened_at opened_by closed_at"
            " closed_by resolution",
            RowKind.DUPLICATE_FACE: "id beneficiary_id reference_id other_id other_reference_id llr threshold found_at"
            " answer answered_at answered_by",
            RowKind.LEAF: "index entry beneficiary_id created_at",
            RowKind.PROPOSAL: "id action target beneficiary_id reason text_sealed text_plain state proposed_by"
            " proposed_at expires_at decided_by decided_at due_at ended_by ended_at",
            RowKind.REFERENCE: "id beneficiary_id blob_id state media_sha256 guidance created_at provenance"
            " provenance_of added_by number taken_on",
            RowKind.FIRST: "id chunk_id entitlement_id beneficiary_id as_of entitlement digest",
            RowKind.IMPORT_CHUNK: "id import_id imported_by policies counts digest done_at",
        }.items()
    }
)
"""What each MAC binds, in this order; the first column is the primary key. A new column of a table is one word here."""

UNBOUND: Mapping[RowKind, frozenset[str]] = MappingProxyType({RowKind.REFERENCE: frozenset({"measurement"})})
"""Columns that no MAC binds: the figures of a picture are only shown, and JSONB writes some numbers in another way."""

LATER: Mapping[RowKind, int] = MappingProxyType({RowKind.REFERENCE: 1, RowKind.STANDING: 2})
"""How many columns at the end of ``COLUMNS`` came with a later release than the MAC of the table. A MAC binds them
where they are not NULL. So the rows of earlier releases, where they are NULL, keep their MAC, and no value can be
added to a row or taken from it."""

DEFAULTS: Mapping[RowKind, Mapping[str, Any]] = MappingProxyType(
    {RowKind.STANDING: {"payment": "continue"}, RowKind.REFERENCE: {"guidance": []}}
)
"""What the database stores in a column that a new row does not name."""

_SINCE = {RowKind.PROPOSAL: SECOND, RowKind.REFERENCE: SECOND}
"""The generation of tables that did not carry a MAC from the beginning."""

altered: Counter[str] = Counter()
"""How many rows this process found altered, by table, for the metrics."""

_INFO = "row_macs"


class RowMacs:
    """Seals and checks rows with keys that one secret gives; the master key wraps the secret."""

    def __init__(self, vault: Vault, secrets: Mapping[Generation, bytes] | None = None) -> None:
        self._vault = vault
        self._secrets = dict(secrets or {})
        self._keyed: dict[RowKind, RowMac] = {}

    def require_sealed(self, db: Session) -> None:
        """Open the secrets of all tables, so that a service that cannot read some of them does not start.

        Raises:
            Unavailable: as ``secret`` (``rows_not_sealed``, ``decryption_failed``).
        """
        for generation in GENERATIONS:
            self.secret(db, generation)

    def secret(self, db: Session, generation: Generation = FIRST) -> bytes:
        """Return the secret of a generation of tables. It is made when the first row of empty tables is written.

        Raises:
            Unavailable: the database has rows of an earlier release that 'certify ledger seal' has not sealed yet
                (``rows_not_sealed``), or the master key does not open the secret (``decryption_failed``).
        """
        if generation not in self._secrets:
            # In a transaction of its own: a key that a rolled-back transaction made must not be used again. And the
            # caller may be in the middle of reading rows.
            with Session(db.get_bind()) as own:
                found = open_secret(own, self._vault, generation.sealed) or self._first(own, generation)
            self._secrets[generation] = found
        return self._secrets[generation]

    def derive(self, db: Session, purpose: str, generation: Generation = FIRST) -> bytes:
        """Return a key of 32 bytes for one purpose (HMAC-SHA-256 of the purpose under the secret)."""
        return hmac.digest(self.secret(db, generation), f"certify {purpose}".encode(), hashlib.sha256)

    def under(self, db: Session, kind: RowKind) -> RowMac:
        """Return what computes the MACs of a table's rows from their canonical form."""
        if kind not in self._keyed:
            self._keyed[kind] = RowMac(self.derive(db, f"row {kind.value}", since(kind)))
        return self._keyed[kind]

    def mac(self, db: Session, kind: RowKind, row: Mapping[str, Any]) -> bytes:
        """Return the MAC of a row; columns that it does not name are NULL."""
        return self.under(db, kind)(message(bound(kind, [row.get(name) for name in COLUMNS[kind]])))

    def sealed(self, db: Session, kind: RowKind, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a new row with its MAC."""
        whole = {**DEFAULTS.get(kind, {}), **row}
        return whole | {"mac": self.mac(db, kind, whole)}

    def check(self, db: Session, kind: RowKind, values: Sequence[Any], stored: bytes | None) -> None:
        """Check a row that was read.

        Args:
            db: the session of the transaction.
            kind: the table.
            values: its columns, in the order of ``COLUMNS``.
            stored: its MAC.

        Raises:
            RowAltered: the row is not as the service wrote it (``row_altered``).
        """
        compute = self.under(db, kind)  # first of all: where there is no key yet, the rows cannot be sealed
        if stored is None or not hmac.compare_digest(stored, compute(message(bound(kind, values)))):
            raise alarm(kind, values[0])

    def _first(self, own: Session, generation: Generation) -> bytes:
        filled = _filled(own, generation)
        # Another process may have made it and written rows meanwhile.
        known = open_secret(own, self._vault, generation.sealed)
        if known is not None:
            return known
        if filled:
            raise Unavailable(
                "The rows of this database carry no seal yet: an earlier release wrote them.",
                hint="Look at them, stop the service, and run 'certify ledger seal' once.",
                code=ErrorCode.ROWS_NOT_SEALED,
            )
        secret = make_secret(own, self._vault, generation.sealed)
        if generation is FIRST:  # a new database begins with all tables sealed
            for later in [one for one in GENERATIONS if one is not FIRST and not _filled(own, one)]:
                make_secret(own, self._vault, later.sealed)
        return secret


def bound(kind: RowKind, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values that a MAC binds: without the later columns at the end that are NULL."""
    least, end = len(COLUMNS[kind]) - LATER.get(kind, 0), len(values)
    while end > least and values[end - 1] is None:
        end -= 1
    return values[:end]


def _filled(own: Session, generation: Generation) -> bool:
    tables = " or ".join(f"exists (select from {kind.value})" for kind in COLUMNS if since(kind) is generation)
    return bool(own.scalar(text(f"select {tables}")))


def since(kind: RowKind) -> Generation:
    """Return the generation of a table."""
    return _SINCE.get(kind, FIRST)


class RowAltered(Unavailable):
    """A row was changed, copied or inserted by someone without the service's keys."""

    code = ErrorCode.ROW_ALTERED


def alarm(table: str, key: object) -> RowAltered:
    """Log and count an altered row, and return the error to raise. The log has the row's id and nothing of a person."""
    altered[str(table)] += 1
    log.critical("row altered outside the service", extra={"table": str(table), "row": str(key)})
    return RowAltered(
        "A stored record was changed outside the service, so nothing is answered from it.",
        hint="Tell the operator. 'certify audit standing' lists every altered record.",
    )


def macs_of(db: Session) -> RowMacs:
    """Return what seals and checks the rows of a session.

    Raises:
        LookupError: no service has opened this database, so there is no key.
    """
    found: RowMacs | None = db.info.get(_INFO)
    if found is None:
        raise LookupError("these rows need the keys of a service")
    return found


def session_info(macs: RowMacs | None) -> dict[str, Any]:
    """Return what a new session is told, so that ``macs_of`` finds the keys."""
    return {_INFO: macs}


@cache
def row_sql(kind: RowKind, alias: str) -> str:
    """Return SQL for a row as JSON: an array of the columns of ``COLUMNS`` in their canonical form, and the MAC."""
    return f"json_build_array({', '.join(column_sql(kind, alias))}, encode({alias}.mac, 'hex'))"


@cache
def column_sql(kind: RowKind, alias: str) -> tuple[str, ...]:
    """Return SQL for each column of ``COLUMNS``, written as ``message`` writes it."""
    return tuple(_column_sql(inspect(ENTITIES[kind]).columns[name].type, f"{alias}.{name}") for name in COLUMNS[kind])


def _column_sql(of_type: object, name: str) -> str:
    if isinstance(of_type, DateTime):
        return f"(extract(epoch from {name}) * 1000000)::bigint"
    if isinstance(of_type, LargeBinary):
        return f"encode(sha256({name}), 'hex')"
    if isinstance(of_type, Double | Float):
        return f"('x' || encode(float8send({name}), 'hex'))::bit(64)::bigint"
    return name


def checked_row(macs: RowMacs, db: Session, kind: RowKind, listed: Sequence[Any]) -> dict[str, Any]:
    """Check a row that ``row_sql`` selected, and return its columns by name.

    Raises:
        RowAltered: the row is not as the service wrote it (``row_altered``).
    """
    *values, stored = listed
    macs.check(db, kind, values, None if stored is None else bytes.fromhex(stored))
    return dict(zip(COLUMNS[kind], values, strict=True))


def check_object(macs: RowMacs, db: Session, kind: RowKind, row: Any) -> None:
    """Check an object of the ORM.

    Raises:
        RowAltered: the row is not as the service wrote it (``row_altered``).
    """
    macs.check(db, kind, [getattr(row, name) for name in COLUMNS[kind]], row.mac)


def kind_of(entity: type[Base]) -> RowKind | None:
    """Return the kind of a table's rows; None if they carry no MAC."""
    return next((kind for kind, guarded in ENTITIES.items() if guarded is entity), None)


def _guard(kind: RowKind, entity: type[Base]) -> None:
    """Let the ORM check each row of a table that it loads, and seal each that it writes."""

    def loaded(row: Any, context: Any) -> None:
        check_object(macs_of(context.session), context.session, kind, row)

    def refreshed(row: Any, context: Any, _names: object) -> None:
        state = inspect(row)
        if not state.unloaded and not state.modified:
            check_object(macs_of(context.session), context.session, kind, row)

    def written(_mapper: Mapper[Any], _connection: Connection, row: Any) -> None:
        db = object_session(row)
        if db is None:
            raise LookupError("a row is written in a session")
        for name, value in DEFAULTS.get(kind, {}).items():
            if getattr(row, name) is None:
                setattr(row, name, copy(value))
        row.mac = macs_of(db).mac(db, kind, {name: getattr(row, name) for name in COLUMNS[kind]})

    event.listen(entity, "load", loaded)
    event.listen(entity, "refresh", refreshed)
    event.listen(entity, "before_insert", written)
    event.listen(entity, "before_update", written)


for _kind, _entity in ENTITIES.items():
    _guard(_kind, _entity)
