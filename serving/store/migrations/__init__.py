"""Alembic's migrations of the operational store; run by `Store.migrate()`."""
