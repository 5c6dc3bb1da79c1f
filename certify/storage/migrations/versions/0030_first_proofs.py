"""The day before which the first proof of a pension is not due that was taken over. Pensions that are stored have none."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0025"
branch_labels = None
depends_on = None

# As in migration 0017. An erasure also takes the day of the first proof out of a determination: mostly a birthday.
GUARD = """
    create or replace function certify_erase_only() returns trigger language plpgsql as $$
    declare
        before jsonb := to_jsonb(old) - 'mac';
        after jsonb := to_jsonb(new) - 'mac';
    begin
        if tg_table_name = 'evidence' then
            before := jsonb_set(before, '{external_id}', to_jsonb('erased:' || (before ->> 'id')));
        elsif tg_table_name = 'determinations' then
            before := jsonb_set(before, '{inputs,entitlement,birth_date}', 'null')%s;
        else
            before := jsonb_set(before, '{birth_date}', 'null');
        end if;
        if before is distinct from after or not exists (
            select from beneficiaries b where b.id = old.beneficiary_id and b.erased_at is not null
        ) then
            raise exception '%% is append-only', tg_table_name using errcode = 'restrict_violation';
        end if;
        return new;
    end $$
"""


def upgrade() -> None:
    op.add_column("entitlements", sa.Column("first_due_on", sa.Date(), nullable=True))
    op.execute(GUARD % " #- '{inputs,entitlement,first_due_on}'")


def downgrade() -> None:
    op.execute(GUARD % "")
    op.drop_column("entitlements", "first_due_on")
