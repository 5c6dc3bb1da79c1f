"""Challenges: what a session asks, and from which device; videos on their way, in chunks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("capture_sessions", sa.Column("profile", sa.String(), nullable=True))
    op.add_column("capture_sessions", sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("capture_sessions", sa.Column("device", sa.LargeBinary(), nullable=True))
    op.add_column(
        "capture_sessions", sa.Column("assisted", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_capture_sessions_profile_known"),
        "capture_sessions",
        "profile in ('standard', 'gentle', 'light', 'doorstep')",
    )
    op.create_index(op.f("ix_capture_sessions_device_created_at"), "capture_sessions", ["device", "created_at"])
    op.create_table(
        "uploads",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_uploads_beneficiary_id")),
        sa.ForeignKeyConstraint(["session_id"], ["capture_sessions.id"], name=op.f("fk_uploads_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_beneficiary_id"), "uploads", ["beneficiary_id"])
    op.create_table(
        "upload_chunks",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["uploads.session_id"], name=op.f("fk_upload_chunks_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "start", name=op.f("pk_upload_chunks")),
    )
    # As for blobs: sealed bytes do not compress.
    op.execute("alter table upload_chunks alter column sealed set storage external")


def downgrade() -> None:
    op.drop_table("upload_chunks")
    op.drop_index(op.f("ix_uploads_beneficiary_id"), table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_capture_sessions_device_created_at"), table_name="capture_sessions")
    op.drop_constraint(op.f("ck_capture_sessions_profile_known"), "capture_sessions", type_="check")
    for column in ("assisted", "device", "plan", "profile"):
        op.drop_column("capture_sessions", column)
