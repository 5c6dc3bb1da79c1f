"""Parameters: the fitted numbers that sessions were judged with, kept for replay."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "parameters",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_parameters")),
    )
    op.execute(
        "create trigger append_only before update or delete or truncate on parameters "
        "for each statement execute function certify_append_only()"
    )


def downgrade() -> None:
    op.drop_table("parameters")
