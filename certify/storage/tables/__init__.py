"""Define the tables, one module for each subject. A comment explains a column whose name does not say everything.

Queries import the row classes from the module of their subject. The closed lists of words that columns hold, such as
states, are in ``certify.domain.states``.
"""

# All modules are imported together: a foreign key names its table as text, and SQLAlchemy must know that table.
from certify.storage.tables import (
    decisions,
    door,
    doorstep,
    imports,
    messages,
    people,
    proposals,
    runs,
    service,
    sessions,
)

__all__ = ["decisions", "door", "doorstep", "imports", "messages", "people", "proposals", "runs", "service", "sessions"]
