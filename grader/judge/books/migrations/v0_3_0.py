"""Version 0.3.0 adds the table of erasures: when somebody's rows were taken out, not whose."""

import sqlalchemy as sa
from alembic import op

revision = "0.3.0"
down_revision = "0.1.0"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
    )
