"""Whose number was entered for a session in which no face can be compared: a visit wished for there is theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("capture_sessions", sa.Column("named_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_capture_sessions_named_id_beneficiaries"), "capture_sessions", "beneficiaries", ["named_id"], ["id"]
    )
    op.create_index(
        "ix_capture_sessions_named_id",
        "capture_sessions",
        ["named_id"],
        postgresql_where=sa.text("named_id is not null"),
    )


def downgrade() -> None:
    op.drop_column("capture_sessions", "named_id")
