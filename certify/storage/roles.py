"""Give the run-time role what a running service needs, and nothing with which history could be changed.

The owner migrates. The run-time role reads and writes rows, but changes no table, disables no trigger, and neither
changes nor deletes rows of tables that only grow (docs/decisions/0028).
"""

from __future__ import annotations

from sqlalchemy import Connection, text

RUNTIME = "certify_runtime"
"""Name of the run-time role of an embedded database. A database of your own may name it otherwise."""

APPEND_ONLY = (
    *("evidence", "determinations", "silent_passes", "policies", "parameters", "run_chunks"),
    *("import_chunks", "first_determinations"),
    *("ledger_leaves", "ledger_nodes", "ledger_checkpoints", "access_journal"),
)
"""Tables that only grow: the run-time role inserts and reads."""

_ERASABLE = (
    *(("evidence", "external_id"), ("determinations", "inputs"), ("silent_passes", "birth_date")),
    ("first_determinations", "entitlement"),
)
"""What an erasure takes out of rows that are otherwise never changed (docs/decisions/0022)."""

_SCHEMAS = "public, jobs"


def grant(connection: Connection, role: str) -> None:
    """Give a role the rights of the run-time role, and take all others from it.

    Args:
        connection: of the owner, in a transaction.
        role: name of the role; nothing happens for the owner itself, or if there is no such role.
    """
    known = text("select quote_ident(rolname) from pg_roles where rolname = :role and rolname <> current_user")
    name = connection.scalar(known, {"role": role})
    if name is None:
        return
    here = connection.scalars(
        text("select tablename from pg_tables where schemaname = 'public' and tablename = any(:names)"),
        {"names": list(APPEND_ONLY)},
    ).all()
    for statement in (
        "revoke create on schema public from public",
        f"grant usage on schema {_SCHEMAS} to {name}",
        f"grant select, insert, update, delete on all tables in schema {_SCHEMAS} to {name}",
        f"grant usage, select on all sequences in schema {_SCHEMAS} to {name}",
        f"revoke insert, update, delete on alembic_version from {name}",
        f"revoke truncate, references, trigger on all tables in schema {_SCHEMAS} from {name}",
        *(f"revoke update, delete on {table} from {name}" for table in here),
        # Only for an erasure; a trigger lets nothing else pass.
        *(f"grant update ({column}, mac) on {table} to {name}" for table, column in _ERASABLE if table in here),
    ):
        connection.execute(text(statement))
    if "access_journal" in here:
        connection.execute(text(f"grant execute on function certify_forget_reads(timestamptz) to {name}"))
