"""Imports of people: their chunks, and the determinations that they give in brief."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# As in migration 0033, and for the pension of a first determination the same as for that of a determination.
GUARD = """
    create or replace function certify_erase_only() returns trigger language plpgsql as $$
    declare
        before jsonb := to_jsonb(old) - 'mac';
        after jsonb := to_jsonb(new) - 'mac';
    begin
        if tg_table_name = 'evidence' then
            before := jsonb_set(before, '{external_id}', to_jsonb('erased:' || (before ->> 'id')));
        elsif tg_table_name = 'determinations' then
            before := jsonb_set(before, '{inputs,entitlement,birth_date}', 'null')
                #- '{inputs,entitlement,first_due_on}' #- '{inputs,entitlement,terms}';
        %selse
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
FIRST = """elsif tg_table_name = 'first_determinations' then
            before := jsonb_set(before, '{entitlement,birth_date}', 'null') #- '{entitlement,first_due_on}'
                #- '{entitlement,terms}';
        """


def upgrade() -> None:
    op.create_table(
        "import_chunks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.Column("policies", postgresql.JSONB(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_chunks")),
    )
    op.create_table(
        "first_determinations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chunk_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("entitlement", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_determinations")),
    )
    op.create_index(op.f("ix_first_determinations_beneficiary_id"), "first_determinations", ["beneficiary_id"])
    op.execute(GUARD % FIRST)
    op.execute(
        "create trigger append_only before update or delete or truncate on import_chunks "
        "for each statement execute function certify_append_only()"
    )
    op.execute(
        "create trigger append_only before delete or truncate on first_determinations "
        "for each statement execute function certify_append_only()"
    )
    op.execute(
        "create trigger erase_only before update on first_determinations for each row "
        "execute function certify_erase_only()"
    )


def downgrade() -> None:
    op.drop_table("first_determinations")
    op.drop_table("import_chunks")
    op.execute(GUARD % "")
