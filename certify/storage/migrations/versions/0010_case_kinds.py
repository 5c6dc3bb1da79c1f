"""Review cases are of a known kind."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As they were known at this revision; later ones need a migration of their own.
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
)


def upgrade() -> None:
    listed = ", ".join(f"'{kind}'" for kind in KINDS)
    op.create_check_constraint(op.f("ck_review_cases_kind_known"), "review_cases", f"kind in ({listed})")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_review_cases_kind_known"), "review_cases")
