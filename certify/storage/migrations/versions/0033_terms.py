"""The terms of a pension (amount, end of the award, review), and the cases and actions about them. Stored pensions have none."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

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
    "face_in_doubt",
    "visit_attested",
    "visit_not_found",
    "visit_moved",
    "visit_refused",
    "duplicate_face",
)
NEW_KINDS = ("entitlement_ends", "review_due")
ACTIONS = (
    "stop",
    "confirm_alive",
    "no_change",
    "revoke",
    "erase",
    "replace_reference",
    "admit_visit",
    "two_people",
    "wrong_reference",
)
NEW_ACTIONS = ("condition_met", "part_payable", "record_changes_nothing")

# As in migration 0030. An erasure also takes the terms of the pension out of a determination.
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
                #- '{inputs,entitlement,first_due_on}'%s;
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
    op.add_column("entitlements", sa.Column("terms", sa.String(), nullable=True))
    op.execute(GUARD % " #- '{inputs,entitlement,terms}'")
    _know("review_cases", "kind", *KINDS, *NEW_KINDS)
    _know("proposals", "action", *ACTIONS, *NEW_ACTIONS)


def downgrade() -> None:
    op.execute(f"delete from review_cases where kind in ({_listed(NEW_KINDS)})")
    op.execute(f"delete from proposals where action in ({_listed(NEW_ACTIONS)})")
    _know("review_cases", "kind", *KINDS)
    _know("proposals", "action", *ACTIONS)
    op.execute(GUARD % "")
    op.drop_column("entitlements", "terms")


def _know(table: str, column: str, *words: str) -> None:
    name = op.f(f"ck_{table}_{column}_known")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} in ({_listed(words)})")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
