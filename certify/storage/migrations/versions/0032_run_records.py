"""How each record of an adverse file ended, and which records a correction replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("early_voids", sa.Column("operation", sa.String(), server_default="void", nullable=False))
    op.alter_column("early_voids", "operation", server_default=None)
    op.create_table(
        "run_records",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_records_run_id_runs")),
        sa.PrimaryKeyConstraint("run_id", "row", name=op.f("pk_run_records")),
    )
    op.create_index(op.f("ix_run_records_number"), "run_records", ["number"])


def downgrade() -> None:
    op.drop_table("run_records")
    # Corrections stand in the table of voids only since this version.
    op.execute("delete from early_voids where operation <> 'void'")
    op.drop_column("early_voids", "operation")
