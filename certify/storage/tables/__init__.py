"""The tables, by subject. A comment beside a column says what it means when its name does not."""

# All of them are loaded together: a foreign key names its table as text, and SQLAlchemy must know that table.
from certify.storage.tables import decisions, doorstep, messages, people, runs, service, sessions

__all__ = ["decisions", "doorstep", "messages", "people", "runs", "service", "sessions"]
