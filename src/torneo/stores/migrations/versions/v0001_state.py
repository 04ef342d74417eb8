"""Streams with their heads, records, locks; streams refuse to be changed."""

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, PrimaryKeyConstraint, Text, UniqueConstraint

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "stream_entries",
        *(Column(name, Text, nullable=False) for name in ("project", "stream", "time", "id", "body", "digest")),
        Column("sequence", BigInteger, nullable=False),
        PrimaryKeyConstraint("project", "stream", "sequence"),
        UniqueConstraint("project", "stream", "id"),
    )
    op.create_table(
        "stream_heads",
        *(Column(name, Text, nullable=False) for name in ("project", "stream", "digest")),
        Column("count", BigInteger, nullable=False),
        PrimaryKeyConstraint("project", "stream"),
    )
    op.create_table(
        "records",
        *(Column(name, Text, nullable=False) for name in ("project", "name", "body")),
        PrimaryKeyConstraint("project", "name"),
    )
    op.create_table(
        "locks",
        Column("name", Text, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("token", "owner", "host", "machine", "started", "since")),
        Column("pid", Integer, nullable=False),
        Column("expires", Float, nullable=False),
    )
    _guard()


GUARDS = (
    ("stream_entries", "UPDATE", ""),
    ("stream_entries", "DELETE", ""),
    ("stream_heads", "UPDATE", "WHEN (NEW.count <= OLD.count)"),
    ("stream_heads", "DELETE", ""),
)


def _guard() -> None:
    """Streams are append-only, and their heads only move on."""
    if op.get_bind().dialect.name == "sqlite":
        for table, action, condition in GUARDS:
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{action.lower()} BEFORE {action} ON {table} {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION torneo_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    for table, action, condition in (
        *GUARDS,
        *((table, "TRUNCATE", "") for table in ("stream_entries", "stream_heads")),
    ):
        each = "STATEMENT" if action == "TRUNCATE" else "ROW"
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{action.lower()} BEFORE {action} ON {table} "
            f"FOR EACH {each} {condition} EXECUTE FUNCTION torneo_refuse()"
        )
