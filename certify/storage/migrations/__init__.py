"""Alembic migrations; env.py is Alembic's entry point."""
