"""Visits without contact end; each visit names the bundle that ended it; agents have a base."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("visits", sa.Column("bundle_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_visits_bundle_id"), "visits", "bundles", ["bundle_id"], ["id"])
    op.create_unique_constraint(op.f("uq_visits_bundle_id"), "visits", ["bundle_id"])
    op.drop_constraint(op.f("ck_visits_state_known"), "visits")
    op.create_check_constraint(
        op.f("ck_visits_state_known"), "visits", "state in ('asked', 'planned', 'cancelled', 'made', 'missed')"
    )
    op.execute(
        "update visits set bundle_id = (select id from bundles where visit_id = visits.id and state = 'opened'"
        " and result <> 'not_found' order by opened_at desc limit 1) where state = 'made'"
    )
    # Visits without contact stayed open under their id, so that the service took the next one for a repetition.
    op.execute("update visits set id = gen_random_uuid() where state in ('asked', 'planned') and tries > 0")
    for column in ("base_latitude", "base_longitude"):
        op.add_column("agents", sa.Column(column, sa.Double(), nullable=True))


def downgrade() -> None:
    for column in ("base_latitude", "base_longitude"):
        op.drop_column("agents", column)
    op.execute("update visits set state = 'cancelled' where state = 'missed'")
    op.drop_constraint(op.f("ck_visits_state_known"), "visits")
    op.create_check_constraint(
        op.f("ck_visits_state_known"), "visits", "state in ('asked', 'planned', 'cancelled', 'made')"
    )
    op.drop_column("visits", "bundle_id")
