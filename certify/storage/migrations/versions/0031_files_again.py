"""A file may come again after another one: a good file repairs a bad one."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("uq_runs_feed_sha256", "runs")
    op.create_index("ix_runs_feed_sha256", "runs", ["feed", "sha256"])


def downgrade() -> None:
    op.drop_index("ix_runs_feed_sha256", "runs")
    op.create_unique_constraint("uq_runs_feed_sha256", "runs", ["feed", "sha256"])
