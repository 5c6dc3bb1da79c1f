"""Change the schema of existing databases with Alembic. ``env.py`` is Alembic's entry point."""
