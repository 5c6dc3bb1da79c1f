"""Attestations can be drawn for the audit, by institution; proposals and references carry a MAC; counter sessions are marked.

Rows that are there keep no MAC until 'certify ledger seal' has sealed them: it needs the master key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


SEALED = ("proposals", "face_references")


def upgrade() -> None:
    for table in SEALED:
        op.add_column(table, sa.Column("mac", sa.LargeBinary(), nullable=True))
    op.add_column("audits", sa.Column("institution", sa.String(), nullable=True))
    op.add_column(
        "capture_sessions", sa.Column("at_counter", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.drop_constraint(op.f("ck_audits_cause_known"), "audits")
    op.create_check_constraint(
        op.f("ck_audits_cause_known"), "audits", "cause in ('silent', 'no_possession', 'attestation')"
    )


def downgrade() -> None:
    op.execute("delete from secrets where name in ('row-mac-2', 'row-mac-2:sealing')")
    for table in SEALED:
        op.drop_column(table, "mac")
    op.drop_column("capture_sessions", "at_counter")
    op.execute("delete from audits where cause = 'attestation'")
    op.drop_constraint(op.f("ck_audits_cause_known"), "audits")
    op.create_check_constraint(op.f("ck_audits_cause_known"), "audits", "cause in ('silent', 'no_possession')")
    op.drop_column("audits", "institution")
