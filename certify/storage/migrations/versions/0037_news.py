"""How far the ledger was read for messages to people, and a small index of the silent passes of a chunk.

Reading begins at the end of the ledger as it is now: what happened before the upgrade is not told.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_marks",
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_reading_marks")),
    )
    op.execute("insert into reading_marks select 'news', coalesce(max(index) + 1, 0) from ledger_leaves")
    # The rows of a chunk lie side by side, so a range for each block is enough, and inserting costs next to nothing.
    op.create_index("ix_silent_passes_run_id_chunk", "silent_passes", ["run_id", "chunk"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_index("ix_silent_passes_run_id_chunk", table_name="silent_passes")
    op.drop_table("reading_marks")
