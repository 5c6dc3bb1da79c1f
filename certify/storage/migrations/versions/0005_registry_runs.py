"""Runs of registry feeds: files, chunks, silent passes, questions about links, audits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('feed', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('description', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('shape', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('departures', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.Column('parameters', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('staging_key', sa.LargeBinary(), nullable=True),
    sa.Column('chunks', sa.Integer(), nullable=True),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('seconds', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('held', 'ready', 'linked', 'done', 'refused')", name=op.f('ck_runs_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_runs')),
    sa.UniqueConstraint('feed', 'sha256', name=op.f('uq_runs_feed_sha256'))
    )
    op.create_index(op.f('ix_runs_feed_started_at'), 'runs', ['feed', 'started_at'], unique=False)
    op.create_table('early_voids',
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('target', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_early_voids_run_id')),
    sa.PrimaryKeyConstraint('source', 'target', name=op.f('pk_early_voids'))
    )
    op.create_table('link_questions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(), nullable=False),
    sa.Column('adverse', sa.String(), nullable=False),
    sa.Column('event_on', sa.Date(), nullable=False),
    sa.Column('stage', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('weight', sa.Double(), nullable=False),
    sa.Column('levels', sa.String(), nullable=False),
    sa.Column('record_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('answered_by', sa.String(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('open', 'same', 'different', 'withdrawn')", name=op.f('ck_link_questions_state_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_link_questions_beneficiary_id')),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_link_questions_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link_questions')),
    sa.UniqueConstraint('source', 'external_id', name=op.f('uq_link_questions_source_external_id'))
    )
    op.create_index(op.f('ix_link_questions_beneficiary_id'), 'link_questions', ['beneficiary_id'], unique=False)
    op.create_table('run_chunks',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('chunk', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('policies', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_run_chunks_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'chunk', name=op.f('pk_run_chunks'))
    )
    op.create_table('silent_passes',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('chunk', sa.Integer(), nullable=False),
    sa.Column('entitlement_id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('scheme', sa.String(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('birth_date', sa.Date(), nullable=True),
    sa.Column('last_proof_on', sa.Date(), nullable=True),
    sa.Column('standing_before', sa.String(), nullable=True),
    sa.Column('proven_on', sa.Date(), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=False),
    sa.Column('evidence', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_silent_passes'))
    )
    op.create_index(op.f('ix_silent_passes_beneficiary_id'), 'silent_passes', ['beneficiary_id'], unique=False)
    op.create_table('audits',
    sa.Column('pass_id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('checked_by', sa.String(), nullable=True),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('note', sa.String(), nullable=True),
    sa.CheckConstraint("outcome in ('alive', 'false_pass', 'not_reached')", name=op.f('ck_audits_outcome_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_audits_beneficiary_id')),
    sa.ForeignKeyConstraint(['pass_id'], ['silent_passes.id'], name=op.f('fk_audits_pass_id')),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_audits_run_id')),
    sa.PrimaryKeyConstraint('pass_id', name=op.f('pk_audits'))
    )
    op.create_index(op.f('ix_audits_beneficiary_id'), 'audits', ['beneficiary_id'], unique=False)
    op.create_index(op.f('ix_audits_run_id'), 'audits', ['run_id'], unique=False)
    op.add_column('beneficiaries', sa.Column('sex', sa.String(), nullable=True))
    op.add_column('entitlements', sa.Column('proven_on', sa.Date(), nullable=True))
    op.add_column('entitlements', sa.Column('stopped_on', sa.Date(), nullable=True))
    op.add_column('entitlements', sa.Column('back_pay_from', sa.Date(), nullable=True))
    op.add_column('evidence', sa.Column('run_id', sa.Uuid(), nullable=True))
    op.add_column('evidence', sa.Column('link_stage', sa.String(), nullable=True))
    op.add_column('evidence', sa.Column('link_weight', sa.Double(), nullable=True))
    op.add_column('evidence', sa.Column('link_levels', sa.String(), nullable=True))
    op.drop_constraint("fk_evidence_beneficiary_id", "evidence", type_="foreignkey")
    op.alter_column("evidence", "body", type_=sa.JSON(), postgresql_using="body::json")
    for table in ("silent_passes", "run_chunks"):
        op.execute(
            f"create trigger append_only before update or delete or truncate on {table} "
            "for each statement execute function certify_append_only()"
        )
    op.execute(
        "update entitlements e set proven_on = cast(d.verdict ->> 'proven_on' as date) "
        "from determinations d where d.id = e.determination_id"
    )


def downgrade() -> None:
    op.alter_column(
        "evidence", "body", type_=postgresql.JSONB(astext_type=sa.Text()), postgresql_using="body::jsonb"
    )
    op.create_foreign_key("fk_evidence_beneficiary_id", "evidence", "beneficiaries", ["beneficiary_id"], ["id"])
    op.drop_column('evidence', 'link_levels')
    op.drop_column('evidence', 'link_weight')
    op.drop_column('evidence', 'link_stage')
    op.drop_column('evidence', 'run_id')
    op.drop_column('entitlements', 'back_pay_from')
    op.drop_column('entitlements', 'stopped_on')
    op.drop_column('entitlements', 'proven_on')
    op.drop_column('beneficiaries', 'sex')
    op.drop_index(op.f('ix_audits_run_id'), table_name='audits')
    op.drop_index(op.f('ix_audits_beneficiary_id'), table_name='audits')
    op.drop_table('audits')
    op.drop_index(op.f('ix_silent_passes_beneficiary_id'), table_name='silent_passes')
    op.drop_table('silent_passes')
    op.drop_table('run_chunks')
    op.drop_index(op.f('ix_link_questions_beneficiary_id'), table_name='link_questions')
    op.drop_table('link_questions')
    op.drop_table('early_voids')
    op.drop_index(op.f('ix_runs_feed_started_at'), table_name='runs')
    op.drop_table('runs')
