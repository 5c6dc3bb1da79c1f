"""People who serve themselves: one-time links and codes, consents, wishes for a visit, and decoy sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('access_codes',
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('used_by', sa.String(), nullable=True),
    sa.CheckConstraint("kind in ('link', 'code')", name=op.f('ck_access_codes_kind_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_access_codes_beneficiary_id')),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_access_codes'))
    )
    op.create_index(op.f('ix_access_codes_beneficiary_id'), 'access_codes', ['beneficiary_id'], unique=False)
    op.create_table('consents',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.String(), nullable=False),
    sa.Column('given', sa.Boolean(), nullable=False),
    sa.Column('text_version', sa.String(), nullable=False),
    sa.Column('assisted', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("purpose in ('face')", name=op.f('ck_consents_purpose_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_consents_beneficiary_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consents'))
    )
    op.create_index(op.f('ix_consents_beneficiary_id_purpose_at'), 'consents', ['beneficiary_id', 'purpose', 'at'], unique=False)
    op.create_table('visits',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('wanted_on', sa.Date(), nullable=False),
    sa.Column('part', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state in ('asked', 'cancelled', 'made')", name=op.f('ck_visits_state_known')),
    sa.CheckConstraint("part in ('morning', 'afternoon')", name=op.f('ck_visits_part_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_visits_beneficiary_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_visits'))
    )
    op.create_index(op.f('ix_visits_beneficiary_id'), 'visits', ['beneficiary_id'], unique=False)
    op.create_index(op.f('ix_visits_state_wanted_on'), 'visits', ['state', 'wanted_on'], unique=False)
    op.add_column('capture_sessions', sa.Column('stranger', sa.LargeBinary(), nullable=True))
    op.add_column('capture_sessions', sa.Column('attempts_left', sa.Integer(), nullable=True))
    op.add_column('capture_sessions', sa.Column('knocked', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_index(op.f('ix_capture_sessions_stranger_created_at'), 'capture_sessions', ['stranger', 'created_at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_capture_sessions_stranger_created_at'), table_name='capture_sessions')
    op.drop_column('capture_sessions', 'knocked')
    op.drop_column('capture_sessions', 'attempts_left')
    op.drop_column('capture_sessions', 'stranger')
    op.drop_table('visits')
    op.drop_table('consents')
    op.drop_table('access_codes')
