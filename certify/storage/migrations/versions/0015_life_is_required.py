"""Sessions say whether possession was shown, and audits may be of captures."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("capture_sessions", sa.Column("possession", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_capture_sessions_possession_known"),
        "capture_sessions",
        "possession in ('shown', 'missing', 'not_asked')",
    )
    # Media that were sent before, or enrolled, are found by their hash.
    op.create_index(op.f("ix_capture_sessions_media_sha256"), "capture_sessions", ["media_sha256"])
    op.create_index(op.f("ix_face_references_media_sha256"), "face_references", ["media_sha256"])
    op.drop_constraint(op.f("fk_audits_pass_id"), "audits", type_="foreignkey")
    op.alter_column("audits", "run_id", nullable=True)
    op.add_column("audits", sa.Column("cause", sa.String(), server_default=sa.text("'silent'"), nullable=False))
    op.create_check_constraint(op.f("ck_audits_cause_known"), "audits", "cause in ('silent', 'no_possession')")


def downgrade() -> None:
    op.execute("delete from audits where cause <> 'silent'")
    op.drop_constraint(op.f("ck_audits_cause_known"), "audits")
    op.drop_column("audits", "cause")
    op.alter_column("audits", "run_id", nullable=False)
    op.create_foreign_key(op.f("fk_audits_pass_id"), "audits", "silent_passes", ["pass_id"], ["id"])
    op.drop_index(op.f("ix_face_references_media_sha256"), table_name="face_references")
    op.drop_index(op.f("ix_capture_sessions_media_sha256"), table_name="capture_sessions")
    op.drop_constraint(op.f("ck_capture_sessions_possession_known"), "capture_sessions")
    op.drop_column("capture_sessions", "possession")
