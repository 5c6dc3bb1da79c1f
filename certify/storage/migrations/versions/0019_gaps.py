"""Attestations can be drawn for the audit, by institution."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audits", sa.Column("institution", sa.String(), nullable=True))
    op.drop_constraint(op.f("ck_audits_cause_known"), "audits")
    op.create_check_constraint(
        op.f("ck_audits_cause_known"), "audits", "cause in ('silent', 'no_possession', 'attestation')"
    )


def downgrade() -> None:
    op.execute("delete from audits where cause = 'attestation'")
    op.drop_constraint(op.f("ck_audits_cause_known"), "audits")
    op.create_check_constraint(op.f("ck_audits_cause_known"), "audits", "cause in ('silent', 'no_possession')")
    op.drop_column("audits", "institution")
