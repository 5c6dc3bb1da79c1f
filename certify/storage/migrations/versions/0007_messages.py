"""How to reach people, the outbox of messages to them, and the pensions that need a reminder."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('contacts',
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('language', sa.String(), nullable=True),
    sa.Column('reminders', sa.Boolean(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_contacts_beneficiary_id')),
    sa.PrimaryKeyConstraint('beneficiary_id', name=op.f('pk_contacts'))
    )
    op.create_table('messages',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('beneficiary_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('channel', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('dedupe', sa.String(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default=sa.text("0"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.CheckConstraint("channel in ('sms', 'email', 'letter', 'apprise')", name=op.f('ck_messages_channel_known')),
    sa.CheckConstraint("state in ('waiting', 'sent', 'failed', 'cancelled')", name=op.f('ck_messages_state_known')),
    sa.ForeignKeyConstraint(['beneficiary_id'], ['beneficiaries.id'], name=op.f('fk_messages_beneficiary_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages')),
    sa.UniqueConstraint('dedupe', 'channel', name=op.f('uq_messages_dedupe_channel'))
    )
    op.create_index(op.f('ix_messages_beneficiary_id'), 'messages', ['beneficiary_id'], unique=False)
    op.create_index(op.f('ix_messages_created_at'), 'messages', ['created_at'], unique=False)
    op.create_index('ix_messages_waiting', 'messages', ['channel', 'urgent', 'not_before'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index('ix_entitlements_to_remind', 'entitlements', ['due_on', 'beneficiary_id'], unique=False, postgresql_where=sa.text("payment = 'continue' and next_step in ('certify', 'retry', 'doorstep', 'renew')"))


def downgrade() -> None:
    op.drop_index('ix_entitlements_to_remind', table_name='entitlements')
    op.drop_table('messages')
    op.drop_table('contacts')
