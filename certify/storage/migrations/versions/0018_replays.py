"""Copies of photos and films are recognised by their faces; references are searched for the faces of other people."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
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
)

ACTIONS = ("stop", "confirm_alive", "no_change", "revoke", "erase", "replace_reference", "admit_visit")


def upgrade() -> None:
    op.create_table(
        "face_prints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_face_prints_beneficiary_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_prints")),
    )
    op.create_index(op.f("ix_face_prints_beneficiary_id"), "face_prints", ["beneficiary_id"])
    op.create_table(
        "duplicate_faces",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("other_reference_id", sa.Uuid(), nullable=False),
        sa.Column("llr", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "answer in ('two_people', 'wrong_reference')", name=op.f("ck_duplicate_faces_answer_known")
        ),
        sa.ForeignKeyConstraint(
            ["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_duplicate_faces_beneficiary_id")
        ),
        sa.ForeignKeyConstraint(["other_id"], ["beneficiaries.id"], name=op.f("fk_duplicate_faces_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_faces")),
    )
    op.create_index(op.f("ix_duplicate_faces_beneficiary_id"), "duplicate_faces", ["beneficiary_id"])
    op.create_index(op.f("ix_duplicate_faces_other_id"), "duplicate_faces", ["other_id"])
    # Faces that were enrolled before get numbers too: new ones are searched among them.
    op.execute("create sequence face_numbers")
    op.add_column("face_references", sa.Column("number", sa.BigInteger(), nullable=True))
    op.execute(
        "update face_references r set number = nextval('face_numbers') "
        "from (select id from face_references where state = 'active' order by created_at, id) o where o.id = r.id"
    )
    op.create_unique_constraint(op.f("uq_face_references_number"), "face_references", ["number"])
    _know("review_cases", "kind", *KINDS, "duplicate_face")
    _know("proposals", "action", *ACTIONS, "two_people", "wrong_reference")


def downgrade() -> None:
    op.execute("delete from review_cases where kind = 'duplicate_face'")
    op.execute("delete from proposals where action in ('two_people', 'wrong_reference')")
    _know("review_cases", "kind", *KINDS)
    _know("proposals", "action", *ACTIONS)
    op.drop_constraint(op.f("uq_face_references_number"), "face_references", type_="unique")
    op.drop_column("face_references", "number")
    op.execute("drop sequence face_numbers")
    op.drop_table("duplicate_faces")
    op.drop_table("face_prints")


def _know(table: str, column: str, *words: str) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, table, f"{column} in ({listed})")
