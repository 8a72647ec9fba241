"""What the private tables of each dataset spent"""

import sqlalchemy as sa
from alembic import op

from governance.database.append_only import append_only_statements

revision = "0002"
down_revision = "0001"

TABLE = "privacy_spendings"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("dataset", sa.String(length=100), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("epsilon", sa.Float(), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.name"], name=op.f("fk_privacy_spendings_dataset_datasets")),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_privacy_spendings_release_releases")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_privacy_spendings")),
        sa.UniqueConstraint("question", name=op.f("uq_privacy_spendings_question")),
    )
    with op.batch_alter_table(TABLE, schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_privacy_spendings_dataset"), ["dataset"], unique=False)
    for statement in append_only_statements(TABLE, op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table(TABLE, schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_privacy_spendings_dataset"))
    op.drop_table(TABLE)
