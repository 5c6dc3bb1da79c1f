"""Open a linking engine by name: DuckDB on one machine, Spark beyond it."""

from __future__ import annotations

from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.engine import Engine


def open_engine(name: str, **options: Any) -> Engine:
    """Open ``duckdb`` (options: memory, threads, spill) or ``spark`` (options: session). Raises Invalid."""
    if name == "duckdb":
        from certify.registry.linking.duckdb_engine import DuckDbEngine  # noqa: PLC0415 - only what is asked for

        return DuckDbEngine(**options)
    if name == "spark":
        from certify.registry.linking.spark_engine import SparkEngine  # noqa: PLC0415 - needs the extra and Java

        return SparkEngine(**options)
    raise Invalid(f"There is no engine '{name}'.", hint="Use duckdb or spark.", code=ErrorCode.ENGINE)
