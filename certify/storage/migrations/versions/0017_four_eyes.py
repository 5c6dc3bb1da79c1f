"""Proposals and their audit, who enrolled whom and who opened which case, and what an erasure may change."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

# As they were known at this revision; later ones need a migration of their own.
ACTIONS = ("stop", "confirm_alive", "no_change", "revoke", "erase", "replace_reference", "admit_visit")
STATES = ("proposed", "waiting", "carried_out", "refused", "recalled", "expired")
OUTCOMES = ("upheld", "wrong")

# Tables of facts about people that stay when a person is erased, without what could still name them.
ERASABLE = ("evidence", "determinations", "silent_passes")

# An erasure may take three values out of rows that are otherwise never changed, and from an erased person's rows only.
# "mac" is the seal of a row, which is made again.
GUARD = """
    create function certify_erase_only() returns trigger language plpgsql as $$
    declare
        before jsonb := to_jsonb(old) - 'mac';
        after jsonb := to_jsonb(new) - 'mac';
    begin
        if tg_table_name = 'evidence' then
            before := jsonb_set(before, '{external_id}', to_jsonb('erased:' || (before ->> 'id')));
        elsif tg_table_name = 'determinations' then
            before := jsonb_set(before, '{inputs,entitlement,birth_date}', 'null');
        else
            before := jsonb_set(before, '{birth_date}', 'null');
        end if;
        if before is distinct from after or not exists (
            select from beneficiaries b where b.id = old.beneficiary_id and b.erased_at is not null
        ) then
            raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
        end if;
        return new;
    end $$
"""

# The ledger says who did it. The oldest entry counts.
ENROLLED_BY = """
    update beneficiaries b set enrolled_by = found.by from (
        select distinct on (beneficiary_id) beneficiary_id, convert_from(entry, 'UTF8')::jsonb ->> 'by' as by
        from ledger_leaves where position('"event":"person_enrolled"'::bytea in entry) > 0
        order by beneficiary_id, index
    ) found where found.beneficiary_id = b.id
"""
OPENED_BY = """
    update review_cases c set opened_by = found.by from (
        select entry ->> 'case' as id, entry ->> 'by' as by from (
            select convert_from(entry, 'UTF8')::jsonb as entry from ledger_leaves
            where position('"event":"review_opened"'::bytea in entry) > 0
        ) opened
    ) found where found.id = c.id::text
"""

# What earlier releases left of people who were erased.
FORGET = (
    "update evidence e set external_id = 'erased:' || e.id from erased p where e.beneficiary_id = p.id",
    """update determinations d set inputs = jsonb_set(d.inputs, '{entitlement,birth_date}', 'null')
    from erased p where d.beneficiary_id = p.id""",
    "update silent_passes s set birth_date = null from erased p where s.beneficiary_id = p.id",
    "delete from consents c using erased p where c.beneficiary_id = p.id",
    "delete from link_questions q using erased p where q.beneficiary_id = p.id",
    """update capture_sessions s set report = null, plan = null, media_sha256 = null, source = null, device = null,
    guidance = '{}' from erased p where s.beneficiary_id = p.id""",
    """update bundles b set details_sealed = null, media_sha256 = '{}' from erased p where b.beneficiary_id = p.id""",
    "update visit_traces t set sealed = '', background = '{}' from erased p where t.beneficiary_id = p.id",
    "update audits a set note = null from erased p where a.beneficiary_id = p.id",
    """update entitlements e set last_proof_on = null, proven_on = null, next_change_on = null
    from erased p where e.beneficiary_id = p.id""",
)


def upgrade() -> None:
    op.add_column("beneficiaries", sa.Column("enrolled_by", sa.String(), nullable=True))
    op.add_column("review_cases", sa.Column("opened_by", sa.String(), nullable=True))
    op.execute(ENROLLED_BY)
    op.execute(OPENED_BY)
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("text_plain", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"action in ({_listed(ACTIONS)})", name=op.f("ck_proposals_action_known")),
        sa.CheckConstraint(f"state in ({_listed(STATES)})", name=op.f("ck_proposals_state_known")),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_proposals_beneficiary_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index(
        "uq_proposals_open",
        "proposals",
        ["action", "target"],
        unique=True,
        postgresql_where=sa.text("state in ('proposed', 'waiting')"),
    )
    op.create_index(op.f("ix_proposals_state_proposed_at"), "proposals", ["state", "proposed_at"])
    op.create_index(op.f("ix_proposals_beneficiary_id"), "proposals", ["beneficiary_id"])
    op.create_table(
        "ruling_audits",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("checked_by", sa.String(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"outcome in ({_listed(OUTCOMES)})", name=op.f("ck_ruling_audits_outcome_known")),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_ruling_audits_beneficiary_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_ruling_audits_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_ruling_audits")),
    )
    op.create_index(op.f("ix_ruling_audits_beneficiary_id"), "ruling_audits", ["beneficiary_id"])
    op.create_index(op.f("ix_ruling_audits_drawn_at"), "ruling_audits", ["drawn_at"])
    op.execute(GUARD)
    for table in ERASABLE:
        op.execute(f"drop trigger append_only on {table}")
        op.execute(
            f"create trigger append_only before delete or truncate on {table} "
            "for each statement execute function certify_append_only()"
        )
        op.execute(
            f"create trigger erase_only before update on {table} for each row execute function certify_erase_only()"
        )
    # The row of id zero belongs to decoy sessions and is not a person.
    op.execute(
        """create temp table erased on commit drop as select id from beneficiaries
        where erased_at is not null and id <> '00000000-0000-0000-0000-000000000000'"""
    )
    for statement in FORGET:
        op.execute(statement)
    op.execute("drop table erased")


def downgrade() -> None:
    for table in ERASABLE:
        op.execute(f"drop trigger erase_only on {table}")
        op.execute(f"drop trigger append_only on {table}")
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function certify_append_only()"
        )
    op.execute("drop function certify_erase_only()")
    op.drop_table("ruling_audits")
    op.drop_table("proposals")
    op.drop_column("review_cases", "opened_by")
    op.drop_column("beneficiaries", "enrolled_by")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
