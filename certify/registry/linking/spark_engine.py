"""Linking on many machines with Spark: the same SQL and normalising, on Arrow batches on the workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid, Unavailable
from certify.registry.linking.agreement import (
    FULL_WORD,
    INITIAL,
    SCRIPT_SQL,
    SOUND_CLASSES,
    SOUNDS,
    TONED,
    WHOLE_SYLLABLES,
)
from certify.registry.linking.engine import (
    Source,
    check_columns,
    checked_name,
)
from certify.registry.normalise import Layout, canonical


def _sounds_sql() -> str:
    """Return the SQL of the classes of a word ``w``, without repetitions: mm becomes m."""
    sql = f"translate(w, '{SOUND_CLASSES[0]}', '{SOUND_CLASSES[1]}')"
    for sound in SOUNDS:
        sql = f"regexp_replace({sql}, '{sound}+', '{sound}')"
    return sql


_FUNCTIONS = (
    "CREATE OR REPLACE TEMPORARY FUNCTION word_count(a STRING) RETURNS INT RETURN size(split(a, ' '))",
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION shared_words(a STRING, b STRING) RETURNS INT "
        "RETURN size(array_intersect(split(a, ' '), split(b, ' ')))"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION same_letters(a STRING, b STRING) RETURNS BOOLEAN "
        "RETURN array_sort(split(a, '')) = array_sort(split(b, ''))"
    ),
    f"CREATE OR REPLACE TEMPORARY FUNCTION script_of(a STRING) RETURNS INT RETURN {SCRIPT_SQL}",
    f"CREATE OR REPLACE TEMPORARY FUNCTION has_tones(a STRING) RETURNS BOOLEAN RETURN a RLIKE '{TONED}'",
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION is_brief(a STRING) RETURNS BOOLEAN "
        f"RETURN a RLIKE r'{INITIAL}' AND script_of(a) NOT IN ({WHOLE_SYLLABLES}) "
        f"AND NOT a RLIKE r'{FULL_WORD}.* .*{FULL_WORD}'"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION sounds(a STRING) RETURNS STRING "
        f"RETURN array_join(array_sort(transform(split(a, ' '), w -> {_sounds_sql()})), ' ')"
    ),
)


class SparkEngine:
    """A Spark session.

    Args:
        session: an open session, which its owner closes; None for the one that this thread has, or that
            ``spark-submit`` or Spark Connect gives, or else a local one. ``close`` stops what was started here.
        threads: threads of the local session.
        memory: memory of the local session.

    Raises:
        Unavailable: pyspark or Java is not installed.
    """

    name = "spark"

    def __init__(self, *, session: Any = None, threads: int = 2, memory: str = "4g") -> None:
        found = session if session is not None else _active()
        self._mine = found is None
        self.session = found if found is not None else _started(threads, memory)
        # Spark 4's optimiser fails on the unions of filtered tables that linking makes ("key not found" in UnionBase).
        self.session.conf.set("spark.sql.constraintPropagation.enabled", "false")
        for function in _FUNCTIONS:
            self.session.sql(function)

    def load(self, table: str, source: Source) -> None:
        """Normalise on the workers."""
        layout, data = source.layout, source.data
        columns = list(layout.columns())
        if isinstance(data, pa.RecordBatchReader):
            data = data.read_all()
        if isinstance(data, pa.Table):
            check_columns(data.column_names, columns, "The table")
            frame = self.session.createDataFrame(data.select(columns))
        else:
            frame = self._file(data)
            check_columns(frame.columns, columns, data)
            frame = frame.select(*[f"`{name}`" for name in columns])
        names = canonical(pa.table({n: pa.array([], pa.string()) for n in columns}), layout).column_names
        self._keep(table, frame.mapInArrow(_Normalise(layout), ", ".join(f"{name} string" for name in names)))

    def file_columns(self, path: Path) -> list[str]:
        """Return the column names of a file."""
        return list(self._file(path).columns)

    def read(self, table: str, path: Path, columns: Mapping[str, str]) -> None:
        """Copy columns of a file, as texts."""
        frame = self._file(path)
        check_columns(frame.columns, columns.values(), path)
        self._keep(
            table, frame.selectExpr(*[f"CAST(`{theirs}` AS STRING) AS {ours}" for ours, theirs in columns.items()])
        )

    def _file(self, path: Path) -> Any:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - the extra

        try:
            if path.suffix == ".parquet":
                frame = self.session.read.parquet(str(path))
            else:
                frame = self.session.read.csv(str(path), header=True, inferSchema=False, escape='"', multiLine=True)
        except PySparkException as error:
            raise Invalid(f"{path} cannot be read as a table.", hint=str(error)[:200], code=ErrorCode.FILE) from error
        return frame.toDF(*[name.strip() for name in frame.columns])

    def register(self, table: str, data: pa.Table) -> None:
        """Copy an Arrow table to the workers."""
        self._keep(table, self.session.createDataFrame(data))

    def create(self, table: str, select: str) -> None:
        """Run the query and store its rows without their query plan, because plans would grow without limit."""
        self._keep(table, self.session.sql(select))

    def define(self, table: str, select: str) -> None:
        """Make a view."""
        self.session.sql(select).createOrReplaceTempView(checked_name(table))

    def _keep(self, table: str, frame: Any) -> None:
        frame.localCheckpoint(eager=True).createOrReplaceTempView(checked_name(table))

    def keep_only(self, table: str, column: str) -> None:
        """Copy the one column."""
        self.create(table, f"SELECT {column} FROM {checked_name(table)}")

    def few(self, table: str, columns: str, where: str) -> str:
        """Return a plain query: rows of a Spark table have no numbers."""
        return f"SELECT {columns} FROM {checked_name(table)} WHERE {where}"

    def query(self, select: str) -> pa.Table:
        """Return the result as Arrow."""
        return self.session.sql(select).toArrow()

    def count(self, table: str) -> int:
        """Count rows."""
        return int(self.session.table(checked_name(table)).count())

    def columns(self, table: str) -> list[str]:
        """Return the column names."""
        return list(self.session.table(checked_name(table)).columns)

    def splink(self) -> Any:
        """Return Splink on this session; its Java functions are not needed."""
        from splink.backends import spark  # noqa: PLC0415 - needs pyspark

        make: Any = spark.SparkAPI  # without types
        return make(spark_session=self.session, register_udfs_automatically=False, break_lineage_method="persist")

    def close(self) -> None:
        """Stop the session if it was started here."""
        if self._mine:
            self.session.stop()


class _Normalise:
    """A call of ``canonical`` as an object, because Spark sends it to other machines."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from canonical(batch, self._layout).to_batches()


