"""Live captures: where the media of a session came from, and perceptual hashes to recognise them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("capture_sessions", sa.Column("source", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


    op.create_table(
        "session_prints",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("bands", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("frames", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_session_prints_beneficiary_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["capture_sessions.id"], name=op.f("fk_session_prints_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session_prints")),
    )
    op.create_index(op.f("ix_session_prints_beneficiary_id"), "session_prints", ["beneficiary_id"])
    op.create_index("ix_session_prints_bands", "session_prints", ["bands"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("session_prints")
    op.drop_column("capture_sessions", "source")
