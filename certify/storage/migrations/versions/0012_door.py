"""Sign-ins that can be ended, counters at the door, codes of one device, and what a public session was asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("beneficiary_id", sa.Uuid(), nullable=True),
        sa.Column("tablet_id", sa.Uuid(), nullable=True),
        sa.Column("capture_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_because", sa.String(), nullable=True),
        sa.CheckConstraint("way in ('face', 'code', 'link', 'passkey')", name=op.f("ck_sign_ins_way_known")),
        sa.CheckConstraint(
            "ended_because in ('signed_out', 'ended_by_owner', 'ended_by_officer', 'contact_changed', 'tablet_revoked')",
            name=op.f("ck_sign_ins_ended_because_known"),
        ),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["beneficiaries.id"], name=op.f("fk_sign_ins_beneficiary_id")),
        sa.ForeignKeyConstraint(["tablet_id"], ["tablets.id"], name=op.f("fk_sign_ins_tablet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("capture_id", name=op.f("uq_sign_ins_capture_id")),
    )
    op.create_index(op.f("ix_sign_ins_beneficiary_id"), "sign_ins", ["beneficiary_id"], unique=False)
    op.create_index(op.f("ix_sign_ins_tablet_id"), "sign_ins", ["tablet_id"], unique=False)
    # After a crash of the database the counters begin at zero: that is worth the speed of writing no log.
    op.create_table(
        "door_marks",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_door_marks")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_door_marks_at"), "door_marks", ["at"], unique=False)
    op.add_column("beneficiaries", sa.Column("signed_out_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("access_codes", sa.Column("device", sa.String(), nullable=True))
    op.add_column("access_codes", sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("capture_sessions", sa.Column("asked", sa.LargeBinary(), nullable=True))
    op.add_column("capture_sessions", sa.Column("consent_version", sa.String(), nullable=True))
    # Up to here only decoy sessions had the mark of what was entered.
    op.execute("update capture_sessions set asked = stranger where stranger is not null")
    op.create_index(
        op.f("ix_capture_sessions_asked_created_at"), "capture_sessions", ["asked", "created_at"], unique=False
    )
    op.create_index(
        "ix_capture_sessions_nothing_came",
        "capture_sessions",
        ["created_at"],
        postgresql_where=sa.text("knocked and state = 'expired' and submitted_at is null"),
    )
    # Of several links of a person, the newest stays alive (certify/people/access.py).
    op.execute(
        "update access_codes a set used_at = now(), used_by = 'replaced' where kind = 'link' and used_at is null"
        " and exists (select from access_codes b where b.beneficiary_id = a.beneficiary_id and b.kind = 'link'"
        " and (b.created_at, b.hash) > (a.created_at, a.hash))"
    )


def downgrade() -> None:
    op.drop_index("ix_capture_sessions_nothing_came", table_name="capture_sessions")
    op.drop_index(op.f("ix_capture_sessions_asked_created_at"), table_name="capture_sessions")
    op.drop_column("capture_sessions", "consent_version")
    op.drop_column("capture_sessions", "asked")
    op.drop_column("access_codes", "tries")
    op.drop_column("access_codes", "device")
    op.drop_column("beneficiaries", "signed_out_at")
    op.drop_table("door_marks")
    op.drop_table("sign_ins")
