"""Rows carry a MAC, reads are journalled, and the nightly audit keeps its results."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SEALED = (
    *("evidence", "determinations", "silent_passes", "entitlements", "certificates", "review_cases"),
    "ledger_leaves",
)


def upgrade() -> None:
    for table in SEALED:
        op.add_column(table, sa.Column("mac", sa.LargeBinary(), nullable=True))
    op.add_column("run_chunks", sa.Column("facts_digest", sa.LargeBinary(), nullable=True))
    op.create_table(
        "access_journal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("people", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_journal")),
    )
    op.create_index(op.f("ix_access_journal_at"), "access_journal", ["at"])
    op.create_index(op.f("ix_access_journal_subject_id"), "access_journal", ["subject", "id"])
    op.create_index(op.f("ix_access_journal_people"), "access_journal", ["people"], postgresql_using="gin")
    op.create_table(
        "standing_audits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after", sa.Uuid(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_audits")),
    )
    # The run-time role may not delete from the journal; it may only let the owner's function forget what is old.
    op.execute("""
        create function certify_forget_reads(before timestamptz) returns bigint
        language sql security definer set search_path = public, pg_temp as $$
            with gone as (
                delete from access_journal where at < least(before, now() - interval '30 days') returning 1
            ) select count(*) from gone
        $$
    """)
    op.execute("revoke execute on function certify_forget_reads(timestamptz) from public")


def downgrade() -> None:
    op.execute("drop function certify_forget_reads(timestamptz)")
    op.drop_table("standing_audits")
    op.drop_table("access_journal")
    op.drop_column("run_chunks", "facts_digest")
    for table in SEALED:
        op.drop_column(table, "mac")