def _sessions() -> Any:
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - the extra
    except ImportError as error:
        raise Unavailable(
            "Spark is not installed.", hint="Install it: pip install 'certify[spark]', and Java 17 or newer."
        ) from error
    return SparkSession


def _active() -> Any | None:
    return _sessions().getActiveSession()


_GIVEN = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE")
"""What ``spark-submit`` and Spark Connect set in the environment: then cluster and memory are chosen already."""


def _started(threads: int, memory: str) -> Any:
    if any(name in os.environ for name in _GIVEN):
        try:
            return _sessions().builder.appName("certify").config("spark.sql.ansi.enabled", "false").getOrCreate()
        except Exception as error:
            raise Unavailable("Spark did not start.", hint="Look at what spark-submit says.") from error
    return _local(threads, memory)


def _local(threads: int, memory: str) -> Any:
    # Workers on this machine must run the same Python; Spark reads this variable only.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        session = (
            _sessions()
            .builder.master(f"local[{threads}]")
            .appName("certify")
            .config("spark.driver.memory", memory.lower().removesuffix("b"))  # Java knows 6g, not 6GB
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", str(threads))
            .config("spark.sql.ansi.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
    except Exception as error:
        raise Unavailable("Spark did not start.", hint="It needs Java 17 or newer on the path.") from error
    session.sparkContext.setLogLevel("ERROR")
    return session
