"""References may be templates of another system, may come from a confirmed proof, and are retired; their day is kept.

The new column is empty in the rows that are there. Their MAC binds it only where it is not (certify/storage/row_macs.py).
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None

# As they were known before this revision.
STATES = ("pending", "active", "refused")
PROVENANCES = ("document", "register", "camera", "unknown")


def upgrade() -> None:
    op.add_column("face_references", sa.Column("taken_on", sa.Date(), nullable=True))
    _know("state", *STATES, "retired")
    _know("provenance", *PROVENANCES, "proof", "template")


def downgrade() -> None:
    """Delete what the earlier release does not know. People who had only templates are enrolled again."""
    op.execute("delete from face_references where state = 'retired' or provenance in ('proof', 'template')")
    _know("state", *STATES)
    _know("provenance", *PROVENANCES)
    op.drop_column("face_references", "taken_on")


def _know(column: str, *words: str) -> None:
    name = op.f(f"ck_face_references_{column}_known")
    op.drop_constraint(name, "face_references")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "face_references", f"{column} in ({listed})")
