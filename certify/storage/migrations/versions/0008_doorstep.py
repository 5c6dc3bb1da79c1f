"""Visits at home: agents and their tablets, sealed visits and their traces, homes, and the plan of days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('agents',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('badge', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('photo', sa.LargeBinary(), nullable=True),
    sa.Column('area', sa.String(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('watched_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('score', sa.Double(), nullable=True),
    sa.CheckConstraint("state in ('active', 'away', 'suspended')", name=op.f('ck_agents_state_known')),
    sa.CheckConstraint('capacity between 0 and 60', name=op.f('ck_agents_capacity_bounded')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agents')),
    sa.UniqueConstraint('badge', name=op.f('uq_agents_badge'))
    )
    op.create_table('agent_holds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('agent_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('score', sa.Double(), nullable=False),
    sa.Column('signals', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.CheckConstraint("state in ('open', 'released', 'confirmed')", name=op.f('ck_agent_holds_state_known')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_agent_holds_agent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agent_holds'))
    )
    op.create_index('uq_agent_holds_open', 'agent_holds', ['agent_id'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('homes',
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_homes_beneficiary_id')),
    sa.PrimaryKeyConstraint('beneficiary_id', name=op.f('pk_homes'))
    )
    op.create_table('tablets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('agent_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('invited_by', sa.String(), nullable=False),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('invite_hash', sa.LargeBinary(), nullable=True),
    sa.Column('invite_expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('enrolled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('public_jwk', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('passkey', sa.LargeBinary(), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_by', sa.String(), nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('invited', 'active', 'revoked')", name=op.f('ck_tablets_state_known')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_tablets_agent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tablets')),
    sa.UniqueConstraint('invite_hash', name=op.f('uq_tablets_invite_hash'))
    )
    op.create_index(op.f('ix_tablets_agent_id'), 'tablets', ['agent_id'], unique=False)
    op.create_table('tablet_challenges',
    sa.Column('challenge', sa.LargeBinary(), nullable=False),
    sa.Column('tablet_id', sa.Uuid(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['tablet_id'], ['tablets.id'], name=op.f('fk_tablet_challenges_tablet_id')),
    sa.PrimaryKeyConstraint('challenge', name=op.f('pk_tablet_challenges'))
    )
    op.create_index(op.f('ix_tablet_challenges_tablet_id'), 'tablet_challenges', ['tablet_id'], unique=False)
    op.create_table('bundles',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('tablet_id', sa.Uuid(), nullable=False),
    sa.Column('agent_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('previous', sa.LargeBinary(), nullable=False),
    sa.Column('visit_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_offset_s', sa.Double(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', sa.String(), nullable=True),
    sa.Column('happened_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=True),
    sa.Column('session_id', sa.Uuid(), nullable=True),
    sa.Column('details_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('media_sha256', postgresql.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('delete_after', sa.DateTime(timezone=True), nullable=True),
    sa.Column('admitted_by', sa.String(), nullable=True),
    sa.CheckConstraint("state in ('received', 'opened', 'refused')", name=op.f('ck_bundles_state_known')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_bundles_agent_id')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_bundles_beneficiary_id')),
    sa.ForeignKeyConstraint(['session_id'], ['capture_sessions.id'], name=op.f('fk_bundles_session_id')),
    sa.ForeignKeyConstraint(['tablet_id'], ['tablets.id'], name=op.f('fk_bundles_tablet_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bundles')),
    sa.UniqueConstraint('sha256', name=op.f('uq_bundles_sha256'))
    )
    op.create_index(op.f('ix_bundles_agent_id_happened_at'), 'bundles', ['agent_id', 'happened_at'], unique=False)
    op.create_index(op.f('ix_bundles_beneficiary_id'), 'bundles', ['beneficiary_id'], unique=False)
    op.create_index(op.f('ix_bundles_session_id'), 'bundles', ['session_id'], unique=False)
    op.create_index(op.f('ix_bundles_visit_id'), 'bundles', ['visit_id'], unique=False)
    op.create_index('ix_bundles_waiting', 'bundles', ['received_at'], unique=False, postgresql_where=sa.text("state = 'received'"))
    op.create_index('uq_bundles_place', 'bundles', ['tablet_id', 'seq'], unique=True, postgresql_where=sa.text("state <> 'refused'"))
    op.create_table('visit_traces',
    sa.Column('bundle_id', sa.Uuid(), nullable=False),
    sa.Column('agent_id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seconds', sa.Double(), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.Column('passive', sa.Double(), nullable=True),
    sa.Column('background', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('same_face', postgresql.ARRAY(sa.String()), nullable=False),
    sa.Column('clock_shift_s', sa.Double(), nullable=False),
    sa.Column('recheck', sa.Boolean(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_visit_traces_agent_id')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_visit_traces_beneficiary_id')),
    sa.ForeignKeyConstraint(['bundle_id'], ['bundles.id'], name=op.f('fk_visit_traces_bundle_id')),
    sa.PrimaryKeyConstraint('bundle_id', name=op.f('pk_visit_traces'))
    )
    op.create_index(op.f('ix_visit_traces_agent_id_at'), 'visit_traces', ['agent_id', 'at'], unique=False)
    op.create_index(op.f('ix_visit_traces_agent_id_noted_at'), 'visit_traces', ['agent_id', 'noted_at'], unique=False)
    op.create_index(op.f('ix_visit_traces_beneficiary_id'), 'visit_traces', ['beneficiary_id'], unique=False)
    op.add_column('capture_sessions', sa.Column('filmed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('visits', sa.Column('reason', sa.String(), server_default='asked', nullable=False))
    op.add_column('visits', sa.Column('agent_id', sa.Uuid(), nullable=True))
    op.add_column('visits', sa.Column('planned_on', sa.Date(), nullable=True))
    op.add_column('visits', sa.Column('place', sa.Integer(), nullable=True))
    op.add_column('visits', sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('visits', sa.Column('rechecks', sa.Uuid(), nullable=True))
    op.alter_column('visits', 'wanted_on',
               existing_type=sa.DATE(),
               nullable=True)
    op.alter_column('visits', 'part',
               existing_type=sa.VARCHAR(),
               nullable=True)
    op.create_index(op.f('ix_visits_agent_id_planned_on'), 'visits', ['agent_id', 'planned_on'], unique=False)
    op.create_index('uq_visits_open', 'visits', ['beneficiary_id'], unique=True, postgresql_where=sa.text("state in ('asked', 'planned')"))
    op.create_foreign_key(op.f('fk_visits_rechecks'), 'visits', 'bundles', ['rechecks'], ['id'])
    op.create_foreign_key(op.f('fk_visits_agent_id'), 'visits', 'agents', ['agent_id'], ['id'])
    op.drop_constraint(op.f('ck_visits_state_known'), 'visits', type_='check')
    op.create_check_constraint(op.f('ck_visits_state_known'), 'visits', "state in ('asked', 'planned', 'cancelled', 'made')")
    op.create_check_constraint(op.f('ck_visits_reason_known'), 'visits', "reason in ('asked', 'attempts', 'audit', 'recheck', 'overdue', 'fund', 'walk_in')")


def downgrade() -> None:
    op.execute("delete from visits where wanted_on is null or part is null")
    op.execute("update visits set state = 'asked' where state = 'planned'")
    op.drop_constraint(op.f('ck_visits_reason_known'), 'visits', type_='check')
    op.drop_constraint(op.f('ck_visits_state_known'), 'visits', type_='check')
    op.create_check_constraint(op.f('ck_visits_state_known'), 'visits', "state in ('asked', 'cancelled', 'made')")
    op.drop_constraint(op.f('fk_visits_agent_id'), 'visits', type_='foreignkey')
    op.drop_constraint(op.f('fk_visits_rechecks'), 'visits', type_='foreignkey')
    op.drop_index('uq_visits_open', table_name='visits', postgresql_where=sa.text("state in ('asked', 'planned')"))
    op.drop_index(op.f('ix_visits_agent_id_planned_on'), table_name='visits')
    op.alter_column('visits', 'part',
               existing_type=sa.VARCHAR(),
               nullable=False)
    op.alter_column('visits', 'wanted_on',
               existing_type=sa.DATE(),
               nullable=False)
    op.drop_column('visits', 'rechecks')
    op.drop_column('visits', 'tries')
    op.drop_column('visits', 'place')
    op.drop_column('visits', 'planned_on')
    op.drop_column('visits', 'agent_id')
    op.drop_column('visits', 'reason')
    op.drop_column('capture_sessions', 'filmed_at')
    op.drop_index(op.f('ix_visit_traces_beneficiary_id'), table_name='visit_traces')
    op.drop_index(op.f('ix_visit_traces_agent_id_noted_at'), table_name='visit_traces')
    op.drop_index(op.f('ix_visit_traces_agent_id_at'), table_name='visit_traces')
    op.drop_table('visit_traces')
    op.drop_index('uq_bundles_place', table_name='bundles', postgresql_where=sa.text("state <> 'refused'"))
    op.drop_index('ix_bundles_waiting', table_name='bundles', postgresql_where=sa.text("state = 'received'"))
    op.drop_index(op.f('ix_bundles_visit_id'), table_name='bundles')
    op.drop_index(op.f('ix_bundles_session_id'), table_name='bundles')
    op.drop_index(op.f('ix_bundles_beneficiary_id'), table_name='bundles')
    op.drop_index(op.f('ix_bundles_agent_id_happened_at'), table_name='bundles')
    op.drop_table('bundles')
    op.drop_index(op.f('ix_tablet_challenges_tablet_id'), table_name='tablet_challenges')
    op.drop_table('tablet_challenges')
    op.drop_index(op.f('ix_tablets_agent_id'), table_name='tablets')
    op.drop_table('tablets')
    op.drop_table('homes')
    op.drop_index('uq_agent_holds_open', table_name='agent_holds', postgresql_where=sa.text("state = 'open'"))
    op.drop_table('agent_holds')
    op.drop_table('agents')
