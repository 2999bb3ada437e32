"""The tables of version 0.2.0: a grading says what a person must see to."""

import sqlalchemy as sa
from alembic import op

revision = "0.2.0"
down_revision = "0.1.0"


def upgrade() -> None:
    """Earlier gradings say of nothing that a person must see to it."""
    op.add_column(
        "sittings", sa.Column("needs", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    )
