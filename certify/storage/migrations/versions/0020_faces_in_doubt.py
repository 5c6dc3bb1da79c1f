"""An officer compares faces that do not match well enough."""

from alembic import op

revision = "0020"
down_revision = "0019"
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
    "visit_attested",
    "visit_not_found",
    "visit_moved",
    "visit_refused",
    "duplicate_face",
)


def upgrade() -> None:
    _know(*KINDS, "face_in_doubt")


def downgrade() -> None:
    op.execute("delete from review_cases where kind = 'face_in_doubt'")
    _know(*KINDS)


def _know(*words: str) -> None:
    name = op.f("ck_review_cases_kind_known")
    op.drop_constraint(name, "review_cases")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "review_cases", f"kind in ({listed})")
