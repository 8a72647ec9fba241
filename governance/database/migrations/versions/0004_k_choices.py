"""The k that stewards choose for their datasets"""

import sqlalchemy as sa
from alembic import op

from governance.database.append_only import append_only_statements

revision = "0004"
down_revision = "0003"

TABLE = "k_choices"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("dataset", sa.String(length=100), nullable=False),
        sa.Column("k", sa.JSON(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chosen_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["dataset"], ["datasets.name"], name=op.f("fk_k_choices_dataset_datasets")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_k_choices")),
    )
    with op.batch_alter_table(TABLE, schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_k_choices_dataset"), ["dataset"], unique=False)
    for statement in append_only_statements(TABLE, op.get_context().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table(TABLE, schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_k_choices_dataset"))
    op.drop_table(TABLE)
