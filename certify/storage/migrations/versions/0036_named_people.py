"""People named at the door of whom no photo can be compared, and reports of somebody at the door who is no agent."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None

# As they were known before this revision.
KINDS = (
    "adverse_record",
    "overdue",
    "question",
    "other_path",
    "visit",
    "appeal",
    "proof_in_person",
    "not_me",
    "photo_not_processed",
    "link",
    "false_pass",
    "face_in_doubt",
    "visit_attested",
    "visit_not_found",
    "visit_moved",
    "visit_refused",
    "duplicate_face",
    "entitlement_ends",
    "review_due",
)


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
    op.create_table(
        "door_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_door_reports_agent_id_agents")),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_door_reports_beneficiary_id_beneficiaries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door_reports")),
    )
    op.create_index(op.f("ix_door_reports_made_at"), "door_reports", ["made_at"])
    op.create_index(op.f("ix_door_reports_beneficiary_id"), "door_reports", ["beneficiary_id"])
    _know(*KINDS, "agent_reported")


def downgrade() -> None:
    op.execute("delete from review_cases where kind = 'agent_reported'")
    _know(*KINDS)
    op.drop_table("door_reports")
    op.drop_column("capture_sessions", "named_id")


def _know(*words: str) -> None:
    name = op.f("ck_review_cases_kind_known")
    op.drop_constraint(name, "review_cases")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "review_cases", f"kind in ({listed})")
