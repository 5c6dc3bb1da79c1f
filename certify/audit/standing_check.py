"""Audit standings: compare each person's rows with their MACs, with each other, and with the ledger.

A MAC shows a row that someone without keys wrote. It does not show an old row that was put back with its old MAC, nor a
row that was removed. The ledger does: its last entry about a pension, certificate or case says what must be stored.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from certify.audit.finding import Finding
from certify.audit.imported import Imported
from certify.domain.codec import digest, verdict_digest
from certify.domain.ledger_events import LedgerEvent
from certify.service import Service, Unit
from certify.storage.audited import About, Stored, chunk_times, everyone_after, last_audit, rows_about
from certify.storage.enrolled import enroller_in
from certify.storage.ledger import entries_of, sealed_at
from certify.storage.row_macs import RowKind
from certify.storage.tables.journal import StandingAuditRow

log = logging.getLogger("certify.integrity")

_BATCH = 500
A_MINUTE = 20_000
"""People that housekeeping audits in one minute: about two seconds of work."""

_CERTIFICATE_STATES = {
    LedgerEvent.CERTIFICATE_ISSUED: "valid",
    LedgerEvent.CERTIFICATE_VALID: "valid",
    LedgerEvent.CERTIFICATE_PAUSED: "paused",
    LedgerEvent.CERTIFICATE_SUPERSEDED: "superseded",
    LedgerEvent.CERTIFICATE_REVOKED: "revoked",
}
_PROPOSAL_STATES = {
    LedgerEvent.ACTION_PROPOSED: "proposed",
    LedgerEvent.ACTION_AGREED: "waiting",
    LedgerEvent.ACTION_CARRIED_OUT: "carried_out",
    LedgerEvent.ACTION_REFUSED: "refused",
    LedgerEvent.ACTION_RECALLED: "recalled",
    LedgerEvent.ACTION_EXPIRED: "expired",
}
_FIRST = UUID(int=0)
_LEDGER_SAYS = ("standing", "payment", "valid_until", "back_pay_from")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class StandingCheck:
    """The result: how many people and rows were looked at, and what was found."""

    people: int = 0
    rows: int = 0
    findings: list[Finding] = field(default_factory=list)
    last: UUID = _FIRST


def check_standings(
    service: Service,
    *,
    after: UUID = _FIRST,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> StandingCheck:
    """Audit people in the order of their ids. Each batch is one snapshot, so that the service may run meanwhile.

    Args:
        service: the service.
        after: begin after this person.
        limit: at most so many people; None for all.
        progress: called with the people done.

    Returns:
        What was found.
    """
    check = StandingCheck(last=after)
    while limit is None or check.people < limit:
        size = _BATCH if limit is None else min(_BATCH, limit - check.people)
        with service.snapshot() as unit:
            if not _batch(unit, check, size):
                break
        progress(check.people)
    return check


def _batch(unit: Unit, check: StandingCheck, size: int) -> bool:
    people = everyone_after(unit.db, check.last, limit=size)
    if not people:
        return False
    sealed = sealed_at(unit.db)
    entries = entries_of(unit.db, [person for person, _, _ in people])
    everything = rows_about(unit.db, people)
    firsts = [stored.row for about in everything for stored in about.rows[RowKind.FIRST]]
    imported = Imported(unit, {UUID(row["chunk_id"]) for row in firsts})
    for about in everything:
        check.rows += sum(map(len, about.rows.values()))
        told = [json.loads(entry) for _, entry in entries.get(about.person, ())]
        check.findings.extend(_person(unit, about, told, sealed, imported))
    check.people += len(people)
    check.last = people[-1][0]
    return True


def audit_some(service: Service, *, limit: int = A_MINUTE) -> None:
    """Go on with the audit of this day, so that everyone is looked at once a day. Findings are logged as alarms.

    Args:
        service: the running service.
        limit: at most so many people in one call.
    """
    with service.unit() as unit:
        row = last_audit(unit.db, lock=True)
        if row is None and last_audit(unit.db) is not None:
            return  # another worker does it
        if row is None or (row.ended_at is not None and row.started_at.date() < unit.now.date()):
            row = StandingAuditRow(id=service.new_id(), started_at=unit.now, after=_FIRST, people=0, rows=0, findings=0)
            unit.db.add(row)
        if row.ended_at is not None:
            return
        check = check_standings(service, after=row.after, limit=limit)
        row.people, row.rows = row.people + check.people, row.rows + check.rows
        row.findings, row.after = row.findings + len(check.findings), check.last
        if check.people < limit:
            row.ended_at = unit.now
    for finding in check.findings:
        log.critical("audit of standings", extra={"table": finding.table, "row": finding.row, "what": finding.what})


def _person(
    unit: Unit, about: About, told: Sequence[dict[str, Any]], sealed: datetime | None, imported: Imported
) -> Iterator[Finding]:
    good: dict[RowKind, dict[str, Stored]] = {}
    for kind, rows in about.rows.items():
        for stored in rows:
            if not stored.ours:
                yield Finding(kind.value, stored.key, "changed outside the service")
        good[kind] = {stored.key: stored for stored in rows}
    firsts = [stored.row for stored in about.rows[RowKind.FIRST]]
    if about.enrolled_by != (enroller_in(told) or imported.by(firsts)):
        yield Finding("beneficiaries", str(about.person), "who enrolled the person is not what the ledger says")
    yield from _evidence(good[RowKind.EVIDENCE], told, sealed)
    yield from _determinations(good)
    if not about.erased:
        yield from imported.check(firsts)
        yield from _standings(unit, good, told, imported)
        yield from _proposals(good[RowKind.PROPOSAL], told)
    yield from _certificates(good[RowKind.CERTIFICATE], told)
    yield from _cases(good[RowKind.CASE], told)


def _evidence(stored: dict[str, Stored], told: Sequence[dict[str, Any]], sealed: datetime | None) -> Iterator[Finding]:
    entered = set()
    for entry in told:
        if entry["event"] != LedgerEvent.EVIDENCE_RECORDED:
            continue
        entered.add(entry["evidence"])
        row = stored.get(entry["evidence"])
        if row is None:
            yield Finding("evidence", entry["evidence"], "the ledger names it, and it is missing")
        elif "body" in entry and digest(row.row["body"]).hex() != entry["body"]:
            yield Finding("evidence", row.key, "its content is not that of the ledger")
    for key, fact in stored.items():
        before = sealed is not None and _instant(fact.row["recorded_at"]) <= sealed
        if key not in entered and fact.row["run_id"] is None and not before:
            yield Finding("evidence", key, "the ledger has no entry of it")


def _determinations(good: dict[RowKind, dict[str, Stored]]) -> Iterator[Finding]:
    facts = good[RowKind.EVIDENCE]
    for key, stored in good[RowKind.DETERMINATION].items():
        if hashlib.sha256(verdict_digest(stored.row["verdict"])).hexdigest() != stored.row["digest"]:
            yield Finding("determinations", key, "the verdict does not fit its hash")
        if any(fact not in facts for fact in stored.row["inputs"]["evidence"]):
            yield Finding("determinations", key, "a fact that it rests on is missing")
    for key, stored in good[RowKind.PASS].items():
        if any(fact not in facts for fact in stored.row["evidence"]):
            yield Finding("silent_passes", key, "a fact that it rests on is missing")


def _standings(
    unit: Unit, good: dict[RowKind, dict[str, Stored]], told: Sequence[dict[str, Any]], imported: Imported
) -> Iterator[Finding]:
    changes = {entry["entitlement"]: entry for entry in told if entry["event"] == LedgerEvent.STANDING_CHANGED}
    passes = good[RowKind.PASS]
    times = chunk_times(unit.db, {stored.row["run_id"] for stored in passes.values()})
    decided: dict[str, list[tuple[datetime, str]]] = {}
    for key, stored in passes.items():
        at = times.get((stored.row["run_id"], stored.row["chunk"]))
        if at is None:
            yield Finding("silent_passes", key, "its chunk is missing")
            continue
        decided.setdefault(stored.row["entitlement_id"], []).append((at, key))
    for key, stored in good[RowKind.DETERMINATION].items():
        decided.setdefault(stored.row["entitlement_id"], []).append((_instant(stored.row["created_at"]), key))
    for key, stored in good[RowKind.FIRST].items():
        if (done_at := imported.done_at(stored.row)) is not None:  # ``Imported.check`` reports the others
            decided.setdefault(stored.row["entitlement_id"], []).append((done_at, key))
    for entry in told:
        if entry["event"] == LedgerEvent.STANDING_CHANGED and "determined" in entry:
            determination = good[RowKind.DETERMINATION].get(entry["determined"])
            if determination is None:
                yield Finding("determinations", entry["determined"], "the ledger names it, and it is missing")
            elif digest(determination.row["verdict"]).hex() != entry["verdict"]:
                yield Finding("determinations", determination.key, "the verdict is not that of the ledger")
    for key, stored in good[RowKind.STANDING].items():
        expected = _expected(stored.row["determination_id"], good, imported)
        yield from _standing(key, stored.row, decided.get(key, []), changes.get(key), expected, good)


def _standing(
    key: str,
    row: dict[str, Any],
    decided: list[tuple[datetime, str]],
    change: dict[str, Any] | None,
    expected: dict[str, Any],
    good: dict[RowKind, dict[str, Stored]],
) -> Iterator[Finding]:
    rests_on = row["determination_id"]
    if rests_on is None:
        if decided or change is not None or row["standing"] is not None or row["payment"] != "continue":
            yield Finding("entitlements", key, "it was determined, and the row says that it was not")
        return
    at = next((instant for instant, name in decided if name == rests_on), None)
    if at is None:
        yield Finding("entitlements", key, "the determination that it rests on is missing")
        return
    if max(decided)[0] > at:
        yield Finding("entitlements", key, "it rests on an earlier determination than the last")
    whole = good[RowKind.DETERMINATION].get(rests_on)
    for name, value in expected.items():
        if row[name] != value:
            yield Finding("entitlements", key, f"{name} is not what was determined")
    if change is None:
        return
    changed_at = datetime.fromisoformat(change["at"])
    if whole is None:
        if changed_at > at:
            yield Finding("entitlements", key, "the ledger has a later change")
        return
    # A silent pass changes a standing without an entry of its own: after one, the entry says nothing about the row.
    passed_since = any(instant >= changed_at and name in good[RowKind.PASS] for instant, name in decided)
    said = tuple(change[name] for name in ("after", "payment", "valid_until", "back_pay_from"))
    if not passed_since and said != tuple(row[name] for name in _LEDGER_SAYS):
        yield Finding("entitlements", key, "it is not what the ledger's last entry about it says")


def _expected(rests_on: str | None, good: dict[RowKind, dict[str, Stored]], imported: Imported) -> dict[str, Any]:
    """Return what a pension says that rests on this determination, of whatever kind."""
    if rests_on in good[RowKind.DETERMINATION]:
        return _of_verdict(good[RowKind.DETERMINATION][rests_on].row["verdict"])
    if rests_on in good[RowKind.PASS]:
        return _of_pass(good[RowKind.PASS][rests_on].row)
    verdict = imported.verdict(good[RowKind.FIRST][rests_on].row) if rests_on in good[RowKind.FIRST] else None
    return _of_verdict(verdict) if verdict else {}


def _of_verdict(verdict: dict[str, Any]) -> dict[str, Any]:
    certified = verdict["standing"] == "certified"
    return {
        "standing": verdict["standing"],
        "payment": verdict["payment"],
        "next_step": verdict["next_step"],
        "valid_until": verdict["valid_until"] if certified else None,
        "due_on": verdict["timetable"]["due_on"],
        "proven_on": verdict["proven_on"],
    }


def _of_pass(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "standing": "certified",
        "payment": "continue",
        "valid_until": row["valid_until"],
        "proven_on": row["proven_on"],
    }


def _certificates(stored: dict[str, Stored], told: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    last: dict[str, dict[str, Any]] = {}
    for entry in told:
        if entry["event"] in _CERTIFICATE_STATES:
            last[entry["number"]] = entry
    for number, entry in last.items():
        row = stored.get(number)
        if row is None:
            yield Finding("certificates", number, "the ledger names it, and it is missing")
        elif (row.row["state"], row.row["reason"]) != (
            _CERTIFICATE_STATES[LedgerEvent(entry["event"])],
            entry.get("reason"),
        ):
            yield Finding("certificates", number, "it is not what the ledger's last entry about it says")
    for number in stored.keys() - last.keys():
        yield Finding("certificates", number, "the ledger has no entry of it")


def _cases(stored: dict[str, Stored], told: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    last: dict[str, dict[str, Any]] = {}
    for entry in told:
        if entry["event"] in (LedgerEvent.REVIEW_OPENED, LedgerEvent.REVIEW_CLOSED):
            last[entry["case"]] = entry
    for case, entry in last.items():
        row = stored.get(case)
        closed = entry["event"] == LedgerEvent.REVIEW_CLOSED
        if row is None:
            yield Finding("review_cases", case, "the ledger names it, and it is missing")
        elif (row.row["state"] == "closed") != closed or (closed and row.row["resolution"] != entry["resolution"]):
            yield Finding("review_cases", case, "it is not what the ledger's last entry about it says")
    for case in stored.keys() - last.keys():
        yield Finding("review_cases", case, "the ledger has no entry of it")


def _proposals(stored: dict[str, Stored], told: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    last = {entry["proposal"]: entry for entry in told if entry["event"] in _PROPOSAL_STATES}
    for proposal, entry in last.items():
        row = stored.get(proposal)
        if row is None:
            yield Finding("proposals", proposal, "the ledger names it, and it is missing")
        elif row.row["state"] != _PROPOSAL_STATES[LedgerEvent(entry["event"])]:
            yield Finding("proposals", proposal, "it is not what the ledger's last entry about it says")
    for proposal in stored.keys() - last.keys():
        yield Finding("proposals", proposal, "the ledger has no entry of it")


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
