"""What Alembic runs for each migration; the store gives it the connection, inside the store's transaction."""

from alembic import context

given = context.config.attributes
context.configure(
    connection=given["connection"],
    version_table=given["version_table"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
