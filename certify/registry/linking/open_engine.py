"""Choice of a linking engine by name: DuckDB on one machine, Spark on several."""

from __future__ import annotations

from typing import Any

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.linking.engine import Engine


def open_engine(name: str, **options: Any) -> Engine:
    """Open an engine.

    Args:
        name: ``duckdb`` or ``spark``.
        **options: memory, threads and spill for DuckDB; session, memory and threads for Spark.

    Returns:
        The engine; the caller closes it.

    Raises:
        Invalid: there is no such engine (``engine``).
        Unavailable: Spark or Java is not installed.
    """
    if name == "duckdb":
        from certify.registry.linking.duckdb_engine import DuckDbEngine  # noqa: PLC0415 - load only the engine that is needed

        return DuckDbEngine(**options)
    if name == "spark":
        from certify.registry.linking.spark_engine import SparkEngine  # noqa: PLC0415 - needs the extra and Java

        return SparkEngine(**options)
    raise Invalid(f"There is no engine '{name}'.", hint="Use duckdb or spark.", code=ErrorCode.ENGINE)
