"""Evidence names the institution and the principal behind it, and references name where their picture came from.

What is stored already has neither. An old fact counts as its own source, as ``decide`` reads it too; the caller is not
known any more. The provenance of an old reference is ``unknown``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows of these tables are never changed, so the triggers that guard them are set aside for this one statement.
    op.add_column("evidence", sa.Column("institution", sa.String(), nullable=True))
    op.add_column("evidence", sa.Column("principal", sa.String(), nullable=True))
    op.execute("alter table evidence disable trigger user")
    op.execute("update evidence set institution = source, principal = source")
    op.execute("alter table evidence enable trigger user")
    op.alter_column("evidence", "institution", nullable=False)
    op.alter_column("evidence", "principal", nullable=False)
    op.add_column("face_references", sa.Column("provenance", sa.String(), nullable=False, server_default="unknown"))
    op.add_column("face_references", sa.Column("provenance_of", sa.String(), nullable=True))
    op.add_column("face_references", sa.Column("added_by", sa.String(), nullable=False, server_default="unknown"))
    op.alter_column("face_references", "provenance", server_default=None)
    op.alter_column("face_references", "added_by", server_default=None)
    op.create_check_constraint(
        op.f("ck_face_references_provenance_known"),
        "face_references",
        "provenance in ('document', 'register', 'camera', 'unknown')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_face_references_provenance_known"), "face_references")
    for column in ("added_by", "provenance_of", "provenance"):
        op.drop_column("face_references", column)
    for column in ("principal", "institution"):
        op.drop_column("evidence", column)
