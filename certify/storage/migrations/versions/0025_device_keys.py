"""Sessions say whether the phone proved its key. No phone has yet, so each shows possession once more to become known."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "capture_sessions", sa.Column("device_proved", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("capture_sessions", "device_proved")
